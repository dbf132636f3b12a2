"""Annotates the language of a text."""

from collections.abc import Sequence

from processors.enrichment.annotators.base import Annotator
from processors.models.language_model import LanguageIdentifier
from schemas.mention import Language, Mention


class LanguageAnnotator(Annotator):
    name = "language"
    heavy = False
    version = "posts-2"

    def __init__(self, identifier: LanguageIdentifier | None = None) -> None:
        self._identifier = identifier or LanguageIdentifier()

    def annotate(self, batch: Sequence[Mention]) -> None:
        answers = self._identifier.identify(
            [mention.post.text for mention in batch],
            [mention.post.language for mention in batch],
        )
        for mention, (code, confidence) in zip(batch, answers, strict=True):
            mention.language = Language(code=code, confidence=confidence)
