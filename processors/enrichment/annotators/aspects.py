"""Annotates what an opinion is about: price, delay, staff, ..., by word lists, with the places."""

from collections.abc import Mapping, Sequence
from typing import Final, get_args

from processors.enrichment.lexicon_files import load_kind
from schemas.errors import ConfigurationError
from schemas.mention import Aspect, Mention
from schemas.types import AspectLabel
from text.phrases import Phrases, split

MAX_ASPECTS: Final = 16
"""Aspects kept of one post, the first ones: a list of words is no opinion."""

NONE: Final = "none"
"""Label of phrases that only look like an aspect: they take their words and give nothing."""

FALLBACK: Final = "en"
"""The list for posts whose language nobody could tell."""

_LABELS: Final = frozenset(get_args(AspectLabel))


class AspectAnnotator:
    """The lists of ``lexicons/aspects``; the longest phrase wins, none overlap.

    It knows words, not sentences: that the price is high, and that it is not, are both ``price``.
    A post in a language without a list gets no aspects.
    """

    name = "aspects"
    heavy = True
    version = "lexicon-1"

    def __init__(self, lists: Mapping[str, Mapping[str, Sequence[str]]] | None = None) -> None:
        self._phrases = aspect_phrases(load_kind("aspects") if lists is None else lists)

    def annotate(self, batch: Sequence[Mention]) -> None:
        """Fill ``aspects``."""
        for mention in batch:
            phrases = self._phrases.get(language_of(mention))
            mention.aspects = _aspects(mention.post.text, phrases) if phrases else []


def language_of(mention: Mention) -> str:
    """The language whose lists are for this post."""
    if mention.language is None or mention.language.code == "und":
        return FALLBACK
    return mention.language.code


def aspect_phrases(
    lists: Mapping[str, Mapping[str, Sequence[str]]],
) -> dict[str, Phrases[AspectLabel | None]]:
    """Language to phrases; an error that says which label is none."""
    found: dict[str, Phrases[AspectLabel | None]] = {}
    for language, labels in lists.items():
        pairs: list[tuple[str, AspectLabel | None]] = []
        for label, phrases in labels.items():
            pairs.extend((phrase, aspect_label(label)) for phrase in phrases)
        found[language] = Phrases(pairs, language)
    return found


def aspect_label(name: str) -> AspectLabel | None:
    """The label of that name; ``none`` is no label."""
    if name == NONE:
        return None
    for label in get_args(AspectLabel):
        if label == name:
            checked: AspectLabel = label
            return checked
    raise ConfigurationError(f"{name!r} is no aspect; use {', '.join(sorted(_LABELS))}, {NONE}")


def _aspects(text: str, phrases: Phrases[AspectLabel | None]) -> list[Aspect]:
    found = split(text)
    aspects: list[Aspect] = []
    for first, last, label in phrases.longest(found):
        if label is None:
            continue
        start, end = found.span(first, last)
        aspects.append(Aspect(label=label, text=text[start:end], start=start, end=end))
        if len(aspects) == MAX_ASPECTS:
            break
    return aspects
