"""Generates a plausible day of posts, for demonstrations, tests and load.

The same seed gives the same bytes on every machine. The day has eight languages, six channels, five
fictional brands, reposts, replies, edits, deletes, spam, much noise, and one crisis that builds
over 40 minutes (docs/replay.md).
"""

import heapq
import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import msgspec

from ingestors.generator.schedule import Schedule
from ingestors.generator.writer import Change, Writer
from ingestors.pacing import Pacer, Sleep, Timer, event_time
from ingestors.source import MAX_WAIT_S, Batch, Position, SourceError, bad_checkpoint
from runtime.clock import Clock, utc_now
from schemas.errors import ConfigurationError
from schemas.post import PostEvent

BATCH_EVENTS = 500
DAY = timedelta(days=1)


def generate(
    seed: int, posts: int, start: datetime, duration: timedelta = DAY
) -> Iterator[PostEvent]:
    """So many posts, with edits and deletes of some, in the order of their time.

    ``ingested_at`` is the event time: the bytes depend only on the arguments.
    """
    if posts < 0 or duration < timedelta(seconds=1):
        raise ConfigurationError(
            "a generated day must have 0 or more posts and last at least a second"
        )
    if start.tzinfo is None:
        raise ConfigurationError("the start of a generated day must have a time zone, such as UTC")
    return _events(seed, posts, start.astimezone(UTC), duration)


def _events(seed: int, posts: int, start: datetime, duration: timedelta) -> Iterator[PostEvent]:
    schedule = Schedule(start, duration)
    writer = Writer(random.Random(seed), seed, start, schedule)
    pending: list[Change] = []
    for moment in schedule.moments(posts, random.Random(seed + 1)):
        while pending and pending[0].offset_ms <= moment.offset_ms:
            yield writer.change(heapq.heappop(pending))
        event = writer.write(moment)
        yield event
        change = writer.change_after(event, moment)
        if change is not None and change.offset_ms < schedule.duration_ms:
            heapq.heappush(pending, change)
    while pending:
        yield writer.change(heapq.heappop(pending))


class GeneratorSource:
    """Plays a generated day as a source (``ingestors.source.Source``).

    Without ``start``, the day ends at the first ``open``, or when it has been played at its pace:
    no post is dated ahead of the clock. The
    position holds the start: a restart generates the same day and skips the events before it.
    """

    def __init__(
        self,
        *,
        seed: int = 1,
        posts: int = 20_000,
        start: datetime | None = None,
        duration: timedelta = DAY,
        pace: float | None = None,
        clock: Clock = utc_now,
        timer: Timer = time.monotonic,
        sleep: Sleep = time.sleep,
    ) -> None:
        self._seed, self._posts, self._duration = seed, posts, duration
        self._wanted_start = start
        self._clock = clock
        self._pacer = Pacer(pace, event_time, timer, sleep)
        self._start = start
        self._events: Iterator[PostEvent] | None = None
        self._given = 0
        self._finished = False
        self._played_until: datetime | None = None
        since = "" if start is None else f"@{start.isoformat()}"
        self.source_id = f"generator:{seed}/{posts}/{int(duration.total_seconds())}{since}"

    def open(self, position: Position | None) -> None:
        self._pacer.restart()
        self._finished, self._given = False, 0
        events = 0
        if position is None:
            now = self._clock()
            # No post is dated ahead: a quick day ends now, or when it has been played.
            pace = self._pacer.pace
            played = timedelta(0) if pace is None else self._duration / max(pace, 1.0)
            usual = now - self._duration + played
            self._start = self._wanted_start or usual
        else:
            self._start, events = self._read(position)
        self._events = generate(self._seed, self._posts, self._start, self._duration)
        while self._given < events and next(self._events, None) is not None:
            self._given += 1

    def _read(self, position: Position) -> tuple[datetime, int]:
        try:
            events, start = position["events"], datetime.fromisoformat(position["start"])
        except (KeyError, TypeError, ValueError):
            events, start = None, None
        if not isinstance(events, int) or start is None or start.tzinfo is None:
            raise bad_checkpoint(self.source_id, "has no start or number of events")
        return start, events

    def next_batch(self) -> Batch:
        events: list[PostEvent] = []
        now = self._clock()
        while len(events) < BATCH_EVENTS:
            event = self._pacer.due(self._next, 0.0 if events else MAX_WAIT_S)
            if event is None:
                break
            events.append(msgspec.structs.replace(event, ingested_at=now))
        self._given += len(events)
        if self._finished and self._start is not None:
            self._played_until = self._start + self._duration
        elif events:
            self._played_until = event_time(events[-1])
        return Batch(events, self._position(), (), self._finished)

    def _next(self, wait_s: float) -> PostEvent | None:
        if self._events is None:
            raise SourceError(f"{self.source_id} is not open; call open() first")
        event = next(self._events, None)
        self._finished = event is None
        return event

    def _position(self) -> Position | None:
        if self._start is None:
            return None
        return {"events": self._given, "start": self._start.isoformat()}

    def played(self) -> tuple[datetime, datetime] | None:
        if self._start is None or self._played_until is None:
            return None
        return self._start, self._played_until

    def close(self) -> None:
        self._events = None
        self._pacer.restart()
