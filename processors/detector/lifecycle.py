"""The life of an alert: it opens once, is updated when it gets worse, and closes once.

A severity must persist before an alert opens and be gone for a while before it closes; after that
nothing as grave opens for a while. So one storm is one alert.
"""

from typing import Final, Literal

from msgspec import Struct

PERSISTS: Final = {1: 5, 2: 3, 3: 2, 4: 1, 5: 1}
"""Minutes that a severity must last before an alert opens; single minutes may be missing."""
WORSE: Final = 2
"""Minutes that a higher severity must last before an update."""
CALM: Final = 30
"""Minutes without any severity before an alert closes."""
COOL_DOWN: Final = 60
"""Minutes after a close in which only a higher severity opens another alert."""

Change = Literal["open", "update", "close"]


class AlertLifecycle(Struct, kw_only=True):
    """The alert state machine of one brand; minutes since 1970."""

    began: int = 0
    """When the shift began that has opened, or may open, an alert."""
    opened: int = 0
    severity: int = 0
    """Of the open alert; 0 if none is open."""
    above: int = 0
    """Minutes in a row above ``severity``."""
    missing: int = 0
    candidate: int = 0
    """The lowest severity of those minutes."""
    calm: int = 0
    closed: int = 0
    last: int = 0
    """The highest severity of the alert that closed last."""

    @property
    def is_open(self) -> bool:
        return self.severity > 0

    def step(self, minute: int, severity: int) -> Change | None:
        """Take the severity of one minute; returns the change of the alert."""
        return self._grow(minute, severity) if self.is_open else self._rise(minute, severity)

    def _rise(self, minute: int, severity: int) -> Change | None:
        if not severity:
            self.missing += 1
            if self.missing > 1:
                self.above = self.candidate = 0
            return None
        if not self.above:
            self.began, self.candidate = minute, severity
        self.above += 1
        self.missing = 0
        # Several minutes are as grave as the mildest of them.
        lowest = max(min(self.candidate, severity), 1)
        self.candidate = severity if PERSISTS[severity] <= 1 else lowest
        if self.above < PERSISTS[self.candidate]:
            return None
        cooling = self.closed and minute - self.closed < COOL_DOWN
        if cooling and self.candidate <= self.last:
            return None
        self.severity = self.last = self.candidate
        self.opened = minute
        self.above = self.calm = self.missing = 0
        return "open"

    def _grow(self, minute: int, severity: int) -> Change | None:
        self.calm = 0 if severity else self.calm + 1
        if self.calm >= CALM:
            self.closed, self.severity = minute, 0
            self.above = self.calm = self.candidate = 0
            return "close"
        if severity <= self.severity:
            self.above = 0
            return None
        self.candidate = min(self.candidate, severity) if self.above else severity
        self.above += 1
        if self.above < WORSE:
            return None
        self.severity = self.candidate
        self.last = max(self.last, self.severity)
        self.above = 0
        return "update"
