"""Event time is what strangers write: what of it is believed, and how far it has come.

A record is never younger than its ingestion, and its ingestion never later than our clock. Passing
time is measured by :class:`runtime.clock.SteadyClock`, since a wall clock may step.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from msgspec.structs import replace

from runtime.clock import SteadyClock
from schemas.activity import Activity

EARLIEST: Final = datetime(1970, 1, 2, tzinfo=UTC)
"""Older event times are read as this: the arithmetic of minutes stays within the calendar."""

_AT_ONCE: Final = 10
"""Records were read from a file if they were ingested so many times faster than they were posted.
"""


def believed(record: Activity, now: datetime | None = None) -> Activity:
    """The record with ``at`` no later than ``ingested_at``, and that no later than ``now``."""
    ingested_at = record.ingested_at if now is None else min(record.ingested_at, now)
    ingested_at = max(ingested_at, EARLIEST)
    at = max(min(record.at, ingested_at), EARLIEST)
    if at == record.at and ingested_at == record.ingested_at:
        return record
    return replace(record, at=at, ingested_at=ingested_at)


def is_ahead(record: Activity, now: datetime) -> bool:
    """Whether the record claims a time that has not come."""
    return record.at > record.ingested_at or record.ingested_at > now


def were_read_at_once(moments: Sequence[tuple[datetime, datetime]]) -> bool:
    """Whether records were read from a file: each with when it was ingested and when written.

    Then their ingestion says nothing about when a source was heard. The times of a few posts, which
    may claim anything, do not count.
    """
    ingested, at = ([moment[number] for moment in moments] for number in (0, 1))
    return bool(moments) and _AT_ONCE * _span(ingested) < _span(at)


def _span(times: Iterable[datetime]) -> timedelta:
    """Without the earliest and the latest twentieth."""
    ordered = sorted(times)
    left_out = len(ordered) // 20
    return ordered[-1 - left_out] - ordered[left_out]


class Passing:
    """The time to which a caller's ``advance`` may go while a record claims to be from the future.

    A caller may add passing time to the newest time that a record claims. Then only the difference
    of two calls is believed, from the newest ingestion on.
    """

    def __init__(self) -> None:
        self._claimed = self._heard = EARLIEST
        self._at_heard: datetime | None = None
        """What the caller called the present when the newest ingestion was known first."""

    def take(self, claimed: Activity, ingested_at: datetime) -> None:
        """Take a record as it came, and its believed ingestion."""
        if claimed.at > ingested_at or claimed.ingested_at > ingested_at:
            self._claimed = max(self._claimed, claimed.at, claimed.ingested_at)
        if ingested_at > self._heard:
            self._heard, self._at_heard = ingested_at, None

    def believed(self, now: datetime) -> datetime:
        """``now``, or what has passed since the newest ingestion if a claim is newer than that."""
        if self._at_heard is None:
            self._at_heard = now
        if self._claimed <= self._heard:
            return now
        passed = max(now - self._at_heard, timedelta(0))
        return now if now - self._heard <= passed else self._heard + passed


class HeardTimes:
    """How far event time and hearing have come, by what was read and by what passed since."""

    def __init__(self, clock: SteadyClock) -> None:
        self._clock = clock
        self._newest: tuple[datetime, float] | None = None
        self._heard: tuple[datetime, float] | None = None
        self._silent_since_s = clock.passed_s()
        self.heard_since: datetime | None = None
        """When the first record was ingested that any process heard."""

    @property
    def newest(self) -> datetime | None:
        """Event time of the newest record that was counted."""
        return None if self._newest is None else self._newest[0]

    def hear(self, ingested_at: datetime) -> None:
        """Take the ingestion of a record that was read."""
        self._silent_since_s = self._clock.passed_s()
        self.heard_since = min(self.heard_since or ingested_at, ingested_at)
        if self._heard is None or ingested_at > self._heard[0]:
            self._heard = ingested_at, self._clock.passed_s()

    def is_silent(self, for_s: float) -> bool:
        """Whether nothing was read for so long, or since the start; true once each time."""
        now_s = self._clock.passed_s()
        if now_s - self._silent_since_s < for_s:
            return False
        self._silent_since_s = now_s
        return True

    def count(self, at: datetime) -> None:
        """Take the event time of a record that was counted."""
        if self._newest is None or at > self._newest[0]:
            self._newest = at, self._clock.passed_s()

    def take_over(self, newest: datetime | None, heard_since: datetime | None) -> None:
        """Go on from what was saved: without it an open alert stays open until the next record."""
        if newest is not None:
            self.count(min(newest, self._clock.now()))
        self._heard, self.heard_since = None, heard_since

    def event_time(self, horizon: timedelta | None) -> datetime | None:
        """The newest record's time and what passed since, ``horizon`` at most."""
        if self._newest is None:
            return None
        newest, read_s = self._newest
        passed = timedelta(seconds=self._clock.passed_s() - read_s)
        return newest + (passed if horizon is None else min(passed, horizon))

    def listening_at(self) -> datetime:
        """The time by which silence is measured: that of the ingestors, and what passed since."""
        if self._heard is None:
            return self._clock.now()
        heard, read_s = self._heard
        return heard + timedelta(seconds=self._clock.passed_s() - read_s)
