"""Annotates what the author wants: to complain, to ask, to praise, to leave; and crisis terms.

By cues, one list a language (``processors/enrichment/lexicons/intents``, ``.../crisis``). A cue
does not count where a negation stands before it in its sentence, or inside a phrase that says
otherwise. A weak cue counts only if the sentiment agrees, so this runs after ``sentiment``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Final, get_args

from processors.enrichment.annotators.base import Annotator, lexicon_language
from processors.enrichment.lexicon_files import load_kind
from schemas.errors import ConfigurationError
from schemas.mention import Mention, Sentiment
from schemas.types import IntentLabel
from text.phrases import STOPS, Phrases, split

Lists = Mapping[str, Mapping[str, Sequence[str]]]

WEAK: Final = "_weak"
"""Ends the name of a list whose cues need the sentiment's consent."""
NONE: Final = "none"
"""Label of phrases inside which no cue counts: "total recall", "thanks for nothing"."""
NEGATORS: Final = "negators"
NEGATORS_AFTER: Final = "negators_after"

REACH: Final = 3
"""Words before a cue in which a negation takes it back."""
SURE: Final = 0.9
"""Probability of the opposite sentiment at which even a strong cue is doubted."""

_LABELS: Final[tuple[IntentLabel, ...]] = get_args(IntentLabel)


@dataclass(frozen=True, slots=True)
class _Cue:
    """What a phrase of the lists says; ``label`` is None where it says nothing."""

    label: IntentLabel | None
    weak: bool
    negated: bool
    """It holds a negation itself, so one before it means nothing."""


@dataclass(frozen=True, slots=True)
class _Language:
    """The lists of one language, ready for use."""

    cues: Phrases[tuple[_Cue, ...]]
    """A phrase may say several things: "please fix" complains, and asks for something."""
    before: frozenset[str]
    after: frozenset[str]


class IntentAnnotator(Annotator):
    """The lists of ``processors/enrichment/lexicons/intents`` and ``crisis``, and the sentiment.

    A question mark alone is no complaint, and a complaint need not be negative: "still waiting
    for my parcel" is one. A post in a language without lists gets no intents.
    """

    name = "intents"
    version = "lexicon-1"

    def __init__(self, intents: Lists | None = None, crisis: Lists | None = None) -> None:
        """The lists that come with tocsin, unless others are given."""
        intents = load_kind("intents") if intents is None else intents
        crisis = load_kind("crisis") if crisis is None else crisis
        self._languages = {
            language: _language(language, intents.get(language, {}), crisis.get(language, {}))
            for language in sorted({*intents, *crisis})
        }

    def annotate(self, batch: Sequence[Mention]) -> None:
        for mention in batch:
            lists = self._languages.get(lexicon_language(mention))
            mention.intents = _intents(mention.post.text, mention.sentiment, lists) if lists else []


def _language(
    language: str, intents: Mapping[str, Sequence[str]], crisis: Mapping[str, Sequence[str]]
) -> _Language:
    negators = {
        name: frozenset(
            word
            for lists in (intents, crisis)
            for phrase in lists.get(name, ())
            for word in split(phrase).words
        )
        for name in (NEGATORS, NEGATORS_AFTER)
    }
    every = negators[NEGATORS] | negators[NEGATORS_AFTER]
    cues: dict[str, tuple[_Cue, ...]] = {}
    for lists in (intents, crisis):
        for label, phrases in lists.items():
            if label not in negators:
                for phrase in phrases:
                    cues[phrase] = (*cues.get(phrase, ()), intent_cue(label, phrase, every))
    return _Language(Phrases(cues.items(), language), negators[NEGATORS], negators[NEGATORS_AFTER])


def intent_cue(name: str, phrase: str, negators: frozenset[str] = frozenset()) -> _Cue:
    """What a phrase under that name says."""
    negated = not negators.isdisjoint(split(phrase).words)
    if name == NONE:
        return _Cue(None, False, True)
    for label in _LABELS:
        if name in (label, label + WEAK):
            return _Cue(label, name != label, negated)
    raise ConfigurationError(
        f"{name!r} is no intent; use {', '.join(_LABELS)}, one of them with {WEAK}, {NONE}, "
        f"{NEGATORS} or {NEGATORS_AFTER}"
    )


def _intents(text: str, sentiment: Sentiment | None, lists: _Language) -> list[IntentLabel]:
    words = split(text)
    hits = [(first, last, cue) for first, last, cues in lists.cues.every(words) for cue in cues]
    silent = [(first, last) for first, last, cue in hits if cue.label is None]
    labels = {
        cue.label
        for first, last, cue in hits
        if cue.label is not None
        and _agrees(cue, sentiment)
        and not any(begin <= first and last <= end for begin, end in silent)
        and (cue.negated or not _taken_back(words.words, first, last, lists))
    }
    return [label for label in _LABELS if label in labels]


def _agrees(cue: _Cue, sentiment: Sentiment | None) -> bool:
    """Whether the sentiment lets this cue count."""
    if cue.label == "crisis":
        return not cue.weak or sentiment is None or sentiment.label != "positive"
    if sentiment is None:
        return not cue.weak
    if cue.label == "praise":
        return sentiment.label == "positive" if cue.weak else sentiment.negative < SURE
    if cue.label in ("complaint", "threat_to_leave"):
        return sentiment.label == "negative" if cue.weak else sentiment.positive < SURE
    return not cue.weak or sentiment.label == "neutral"


def _taken_back(words: list[str], first: int, last: int, lists: _Language) -> bool:
    """A negation shortly before the cue, or right behind it, in its sentence."""
    window = reversed(words[max(0, first - REACH) : first])
    before = takewhile(lambda word: word not in STOPS, window)
    after = words[last + 1 : last + 2]
    return not (lists.before.isdisjoint(before) and lists.after.isdisjoint(after))
