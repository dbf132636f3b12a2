"""Plays events at the pace at which they happened, or a multiple of it.

The first event that is asked about is due at once; from then on every event is due as long after
it as their times are apart, divided by the pace. A restart begins anew with the first event that
it reads: the time that the process was away is not made up for.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from schemas.errors import ConfigurationError
from schemas.ids import EPOCH
from schemas.post import PostEvent, PostUpsert

T = TypeVar("T")
Timer = Callable[[], float]
"""Seconds on a clock that never goes back (``time.monotonic``)."""
Sleep = Callable[[float], None]
"""Waits so many seconds (``time.sleep``)."""


def event_time(event: PostEvent) -> datetime:
    """When the change happened, for pace and order: edit, publication, or a delete's version."""
    if isinstance(event, PostUpsert):
        return event.post.edited_at or event.post.created_at
    try:
        return EPOCH + timedelta(microseconds=event.version)
    except OverflowError:
        return event.ingested_at


class Pacer(Generic[T]):
    """Holds an event back until it is due.

    ``pace`` None: never; 60: a minute of events a second. ``time_of`` says when an event happened;
    one without a time is due at once.
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
                f"a pace of {pace} plays nothing; give a number above 0, or none for full speed"
            )
        self.pace = pace
        self._time_of = time_of
        self._timer = timer
        self._sleep = sleep
        self.restart()

    def restart(self) -> None:
        """Forget the event held, and begin anew with the next one."""
        self._anchor: tuple[float, datetime] | None = None
        self.held: T | None = None

    def due(self, read: Callable[[float], T | None], patience_s: float) -> T | None:
        """The next event if it is due or becomes so within ``patience_s``; else it is held.

        ``read`` takes the seconds that it may wait, and returns None where there is no event.
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
