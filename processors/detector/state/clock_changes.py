"""When clocks are put forward or back: people keep to their hours, which then move in UTC."""

from datetime import timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from processors.detector.state.counts import time_of

TOLERANT_DAYS: Final = 28
"""Days after a change in which the hours of before it are still part of what was learnt."""
_ZONES: Final = ("Europe/Paris", "America/New_York", "America/Santiago", "Australia/Sydney")
"""One for each rule by which many people change their clocks."""
_DAY: Final = 24 * 60


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
