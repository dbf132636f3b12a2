"""What is said and named more than before, for the evidence of an alert."""

from collections.abc import Container, Mapping, Sequence
from typing import Final

from processors.detector.signals.likelihood import log_likelihood
from processors.detector.state.baseline import Baseline
from processors.detector.state.counts import Minute, merged
from schemas.alert import Lift
from text.tokens import folded_tokens

_SHOWN: Final = 12
_MIN_LIKELIHOOD: Final = 15.1
"""Log-likelihood ratio: one in ten thousand by chance."""


def lifted_entities(minutes: Sequence[Minute], usual: Baseline) -> list[Lift]:
    """The entities that are named more than before, the surest first."""
    return _lifts(minutes, "entities", usual.mentions, usual.entities)


def lifted_terms(
    minutes: Sequence[Minute], usual: Baseline, entities: Sequence[Lift] = ()
) -> list[Lift]:
    """The terms that are said more than before, but for the words of those ``entities``."""
    words = {word for entity in entities for word in folded_tokens(entity.term)}
    return _lifts(minutes, "terms", usual.mentions, usual.terms, words)


def _lifts(
    minutes: Sequence[Minute],
    name: str,
    before: float,
    usual: Mapping[str, float],
    without: Container[str] = (),
) -> list[Lift]:
    mentions = sum(minute.mentions for minute in minutes)
    before = max(before, 1.0)
    found = []
    for term, count in merged(minutes, name).items():
        usually = usual.get(term, 0.0)
        if count < 3 or term in without or count * before <= usually * mentions:
            continue
        surprise = log_likelihood(count, mentions, usually, before)
        if surprise >= _MIN_LIKELIHOOD:
            expected = mentions * usually / before
            found.append(
                Lift(term=term, count=count, expected=round(expected, 2),
                     significance=round(surprise, 1))
            )  # fmt: skip
    return sorted(found, key=lambda lift: (-lift.significance, lift.term))[:_SHOWN]
