"""Annotates the language that a text is written in."""

from collections.abc import Sequence

from processors.models.language_model import LanguageIdentifier
from schemas.mention import Language, Mention


class LanguageAnnotator:
    """Identifies the language from the text; the platform's hint only tips what is in doubt."""

    name = "language"
    heavy = False

    def __init__(self, identifier: LanguageIdentifier | None = None) -> None:
        self._identifier = identifier or LanguageIdentifier()
        self.version = "posts-1"

    def annotate(self, batch: Sequence[Mention]) -> None:
        """Fill ``language``."""
        found = self._identifier.identify(
            [mention.post.text for mention in batch],
            [mention.post.language for mention in batch],
        )
        for mention, (code, confidence) in zip(batch, found, strict=True):
            mention.language = Language(code=code, confidence=confidence)
