"""The signals of one window: volumes, tone, words of crisis, reach, novelty.

Each is a number over its baseline with a significance in standard deviations: a shift on nine posts
is not significant. Pure functions of the window and the baseline.
"""

import math
from typing import Final

from msgspec import Struct

from processors.detector.signals.novelty import new_places, new_topics, signal
from processors.detector.state.baseline import DEFAULT_MINIMUM, Baseline
from processors.detector.state.expectation import Expectation
from processors.detector.state.volume import VolumeBaselines
from processors.detector.state.window import LONG, Window, WindowTotals
from schemas.alert import Signal

MIN_SCORED: Final = 10
MOVED: Final = 5.0
"""Standard deviations from which a volume has moved: high, since each minute is a test."""
RAISED: Final = 1.0
"""Standard deviations of the present volume, without which a long evidence says nothing."""
WIDE_REACH: Final = 100_000
"""Followers from which one author's negative post is a signal."""
_VOLUMES: Final = (
    ("volume", "mentions", "posts"),
    ("authors", "authors", "authors"),
    ("discounted_volume", "discounted", "posts"),
)
"""Signal, its field of the totals, and its unit."""


class WindowSummary(Struct, frozen=True):
    short: WindowTotals
    long: WindowTotals
    signals: dict[str, Signal]
    baseline_negative: float = 0.0
    expected: float = 0.0
    """Mentions that are usual in the long window."""
    baseline_scored: float = 100.0
    """Past posts with a sentiment: how well the usual share of negatives is known."""
    minimum_volume: int = DEFAULT_MINIMUM
    """Mentions in 5 minutes that a crisis of this brand needs, unless its policy says."""
    unseen: bool = False
    """Whether the brand is new, and what is usual at this hour is not known."""

    recurs: bool = False
    """Whether its volume is that of an event that was declared, or that recurs at this hour; then
    ``tone`` tells how much more negative it is than that event."""
    tone: float = 0.0

    def significance(self, name: str) -> float:
        moved = self.signals.get(name)
        return (moved.significance or 0.0) if moved else 0.0

    def ratio(self, name: str) -> float:
        """Observed over baseline; 0 if it did not move."""
        moved = self.signals.get(name)
        return moved.observed / max(moved.baseline, 0.5) if moved else 0.0


def summarize(window: Window, baseline: Baseline, volumes: VolumeBaselines) -> WindowSummary:
    """The signals of a window; of two with one name, the more significant."""
    signals: dict[str, Signal] = {}
    usual = Expectation(baseline, volumes, window.end, window.long.minutes)
    for candidate in (
        *_volumes(window.short, baseline, volumes, usual),
        *_volumes(window.long, baseline, volumes, usual),
        *_sentiment(window.long, baseline),
        *_lexicon(window.long, baseline),
        *_reach(window),
        *new_topics(window, baseline),
        *new_places(window, baseline, "sources"),
        *new_places(window, baseline, "countries"),
    ):
        other = signals.get(candidate.name)
        if other is None or (candidate.significance or 0) > (other.significance or 0):
            signals[candidate.name] = candidate
    return WindowSummary(
        window.short,
        window.long,
        signals,
        baseline.negative_share,
        usual.of("mentions", window.long.minutes),
        baseline.scored,
        baseline.minimum_volume,
        baseline.is_unseen(window.end - 1),
    )


def _volumes(
    totals: WindowTotals, baseline: Baseline, volumes: VolumeBaselines, usual: Expectation
) -> list[Signal]:
    """Volumes above their expectation, or for so long that the volume model opens an alert."""
    signals = []
    for name, field, unit in _VOLUMES:
        observed = float(getattr(totals, field))
        expected = usual.of(field, totals.minutes)
        deviation = math.sqrt(expected + baseline.variation * expected**2 + 1)
        distance = (observed - expected) / deviation
        if distance > RAISED:
            # The model's long windows echo what is over; the present must be high as well.
            distance = max(distance, MOVED * volumes.evidence(field))
        if distance > 2:
            signals.append(
                signal(name, observed, expected, f"{unit}/{totals.minutes}min", distance)
            )
    return signals


def _sentiment(totals: WindowTotals, baseline: Baseline) -> list[Signal]:
    if totals.scored < MIN_SCORED:
        return []
    signals = []
    share, before = totals.negative / totals.scored, baseline.negative_share
    distance = tone_distance(totals.negative, totals.scored, baseline)
    if distance > 2:
        signals.append(signal("negative_share", share, before, "share", distance))
    score = totals.score_sum / totals.scored
    error = baseline.score_deviation * math.sqrt(1 / totals.scored + 1 / baseline.scored)
    distance = (baseline.score - score) / error
    if distance > 2:
        signals.append(signal("sentiment", score, baseline.score, "score", distance))
    return signals


def tone_distance(negative: int, scored: int, baseline: Baseline) -> float:
    """Standard deviations of a share of negatives above the usual; 0 of too few posts."""
    if scored < MIN_SCORED:
        return 0.0
    before = baseline.negative_share
    variance = before * (1 - before) * (1 / scored + 1 / baseline.scored)
    return (negative / scored - before) / math.sqrt(max(variance, 1e-6))


def _lexicon(totals: WindowTotals, baseline: Baseline) -> list[Signal]:
    expected = totals.mentions * baseline.lexicon_share
    distance = lexicon_distance(totals.lexicon, totals.mentions, baseline)
    if distance <= 2:
        return []
    return [signal("lexicon", totals.lexicon, expected, f"posts/{LONG}min", distance)]


def lexicon_distance(lexicon: int, mentions: int, baseline: Baseline) -> float:
    """Standard deviations of the posts with words of crisis above the usual; 0 of too few."""
    if lexicon < 3:
        return 0.0
    expected = mentions * baseline.lexicon_share
    return (lexicon - expected) / math.sqrt(expected + 1)


def _reach(window: Window) -> list[Signal]:
    negative = (
        post for minute in window.minutes for post in minute.posts if (post.score or 0) < -0.3
    )
    widest = max((post.reach for post in negative), default=0)
    if widest < WIDE_REACH:
        return []
    distance = 2 + math.log10(widest / WIDE_REACH) * 2
    return [signal("influencer", widest, WIDE_REACH, "followers", distance)]
