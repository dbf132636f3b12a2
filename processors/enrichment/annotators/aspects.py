"""Annotates what an opinion is about: price, delay, staff, ..., by word lists, with the places."""

from collections.abc import Mapping, Sequence
from typing import Final, cast, get_args

from processors.enrichment.annotators.base import Annotator, lexicon_language
from processors.enrichment.lexicon_files import load_kind
from schemas.errors import ConfigurationError
from schemas.mention import Aspect, Mention
from schemas.types import AspectLabel
from text.phrases import Phrases, split

MAX_ASPECTS: Final = 16
"""Aspects kept of one post, the first ones: a list of words is no opinion."""

NONE: Final = "none"
"""Label of phrases that only look like an aspect: they take their words and give nothing."""

_LABELS: Final = frozenset(get_args(AspectLabel))


class AspectAnnotator(Annotator):
    """The lists of ``lexicons/aspects``; the longest phrase wins, none overlap.

    It knows words, not sentences: that the price is high, and that it is not, are both ``price``.
    A post in a language without a list gets no aspects.
    """

    name = "aspects"
    version = "lexicon-1"

    def __init__(self, lists: Mapping[str, Mapping[str, Sequence[str]]] | None = None) -> None:
        self._phrases = aspect_phrases(load_kind("aspects") if lists is None else lists)

    def annotate(self, batch: Sequence[Mention]) -> None:
        for mention in batch:
            phrases = self._phrases.get(lexicon_language(mention))
            mention.aspects = _aspects(mention.post.text, phrases) if phrases else []


def aspect_phrases(
    lists: Mapping[str, Mapping[str, Sequence[str]]],
) -> dict[str, Phrases[AspectLabel | None]]:
    """Language to phrases; an error that says which label is none."""
    return {
        language: Phrases(
            [
                (phrase, aspect_label(label))
                for label, phrases in labels.items()
                for phrase in phrases
            ],
            language,
        )
        for language, labels in lists.items()
    }


def aspect_label(name: str) -> AspectLabel | None:
    """The label of that name; ``none`` is no label."""
    if name == NONE:
        return None
    if name not in _LABELS:
        raise ConfigurationError(f"{name!r} is no aspect; use {', '.join(sorted(_LABELS))}, {NONE}")
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
