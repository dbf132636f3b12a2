"""Our weights of the entity recognisers: how they are kept, and put onto a base pipeline.

A base pipeline (tokenizer, vocabulary, static vectors) comes from a package; what was fine-tuned
on posts is its recogniser alone, kept here as 16-bit numbers beside a JSON file with its hash,
scores and the base that it fits. It is used with exactly that base and no other.
"""

import hashlib
import json
import warnings
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np
import spacy
import srsly  # type: ignore[import-untyped, unused-ignore]
import zstandard
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example

from processors.models.artifact_files import (
    ARTIFACTS,
    REMEDY,
    Description,
    read_artifact,
    read_description,
)
from schemas.errors import ArtifactMissing

OURS: Final = ("PERSON", "ORG", "LOC", "PRODUCT", "EVENT")
"""Labels of a fine-tuned recogniser, in the order in which they are added."""

MAX_BYTES: Final = 64 * 1024 * 1024
"""A recogniser larger than this is not one of ours."""

_NOT_NEEDED: Final = (
    "tok2vec",
    "tagger",
    "morphologizer",
    "parser",
    "senter",
    "attribute_ruler",
    "lemmatizer",
)


_PIPELINE_REMEDY: Final = "install the version that fits the installed spaCy"


class _Description(Description):
    """What an artifact's JSON file holds."""

    base: str


def folder_of(package: str) -> Path:
    """Where an installed package keeps its pipeline; the package is not imported."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise ArtifactMissing(f"the package {package} is not installed; {_PIPELINE_REMEDY}")
    # The folder has the name of the pipeline, which a re-upload may call otherwise than itself.
    folders = [config.parent for config in Path(spec.origin).parent.glob("*/config.cfg")]
    if len(folders) != 1:
        raise ArtifactMissing(
            f"the package {package} does not hold one spaCy pipeline; {_PIPELINE_REMEDY}"
        )
    return folders[0]


def load_base(package: str) -> Language:
    """The tokenizer and the recogniser of an installed pipeline, as they come."""
    folder = folder_of(package)
    try:
        with warnings.catch_warnings():
            # A pipeline made for spaCy 3.7 says so; those that are used here were tried with 3.8.
            warnings.filterwarnings("ignore", message=r"\[W095\]")
            pipeline = spacy.load(folder, exclude=_NOT_NEEDED)
    except Exception as error:
        raise ArtifactMissing(
            f"spaCy cannot load {package}: {error}; {_PIPELINE_REMEDY}"
        ) from error
    if "ner" not in pipeline.pipe_names:
        raise ArtifactMissing(f"the package {package} has no entity recogniser; {_PIPELINE_REMEDY}")
    return pipeline


def identity(base: Language) -> str:
    """Language, name and version of a pipeline, as in its own description."""
    return "{lang}_{name}-{version}".format(**base.meta)


def recogniser_for(base: Language) -> Language:
    """A pipeline of the base's tokenizer, vocabulary and vectors with an empty recogniser."""
    pipeline = type(base)(vocab=base.vocab)
    pipeline.tokenizer = base.tokenizer
    config: dict[str, Any] = {"model": base.get_pipe_config("ner")["model"]}
    recogniser: Any = pipeline.add_pipe("ner", config=config)
    for label in OURS:
        recogniser.add_label(label)
    words = Doc(pipeline.vocab, words=list(OURS), spaces=[True] * len(OURS))
    named = words.copy()
    named.set_ents([Span(named, i, i + 1, label=label) for i, label in enumerate(OURS)])
    pipeline.initialize(lambda: [Example(words, named)])
    return pipeline


def pack(recogniser: Any) -> bytes:
    """A recogniser with its numbers cut to 16 bits, compressed."""
    whole = srsly.msgpack_loads(recogniser.to_bytes(exclude=["vocab"]))
    model = srsly.msgpack_loads(whole["model"])
    model["params"] = _numbers(model["params"], np.float16)
    whole["model"] = srsly.msgpack_dumps(model)
    packed: bytes = zstandard.ZstdCompressor(level=19).compress(srsly.msgpack_dumps(whole))
    return packed


def unpack(recogniser: Any, packed: bytes) -> None:
    """Puts what `pack` made into a recogniser of the same shape."""
    plain = zstandard.ZstdDecompressor().decompress(packed, max_output_size=MAX_BYTES)
    whole = srsly.msgpack_loads(plain)
    model = srsly.msgpack_loads(whole["model"])
    model["params"] = _numbers(model["params"], np.float32)
    whole["model"] = srsly.msgpack_dumps(model)
    recogniser.from_bytes(srsly.msgpack_dumps(whole), exclude=["vocab"])


def save(pipeline: Language, base: Language, out: Path, description: Mapping[str, Any]) -> Path:
    """Writes the artifact of a language and its description; gives the artifact's path."""
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"entities-{base.meta['lang']}.bin"
    packed = pack(pipeline.get_pipe("ner"))
    path.write_bytes(packed)
    described = {
        "sha256": hashlib.sha256(packed).hexdigest(),
        "bytes": len(packed),
        "base": identity(base),
        "labels": list(OURS),
        **description,
    }
    text = json.dumps(described, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    path.with_suffix(".json").write_text(text, "utf-8")
    return path


def fine_tuned(base: Language, artifacts: Path = ARTIFACTS) -> Language | None:
    """The base with our recogniser in place of its own; None where we have none for this base.

    Raises ArtifactMissing if the artifact is not what its description says.
    """
    path = artifacts / f"entities-{base.meta['lang']}.bin"
    if not path.with_suffix(".json").is_file():
        return None
    description = read_description(path.with_suffix(".json"), _Description)
    if description.base != identity(base):
        return None
    packed = read_artifact(path, description.sha256)
    pipeline = recogniser_for(base)
    try:
        unpack(pipeline.get_pipe("ner"), packed)
    except Exception as error:
        raise ArtifactMissing(f"{path} does not fit {identity(base)}: {error}; {REMEDY}") from error
    return pipeline


def first_installed(packages: Sequence[str]) -> str | None:
    """The first of the packages that is installed."""
    return next((package for package in packages if find_spec(package) is not None), None)


def _numbers(params: Sequence[Mapping[str, Any]], kind: type[np.floating[Any]]) -> list[Any]:
    """The parameters of each layer with the floating-point arrays as `kind`."""
    return [
        {
            name: value.astype(kind)
            if isinstance(value, np.ndarray) and np.issubdtype(value.dtype, np.floating)
            else value
            for name, value in layer.items()
        }
        for layer in params
    ]
