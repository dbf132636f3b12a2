"""What has left the usual, and how sure that is: volumes, tone, words of crisis, reach, spread.

Each signal is a number over its baseline with a significance in standard deviations, so that a
shift on nine posts is no shift. Pure functions of the last minutes and of what is usual.
"""

import math
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from processors.detector.signals.new_places import new_places
from processors.detector.signals.new_topic import new_topics
from processors.detector.state.baseline import Baseline
from processors.detector.state.counts import Minute, WindowTotals, totals
from processors.detector.state.volume import VolumeBaselines
from schemas.alert import Signal

SHORT: Final = 5
"""Minutes in which a burst shows."""
LONG: Final = 30
"""Minutes in which a slow rise shows, and over which sentiment is judged."""
MIN_SCORED: Final = 10
"""Posts with a sentiment below which nothing is said of it."""
MOVED: Final = 5.0
"""Standard deviations from which a volume has moved: minutes are many, and nobody is to be woken
for nothing."""
WIDE_REACH: Final = 100_000
"""Followers from which one author's negative post is a signal of its own."""


class WindowSummary(Struct, frozen=True):
    """What one minute's look at a brand shows."""

    minute: int
    short: WindowTotals
    long: WindowTotals
    signals: dict[str, Signal]
    usual_negative: float = 0.0
    """Share of negatives before."""

    def significance(self, name: str) -> float:
        """Of a signal; 0 where it did not move."""
        signal = self.signals.get(name)
        return (signal.significance or 0.0) if signal else 0.0

    def ratio(self, name: str) -> float:
        """Observed over usual; 0 where it did not move."""
        signal = self.signals.get(name)
        return signal.observed / max(signal.baseline, 0.5) if signal else 0.0


def summarize(
    minutes: Sequence[Minute], usual: Baseline, volumes: VolumeBaselines, now: int
) -> WindowSummary:
    """Look at the minutes before ``now``; ``minutes`` are those of the last ``LONG``."""
    short = totals((m for m in minutes if m.start >= now - SHORT), SHORT)
    long = totals(minutes, LONG)
    found = [
        *_volumes(short, usual, volumes, now),
        *_volumes(long, usual, volumes, now),
        *_sentiment(long, usual),
        *_lexicon(long, usual),
        *_reach(minutes),
        *new_topics(minutes, usual, LONG),
        *new_places(minutes, usual),
    ]
    signals: dict[str, Signal] = {}
    for signal in found:
        known = signals.get(signal.name)
        if known is None or (signal.significance or 0) > (known.significance or 0):
            signals[signal.name] = signal
    return WindowSummary(now, short, long, signals, usual.negative_share)


def _volumes(
    window: WindowTotals, usual: Baseline, volumes: VolumeBaselines, now: int
) -> list[Signal]:
    """Above what is expected, or for so long that the volume detector has opened an alert."""
    found = []
    for name, field, unit in (
        ("volume", "mentions", "posts"),
        ("authors", "authors", "authors"),
        ("discounted_volume", "discounted", "posts"),
    ):
        observed = float(getattr(window, field))
        known = volumes.per_minute(field)
        rate = usual.per_minute(now - 1, field) if known is None else known
        expected = window.minutes * rate
        deviation = math.sqrt(expected + usual.variation * expected**2 + 1)
        distance = (observed - expected) / deviation
        if observed > expected:
            distance = max(distance, MOVED * volumes.evidence(field))
        if distance > 2:
            unit = f"{unit}/{window.minutes}min"
            found.append(_signal(name, observed, expected, unit, distance))
    return found


def _sentiment(window: WindowTotals, usual: Baseline) -> list[Signal]:
    if window.scored < MIN_SCORED:
        return []
    found = []
    share, before = window.negative / window.scored, usual.negative_share
    new_places = before * (1 - before) * (1 / window.scored + 1 / usual.scored)
    distance = (share - before) / math.sqrt(max(new_places, 1e-6))
    if distance > 2:
        found.append(_signal("negative_share", share, before, "share", distance))
    score = window.score_sum / window.scored
    error = usual.score_deviation * math.sqrt(1 / window.scored + 1 / usual.scored)
    distance = (usual.score - score) / error
    if distance > 2:
        found.append(_signal("sentiment", score, usual.score, "score", distance))
    return found


def _lexicon(window: WindowTotals, usual: Baseline) -> list[Signal]:
    expected = window.mentions * usual.lexicon_share
    distance = (window.lexicon - expected) / math.sqrt(expected + 1)
    if window.lexicon < 3 or distance <= 2:
        return []
    return [_signal("lexicon", window.lexicon, expected, f"posts/{LONG}min", distance)]


def _reach(minutes: Sequence[Minute]) -> list[Signal]:
    """A negative post by somebody whom very many follow."""
    posts = [post for minute in minutes for post in minute.posts if (post.score or 0) < -0.3]
    widest = max((post.reach for post in posts), default=0)
    if widest < WIDE_REACH:
        return []
    distance = 2 + math.log10(widest / WIDE_REACH) * 2
    return [_signal("influencer", widest, WIDE_REACH, "followers", distance)]


def _signal(name: str, observed: float, baseline: float, unit: str, significance: float) -> Signal:
    return Signal(
        name=name,
        observed=round(observed, 3),
        baseline=round(baseline, 3),
        unit=unit,
        significance=round(max(significance, 0.0), 2),
    )
