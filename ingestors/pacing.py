"""Plays events at the pace at which they happened, or a multiple of it.

The first event is due at once. Each later event is due after the difference of their times, divided
by the pace. A restart starts with the first event that it reads; downtime is not caught up.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from schemas.errors import ConfigurationError
from schemas.ids import EPOCH
from schemas.post import PostEvent, PostUpsert

T = TypeVar("T")
Timer = Callable[[], float]
"""Monotonic seconds (``time.monotonic``)."""
Sleep = Callable[[float], None]


def event_time(event: PostEvent) -> datetime:
    """Time of the change: edit time, publication time, or the version of a delete."""
    if isinstance(event, PostUpsert):
        return event.post.edited_at or event.post.created_at
    try:
        return EPOCH + timedelta(microseconds=event.version)
    except OverflowError:
        return event.ingested_at


class Pacer(Generic[T]):
    """Delays each event until it is due.

    ``pace`` is the speed-up: 60 plays a minute a second, None does not delay. ``time_of`` gives the
    time of an event; an event without a time is due at once.
    """

    def __init__(
        self,
        pace: float | None,
        time_of: Callable[[T], datetime | None],
        timer: Timer,
        sleep: Sleep,
    ) -> None:
        if pace is not None and not 0 < pace < float("inf"):
            raise ConfigurationError(
                f"the pace must be a number above 0, not {pace}; leave it out for full speed"
            )
        self.pace = pace
        self._time_of = time_of
        self._timer = timer
        self._sleep = sleep
        self.restart()

    def restart(self) -> None:
        """Drop the held event; the next event starts a new timeline."""
        self._anchor: tuple[float, datetime] | None = None
        self.held: T | None = None

    def due(self, read: Callable[[float], T | None], patience_s: float) -> T | None:
        """The next event, if it is due within ``patience_s``; otherwise it is held for later.

        ``read(wait_s)`` returns None if no event comes in that time.
        """
        event = read(patience_s) if self.held is None else self.held
        self.held = None
        if event is None:
            return None
        pause = self._wait_s(self._time_of(event))
        if pause > 0:
            self._sleep(min(pause, patience_s))
            if pause > patience_s:
                self.held = event
                return None
        return event

    def _wait_s(self, when: datetime | None) -> float:
        if self.pace is None or when is None:
            return 0.0
        if self._anchor is None:
            self._anchor = self._timer(), when
            return 0.0
        started, first = self._anchor
        return max(0.0, started + (when - first).total_seconds() / self.pace - self._timer())
