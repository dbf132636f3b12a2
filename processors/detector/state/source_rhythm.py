"""How many records a source usually sends at each hour, and so how many a silence has missed.

A source that is closed at night misses nothing there, and one that sends four a minute at noon has
missed sixty within a quarter of an hour. Pure; some fifty floats a source.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct, field

HOURS: Final = 24
KNOWN: Final = 5.0
"""Minutes of an hour of the day that were heard, from which its rate is known."""
SURE: Final = 20.0
"""Minutes from which it may be the source's busiest hour."""
REMEMBERED: Final = 600.0
"""Minutes of an hour of the day, ten days of it, from which the older half fades."""
YOUNG: Final = 480.0
"""Minutes that a source must have been heard before its hours differ."""
MAX_TAUGHT: Final = timedelta(days=1)
"""Of one silence."""
MAX_GAP: Final = timedelta(days=7)
_PACE: Final = 60.0
"""Expected records over which the pace of the day is measured."""
_PRIOR: Final = 2.0


class SourceRhythm(Struct):
    """Rates by UTC hour of the day, and the pace of the day beside them."""

    records: list[float] = field(default_factory=lambda: [0.0] * HOURS)
    minutes: list[float] = field(default_factory=lambda: [0.0] * HOURS)
    upto: datetime | None = None
    """Time up to which the minutes are counted."""
    seen: float = 0.0
    expected: float = 0.0
    """Of the last records: a weekend has fewer than the hours of the week promise."""

    def learn(self, at: datetime, was_blind: bool = False) -> None:
        """Take a record, and the silence before it.

        ``was_blind``: whether the silence was told. It teaches the hours all the same, a day of it
        at most: what is silent every night at that hour is not away.
        """
        if self.upto is not None and self.upto < at:
            for hour, minutes in _pieces(max(self.upto, at - MAX_TAUGHT), at):
                self.expected += 0.0 if was_blind else self._rate(hour) * minutes
                self._hear(hour, minutes)
        self.upto = at if self.upto is None else max(self.upto, at)
        self.records[at.hour] += 1
        self.seen += 1
        if self.expected > _PACE:
            self.expected, self.seen = self.expected / 2, self.seen / 2
        if self.is_young:
            self.expected, self.seen = 0.0, 0.0

    @property
    def is_young(self) -> bool:
        """Whether it is too new to know that hours differ."""
        return sum(self.minutes) < YOUNG

    @property
    def busiest(self) -> float:
        """Records a minute of its busiest hour."""
        hours = zip(self.records, self.minutes, strict=True)
        return max((count / heard for count, heard in hours if heard >= SURE), default=0.0)

    def missed(self, since: datetime, now: datetime, enough: float) -> float:
        """Records that are usual from ``since`` to ``now``; counted up to ``enough``.

        An hour has the rate of the least of itself and its neighbours: a shop closes within an
        hour, and clocks change. An hour that was not heard before misses nothing.
        """
        total = 0.0
        pace = min((self.seen + _PRIOR) / (self.expected + _PRIOR), 1.0)
        for hour, minutes in _pieces(since, min(now, since + MAX_GAP)):
            total += pace * minutes * self._least(hour)
            if total > enough:
                break
        return total

    def _least(self, hour: int) -> float:
        if self.minutes[hour] < KNOWN:
            return 0.0
        around = (hour - 1) % HOURS, hour, (hour + 1) % HOURS
        return min(self._rate(one) for one in around if self.minutes[one] >= KNOWN)

    def _rate(self, hour: int) -> float:
        return self.records[hour] / self.minutes[hour] if self.minutes[hour] >= KNOWN else 0.0

    def _hear(self, hour: int, minutes: float) -> None:
        self.minutes[hour] += minutes
        if self.minutes[hour] > REMEMBERED:
            self.minutes[hour] /= 2
            self.records[hour] /= 2


def _pieces(first: datetime, end: datetime) -> Iterator[tuple[int, float]]:
    """The hours of the day between two times, each with its minutes."""
    while first < end:
        next_hour = first.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        until = min(next_hour, end)
        yield first.hour, (until - first).total_seconds() / 60
        first = until
