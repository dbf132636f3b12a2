"""Annotates aspects, what an opinion is about (price, delay, staff, ...), by word lists."""

from collections.abc import Mapping, Sequence
from typing import Final, cast, get_args

from processors.enrichment.annotators.base import Annotator, LazyLists, Lists, lexicon_language
from schemas.errors import ConfigurationError
from schemas.mention import Aspect, Mention
from schemas.types import AspectLabel
from text.phrases import Phrases, split

MAX_ASPECTS: Final = 16
"""Aspects kept per post, the first ones."""
NONE: Final = "none"
"""Label of phrases that only look like an aspect: they take their words and give nothing."""

_LABELS: Final = frozenset(get_args(AspectLabel))


class AspectAnnotator(Annotator):
    """The lists of ``lexicons/aspects``; the longest phrase wins, aspects never overlap.

    It matches words, not meaning: a high price and a low price are both ``price``.
    A post in a language without a list gets no aspects.
    """

    name = "aspects"
    version = "lexicon-1"

    def __init__(self, lists: Lists | None = None) -> None:
        """Lists that are given are checked now; the built-in ones are read language by language.

        Raises ConfigurationError.
        """
        self._lists = LazyLists("aspects") if lists is None else lists
        self._phrases: dict[str, Phrases[AspectLabel | None] | None] = {}
        if lists is not None:
            self.warm(list(lists))

    def warm(self, languages: Sequence[str]) -> None:
        for language in languages:
            self._phrases_of(language)

    def annotate(self, batch: Sequence[Mention]) -> None:
        for mention in batch:
            phrases = self._phrases_of(lexicon_language(mention))
            mention.aspects = _aspects(mention.post.text, phrases) if phrases else []

    def _phrases_of(self, language: str) -> Phrases[AspectLabel | None] | None:
        if language not in self._phrases:
            labels = self._lists.get(language)
            self._phrases[language] = None if labels is None else _phrases(language, labels)
        return self._phrases[language]


def _phrases(language: str, labels: Mapping[str, Sequence[str]]) -> Phrases[AspectLabel | None]:
    return Phrases(
        ((phrase, aspect_label(label)) for label in labels for phrase in labels[label]), language
    )


def aspect_label(name: str) -> AspectLabel | None:
    """The label of that name; None for ``none``. Raises ConfigurationError."""
    if name == NONE:
        return None
    if name not in _LABELS:
        choices = ", ".join(sorted(_LABELS))
        raise ConfigurationError(f"{name!r} is not an aspect; use {choices}, {NONE}")
    return cast(AspectLabel, name)


def _aspects(text: str, phrases: Phrases[AspectLabel | None]) -> list[Aspect]:
    words = split(text)
    spans = [
        (label, *words.span(first, last))
        for first, last, label in phrases.longest(words)
        if label is not None
    ]
    return [
        Aspect(label=label, text=text[start:end], start=start, end=end)
        for label, start, end in spans[:MAX_ASPECTS]
    ]
