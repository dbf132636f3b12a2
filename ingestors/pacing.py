"""Plays events at the pace at which they happened, or a multiple of it.

The first event that is asked about is due at once; from then on every event is due as long after
it as their times are apart, divided by the pace. A restart begins anew with the first event that
it reads: the time that the process was away is not made up for.
"""

from collections.abc import Callable
from datetime import datetime

from schemas.errors import ConfigurationError

Timer = Callable[[], float]
"""Seconds on a clock that never goes back (``time.monotonic``)."""
Sleep = Callable[[float], None]
"""Waits so many seconds (``time.sleep``)."""


class Pacer:
    """Says how long to wait for an event. ``pace`` None: never; 60: a minute of events a second."""

    def __init__(self, pace: float | None, timer: Timer) -> None:
        if pace is not None and not 0 < pace < float("inf"):
            raise ConfigurationError(
                f"a pace of {pace} plays nothing; give a number above 0, or none for full speed"
            )
        self.pace = pace
        self._timer = timer
        self._anchor: tuple[float, datetime] | None = None

    def wait_s(self, when: datetime | None) -> float:
        """Seconds until what happened at ``when`` is due; 0 if it is, or has no time."""
        if self.pace is None or when is None:
            return 0.0
        if self._anchor is None:
            self._anchor = self._timer(), when
            return 0.0
        started, first = self._anchor
        return max(0.0, started + (when - first).total_seconds() / self.pace - self._timer())
