"""What is usual in each minute of a window: a window is held against the sum of its own minutes.

The rate of its last minute would not do: a shop that opens at nine has twenty times as many
mentions five minutes later, and the half hour in which it closes is no storm.
"""

from datetime import timedelta
from functools import cached_property, lru_cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from processors.detector.state.baseline import Baseline
from processors.detector.state.counts import time_of
from processors.detector.state.volume import VolumeBaselines

TOLERANT_DAYS: Final = 28
"""Days after a change in which the hours of before it are still part of what was learnt."""
_ZONES: Final = ("Europe/Paris", "America/New_York", "America/Santiago", "Australia/Sydney")
"""One for each rule by which many people change their clocks."""
_DAY: Final = 24 * 60
_LESS: Final = 1 - 1e-9
"""A sum may be rounded."""
_SLOPE: Final = 1.3
"""Ratio of two rates an hour apart from which the hours of before a clock change matter."""


class Expectation:
    """The usual volumes of the ``length`` minutes before ``end``."""

    def __init__(self, baseline: Baseline, volumes: VolumeBaselines, end: int, length: int) -> None:
        self._baseline, self._volumes = baseline, volumes
        self._minutes = range(end - length, end)
        self._shapes = baseline.shapes(end - length, end)
        self._tolerant = self._moved(end)

    def _moved(self, end: int) -> list[float] | None:
        """The shapes if clocks have changed lately and the rhythm has a slope here, else None."""
        shifts = recent_shifts(end)
        if not shifts:
            return None
        shape = self._baseline.shape
        around = [shape(minute) for minute in (end - 90, end - 30, end + 30)]
        if max(around) < _SLOPE * min(around):
            return None
        first, past = self._minutes.start, self._minutes.stop
        moved = [self._baseline.shapes(first + shift, past + shift) for shift in shifts]
        return [max(rates) for rates in zip(self._shapes, *moved, strict=True)]

    def of(self, name: str, minutes: int) -> float:
        """Usual ``mentions``, ``authors`` or ``discounted`` of the last ``minutes`` together."""
        level = self._baseline.level(name)
        if not self._volumes.knows_weeks:
            shapes = self._tolerant or self._shapes
            return level * sum(shapes[-minutes:])
        usual = self._by_weeks(name, minutes)
        if self._tolerant is not None:
            usual = max(usual, level * sum(self._tolerant[-minutes:]))
        return usual

    def _by_weeks(self, name: str, minutes: int) -> float:
        total = 0.0
        for minute, shape in zip(self._minutes[-minutes:], self._shapes[-minutes:], strict=True):
            usual, of = self._volumes.per_minute(name, minute)
            if abs(of - minute) > 2:
                # Beyond the counts the rhythm of the baseline leads on.
                usual *= shape / max(self._shape_of[of], 1e-6) if of in self._shape_of else 1.0
            total += usual
        return total

    @cached_property
    def _shape_of(self) -> dict[int, float]:
        return dict(zip(self._minutes, self._shapes, strict=True))


def usual_at_least(
    baseline: Baseline,
    volumes: VolumeBaselines,
    first: int,
    end: int,
    learns: int = 0,
    unlearnt: int = 0,
) -> float:
    """Usual mentions that each of the minutes from ``first`` to ``end`` has at least.

    A lower bound of what ``Expectation`` computes, without a step for each minute. It holds until
    ``learns`` more minutes are learnt, with ``unlearnt`` mentions in them.
    """
    low, high = baseline.rates(first, end, learns, unlearnt)
    if volumes.knows_weeks:
        low = volumes.at_least(end) * (low / high if low < high else 1.0)
    return low * _LESS


def recent_shifts(minute: int) -> tuple[int, ...]:
    """Minutes to add to a present time for the UTC time of the same local time before a change."""
    return _of_day(minute // _DAY)


@lru_cache(maxsize=64)
def _of_day(day: int) -> tuple[int, ...]:
    # The end of the day: the change itself is in the night before its first morning.
    now = time_of((day + 1) * _DAY - 1)
    shifts = set[int]()
    for name in _ZONES:
        try:
            zone = ZoneInfo(name)
        except ZoneInfoNotFoundError:
            continue
        before = (now - timedelta(days=TOLERANT_DAYS)).astimezone(zone).utcoffset()
        after = now.astimezone(zone).utcoffset()
        if before is not None and after is not None and before != after:
            shifts.add(int((after - before).total_seconds()) // 60)
    return tuple(sorted(shifts))
