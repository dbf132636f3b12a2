"""Annotates aspects, what an opinion is about (price, delay, staff, ...), by word lists."""

from collections.abc import Sequence
from typing import Final, cast, get_args

from processors.enrichment.annotators.base import Annotator, Lists, lexicon_language, load_lists
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
        lists = load_lists("aspects") if lists is None else lists
        self._phrases = {
            language: Phrases(
                ((phrase, aspect_label(label)) for label in labels for phrase in labels[label]),
                language,
            )
            for language, labels in lists.items()
        }

    def annotate(self, batch: Sequence[Mention]) -> None:
        for mention in batch:
            phrases = self._phrases.get(lexicon_language(mention))
            mention.aspects = _aspects(mention.post.text, phrases) if phrases else []


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
