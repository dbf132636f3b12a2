"""Annotates intents (complaint, question, praise, threat to leave, ...) and crisis terms.

Cues are in ``lexicons/intents`` and ``lexicons/crisis``, a file a language. A negation cancels a
cue after it. A weak cue counts only if the sentiment agrees, so this runs after ``sentiment``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Final, get_args

from processors.enrichment.annotators.base import Annotator, LazyLists, Lists, lexicon_language
from runtime.collector import paused_collector
from schemas.errors import ConfigurationError
from schemas.mention import Mention, Sentiment
from schemas.types import IntentLabel
from text.phrases import STOPS, Phrases, split, words_of

WEAK: Final = "_weak"
"""Suffix of a list whose cues count only if the sentiment agrees."""
NONE: Final = "none"
"""Label of phrases that disable the cues inside them: "total recall", "thanks for nothing"."""
NEGATORS: Final = "negators"
NEGATORS_AFTER: Final = "negators_after"

REACH: Final = 3
"""Words before a cue in which a negation cancels it."""
SURE: Final = 0.9
"""Probability of the opposite sentiment that overrides even a strong cue."""

_ASKING: Final[frozenset[IntentLabel]] = frozenset({"request", "complaint"})
_LABELS: Final[tuple[IntentLabel, ...]] = get_args(IntentLabel)


@dataclass(frozen=True, slots=True)
class _Cue:
    label: IntentLabel | None
    """None: disables the cues inside it."""
    weak: bool
    negated: bool
    """It contains a negation itself, so another one does not cancel it."""


@dataclass(frozen=True, slots=True)
class _Language:
    cues: Phrases[tuple[_Cue, ...]]
    """A phrase may have several labels: "please fix" is a complaint and a request."""
    before: frozenset[str]
    after: frozenset[str]


class IntentAnnotator(Annotator):
    """A post in a language without lists gets no intents.

    A complaint need not be negative: "still waiting for my parcel" is one.
    """

    name = "intents"
    version = "lexicon-2"

    def __init__(self, intents: Lists | None = None, crisis: Lists | None = None) -> None:
        """Lists that are given are checked now; the built-in ones are read language by language.

        Raises ConfigurationError.
        """
        self._intents = LazyLists("intents") if intents is None else intents
        self._crisis = LazyLists("crisis") if crisis is None else crisis
        self._languages: dict[str, _Language | None] = {}
        if intents is not None or crisis is not None:
            self.warm(sorted({*self._intents, *self._crisis}))

    def warm(self, languages: Sequence[str]) -> None:
        for language in languages:
            self._lists_of(language)

    def annotate(self, batch: Sequence[Mention]) -> None:
        for mention in batch:
            lists = self._lists_of(lexicon_language(mention))
            mention.intents = _intents(mention.post.text, mention.sentiment, lists) if lists else []

    def _lists_of(self, language: str) -> _Language | None:
        if language not in self._languages:
            own = [lists.get(language, {}) for lists in (self._intents, self._crisis)]
            with paused_collector():
                self._languages[language] = _language(language, *own) if any(own) else None
        return self._languages[language]


def _language(
    language: str, intents: Mapping[str, Sequence[str]], crisis: Mapping[str, Sequence[str]]
) -> _Language:
    negators = {
        name: frozenset(
            word
            for lists in (intents, crisis)
            for phrase in lists.get(name, ())
            for word in words_of(phrase)
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
    """The cue of a phrase in the list of that name. Raises ConfigurationError."""
    negated = not negators.isdisjoint(words_of(phrase))
    if name == NONE:
        return _Cue(None, False, True)
    for label in _LABELS:
        if name in (label, label + WEAK):
            return _Cue(label, name != label, negated)
    raise ConfigurationError(
        f"{name!r} is not an intent; use {', '.join(_LABELS)}, one of them with {WEAK}, {NONE}, "
        f"{NEGATORS} or {NEGATORS_AFTER}"
    )


def _intents(text: str, sentiment: Sentiment | None, lists: _Language) -> list[IntentLabel]:
    words = split(text)
    hits = [(first, last, cue) for first, last, cues in lists.cues.every(words) for cue in cues]
    disabled = [(first, last) for first, last, cue in hits if cue.label is None]
    # "merci de me rappeler" asks: its thanks praise nobody.
    asking = [(first, last) for first, last, cue in hits if cue.label in _ASKING and first < last]
    labels = {
        cue.label
        for first, last, cue in hits
        if cue.label is not None
        and _agrees(cue, sentiment)
        and not _is_within(first, last, disabled)
        and not (cue.label == "praise" and _is_within(first, last, asking))
        and (cue.negated or not _negated(words.words, first, last, lists))
    }
    return [label for label in _LABELS if label in labels]


def _is_within(first: int, last: int, spans: Sequence[tuple[int, int]]) -> bool:
    return any(begin <= first and last <= end for begin, end in spans)


def _agrees(cue: _Cue, sentiment: Sentiment | None) -> bool:
    if cue.label == "crisis":
        return not cue.weak or sentiment is None or sentiment.label != "positive"
    if sentiment is None:
        return not cue.weak
    if cue.label == "praise":
        return sentiment.label == "positive" if cue.weak else sentiment.label != "negative"
    if cue.label in ("complaint", "threat_to_leave"):
        return sentiment.label == "negative" if cue.weak else sentiment.positive < SURE
    return not cue.weak or sentiment.label == "neutral"


def _negated(words: list[str], first: int, last: int, lists: _Language) -> bool:
    """Whether a negation stands shortly before the cue, or right after it, in its sentence."""
    window = reversed(words[max(0, first - REACH) : first])
    before = takewhile(lambda word: word not in STOPS, window)
    after = words[last + 1 : last + 2]
    return not (lists.before.isdisjoint(before) and lists.after.isdisjoint(after))
