"""What every annotator is, and in which language it reads a post."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Final, Self

from brands.brand_matcher import BrandMatcher
from runtime.settings import ProcessSettings
from schemas.mention import Mention

FALLBACK: Final = "en"
"""The language to read in where nobody can tell the post's."""
MIN_CONFIDENCE: Final = 0.5
"""Confidence in the language from which it chooses the model."""


class Annotator(ABC):
    """Fills its own field of each mention in place and touches nothing else.

    The result depends on the mentions alone (and on what was given to the constructor), so the
    same batch gives the same result live, offline and in a back-test. It must not raise for any
    text; if it does, the batch is bisected and the one post that it cannot take is dead-lettered.
    """

    name: str
    """What settings, metrics and provenance call it."""
    version: str
    """Changes whenever the results may change; kept in each mention's provenance."""
    heavy: bool = True
    """Too slow for every post: run only on those that name a brand."""

    @classmethod
    def from_settings(cls, settings: ProcessSettings, matcher: Callable[[], BrandMatcher]) -> Self:
        """The annotator as the settings have it; ``matcher`` gives the brands as they are now."""
        return cls()

    def warm(self, languages: Sequence[str]) -> None:  # noqa: B027 (most have nothing to load)
        """Load what these languages need now rather than at the first post, which may take
        seconds."""

    @abstractmethod
    def annotate(self, batch: Sequence[Mention]) -> None:
        """Annotate each mention of the batch."""


def lexicon_language(mention: Mention) -> str:
    """The language whose word lists are for the post, by the best guess.

    Words of another language are seldom in a list, so a wrong guess costs little.
    """
    language = mention.language
    return FALLBACK if language is None or language.code == "und" else language.code


def model_language(mention: Mention) -> str:
    """The language whose model reads the post: a doubtful guess is read as English.

    A model finds names in any text, noise in a text of another language. And a post of a few
    names and abbreviations is what language models are least sure of.
    """
    language = mention.language
    if language is None or language.confidence < MIN_CONFIDENCE:
        return FALLBACK
    return lexicon_language(mention)
