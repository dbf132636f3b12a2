"""Saves and loads our fine-tuned entity recognisers.

A base pipeline (tokenizer, vocabulary, vectors) comes from a package. The artifact is its
recogniser, fine-tuned on posts, in 16 bits; it is never used with another base.
"""

import hashlib
import json
import warnings
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np
import srsly  # type: ignore[import-untyped, unused-ignore]
import zstandard
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.util import get_lang_class, load_config, load_meta

from processors.models.artifact_files import (
    ARTIFACTS,
    REMEDY,
    Description,
    read_artifact,
    read_description,
)
from processors.models.token_match import factored
from schemas.errors import ArtifactMissing

OURS: Final = ("PERSON", "ORG", "LOC", "PRODUCT", "EVENT")
"""Labels of a fine-tuned recogniser, in the order of its weights."""
MAX_BYTES: Final = 64 * 1024 * 1024
"""Limit of an unpacked recogniser."""
_UNUSED: Final = frozenset(
    {
        *("tok2vec", "tagger", "morphologizer", "parser", "senter", "attribute_ruler"),
        "lemmatizer",
        # The words that have a vector; it is found by their hash. They take a second and 150 MB.
        "strings",
        # Loaded apart, by _loaded.
        "tokenizer",
    }
)
"""Parts of a pipeline that are not loaded."""
_REINSTALL: Final = "install the version that fits the installed spaCy"


class _Description(Description):
    base: str


def _folder_of(package: str) -> Path:
    """The folder of the pipeline, without an import of the package."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise ArtifactMissing(f"the package {package} is not installed; {_REINSTALL}")
    # The folder has the name of the pipeline, which may differ from that of the package.
    folders = [config.parent for config in Path(spec.origin).parent.glob("*/config.cfg")]
    if len(folders) != 1:
        raise ArtifactMissing(
            f"the package {package} does not hold exactly one spaCy pipeline; {_REINSTALL}"
        )
    return folders[0]


def load_base(package: str) -> Language:
    """The tokenizer and the recogniser of an installed pipeline. Raises ArtifactMissing."""
    folder = _folder_of(package)
    try:
        with warnings.catch_warnings():
            # Pipelines for spaCy 3.7 warn; these were tested with 3.8.
            warnings.filterwarnings("ignore", message=r"\[W095\]")
            pipeline = _loaded(folder)
    except Exception as error:
        raise ArtifactMissing(f"spaCy cannot load {package}: {error}; {_REINSTALL}") from error
    if "ner" not in pipeline.pipe_names:
        raise ArtifactMissing(f"the package {package} has no entity recogniser; {_REINSTALL}")
    return pipeline


def _loaded(folder: Path) -> Language:
    """As ``spacy.load``, in a fraction of the time."""
    config = load_config(folder / "config.cfg")
    language = config["nlp"]["lang"]
    pipeline_class = _PLAIN.get(language) or get_lang_class(language)
    pipeline = pipeline_class.from_config(
        config, exclude=_UNUSED, meta=load_meta(folder / "meta.json")
    )
    pipeline.from_disk(folder, exclude=_UNUSED)
    saved = srsly.msgpack_loads((folder / "tokenizer").read_bytes())
    if saved["token_match"]:
        saved["token_match"] = factored(saved["token_match"])
    tokenizer: Any = pipeline.tokenizer
    tokenizer.from_bytes(srsly.msgpack_dumps(saved), exclude=["vocab"])
    return pipeline


class _English(Language):  # type: ignore[no-untyped-call, unused-ignore]
    lang = "en"


class _French(Language):  # type: ignore[no-untyped-call, unused-ignore]
    lang = "fr"


_PLAIN: Final = {"en": _English, "fr": _French}
"""Languages without the defaults of ``spacy.lang``: the saved tokenizer replaces those that the
recogniser uses. Their import takes four seconds for French."""


def identity(base: Language) -> str:
    """Language, name and version of a pipeline."""
    return "{lang}_{name}-{version}".format(**base.meta)


def recogniser_for(base: Language) -> Language:
    """A pipeline with the base's tokenizer, vocabulary and vectors, and an empty recogniser."""
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
    """A recogniser in 16 bits, compressed."""
    narrow = _converted(recogniser.to_bytes(exclude=["vocab"]), np.float16)
    packed: bytes = zstandard.ZstdCompressor(level=19).compress(narrow)
    return packed


def unpack(recogniser: Any, packed: bytes) -> None:
    """The inverse of `pack`, into a recogniser of the same shape."""
    narrow = zstandard.ZstdDecompressor().decompress(packed, max_output_size=MAX_BYTES)
    recogniser.from_bytes(_converted(narrow, np.float32), exclude=["vocab"])


def save(pipeline: Language, base: Language, out: Path, description: Mapping[str, Any]) -> Path:
    """Write the artifact of a language and its description; returns the artifact's path."""
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
    """The base with our recogniser; None if there is none for this base.

    Raises ArtifactMissing if the artifact does not match its description.
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
    return next((package for package in packages if find_spec(package) is not None), None)


def _converted(recogniser: bytes, kind: type[np.floating[Any]]) -> bytes:
    """A serialised recogniser with its floating-point arrays as `kind`."""
    whole = srsly.msgpack_loads(recogniser)
    model = srsly.msgpack_loads(whole["model"])
    for layer in model["params"]:
        for name, value in layer.items():
            if isinstance(value, np.ndarray) and np.issubdtype(value.dtype, np.floating):
                layer[name] = value.astype(kind)
    whole["model"] = srsly.msgpack_dumps(model)
    converted: bytes = srsly.msgpack_dumps(whole)
    return converted
