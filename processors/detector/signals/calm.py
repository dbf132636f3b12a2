"""Whether a window shows nothing, by bounds that cost a twentieth of its signals.

Nearly all windows of nearly all brands are calm: only the others need signals and their evidence.
"""

import math
from collections.abc import Sequence
from typing import Final

from processors.detector.severity import SURE_OF_TONE
from processors.detector.signals.summary import (
    MOVED,
    RAISED,
    WIDE_REACH,
    lexicon_distance,
    tone_distance,
)
from processors.detector.state.baseline import (
    LEARNS_AFTER,
    MIN_MINIMUM,
    MIN_VARIATION,
    Baseline,
)
from processors.detector.state.expectation import usual_at_least
from processors.detector.state.minute import AnyMinute
from processors.detector.state.recurrence import PEAK
from processors.detector.state.volume import VolumeBaselines
from processors.detector.state.window import LONG, SHORT
from schemas.brand import AlertPolicy

_ROUNDED: Final = 0.01
"""A significance is rounded to two decimals, and a bound is computed in another order."""


def is_calm(
    minutes: Sequence[AnyMinute],
    end: int,
    policy: AlertPolicy,
    baseline: Baseline,
    volumes: VolumeBaselines,
) -> bool:
    """Whether the severity is proved to be 0 (no alert is open) and the volume to be no peak.

    ``minutes``: those with mentions of the half hour before ``end``. It holds where no event that
    recurs has its own tone, see `recurrence`; False says nothing.
    """
    short = mentions = scored = negative = lexicon = reach = 0
    # Plain additions: this runs each minute for each brand.
    for minute in minutes:
        mentions += minute.mentions
        scored += minute.scored
        negative += minute.negative
        lexicon += minute.lexicon
        reach += minute.reach
        if minute.start >= end - SHORT:
            short += minute.mentions
    if reach >= WIDE_REACH:
        return False
    minimum = policy.minimum_volume or baseline.minimum_volume
    is_enough = short >= minimum or mentions >= 2 * minimum
    limit = min(PEAK, MOVED / policy.sensitivity) if is_enough else PEAK
    usual = usual_at_least(baseline, volumes, end - LONG, end)
    distance = _distance(short, mentions, usual, baseline.variation)
    if distance > RAISED - _ROUNDED:
        highest = max(distance, MOVED * volumes.evidence("mentions"))
        if highest >= limit - _ROUNDED:
            return False
    if not is_enough:
        return True
    tone, words = tone_distance(negative, scored, baseline), lexicon_distance(
        lexicon, mentions, baseline
    )  # fmt: skip
    is_darker = tone >= SURE_OF_TONE / policy.sensitivity - _ROUNDED
    return not is_darker and words < MOVED / policy.sensitivity - _ROUNDED


def stays_calm(
    minutes: Sequence[AnyMinute],
    looked: int,
    policy: AlertPolicy,
    baseline: Baseline,
    volumes: VolumeBaselines,
    unlearnt: int,
) -> bool:
    """Whether every window after the minute ``looked`` is calm until another mention comes.

    Then each window has at most the mentions of ``minutes``, and too few for an alert. What is
    usual may fall meanwhile: ``unlearnt`` mentions and the silence after them are learnt.
    """
    minimum = policy.minimum_volume or MIN_MINIMUM
    short = sum(minute.mentions for minute in minutes if minute.start > looked - SHORT)
    mentions = sum(minute.mentions for minute in minutes)
    is_enough = short >= minimum or mentions >= 2 * minimum
    if is_enough or sum(minute.reach for minute in minutes) >= WIDE_REACH:
        return False
    end = looked + LONG + 1
    learns = max(end - LEARNS_AFTER - baseline.upto, 0)
    usual = usual_at_least(baseline, volumes, looked - LONG, end, learns, unlearnt)
    return _distance(short, mentions, usual, MIN_VARIATION) <= RAISED - _ROUNDED


def _distance(short: int, mentions: int, usual: float, variation: float) -> float:
    """The larger distance of both windows; ``usual``: mentions a minute, at least."""
    largest = 0.0
    for observed, length in ((short, SHORT), (mentions, LONG)):
        expected = usual * length
        deviation = math.sqrt(expected + variation * expected**2 + 1)
        largest = max(largest, (observed - expected) / deviation)
    return largest
