"""The wall clock as a parameter: tests and back-tests pass their own.

``TOCSIN_TEST_CLOCK_OFFSET_FILE`` names a file with seconds, such as ``-3600``, that a whole service
adds to its clock: a test of clocks that step. Unset, nothing is read.
"""

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

Clock = Callable[[], datetime]
"""Returns the current time, aware and in UTC."""


class OffsetClock:
    """The wall clock plus the seconds in a file; a file that is missing or no number counts as 0.

    The file is read at every call, so that a test can make the clock step.
    """

    def __init__(self, file: Path) -> None:
        self._file = file

    def __call__(self) -> datetime:
        try:
            offset = timedelta(seconds=float(self._file.read_text("utf-8")))
        except (OSError, ValueError):
            offset = timedelta()
        return datetime.now(UTC) + offset


class SteadyClock:
    """The wall clock beside the time that has passed since this was made.

    A wall clock may step; ``passed_s`` never does.
    """

    def __init__(self, wall: Clock, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._begun = wall(), monotonic()

    def passed_s(self) -> float:
        """Monotonic seconds."""
        return self._monotonic()

    def now(self) -> datetime:
        """The later of both: a step backwards does not set it back."""
        return max(self._wall(), self._without_steps())

    def earliest(self) -> datetime:
        """The earlier of both: a step forward makes nothing older than it is."""
        return min(self._wall(), self._without_steps())

    def _without_steps(self) -> datetime:
        began, at = self._begun
        return began + timedelta(seconds=self._monotonic() - at)


_offset_file = os.environ.get("TOCSIN_TEST_CLOCK_OFFSET_FILE")
_offset_clock = OffsetClock(Path(_offset_file)) if _offset_file else None


def utc_now() -> datetime:
    return datetime.now(UTC) if _offset_clock is None else _offset_clock()
