"""The life of an alert: it opens once, says when it gets worse, and closes once.

What a minute shows has to persist before anybody is woken, and be gone for a while before an alert
closes; behind a close nothing as grave opens for a while. So one storm is one alert.
"""

from typing import Final, Literal

from msgspec import Struct

PERSISTS: Final = {1: 5, 2: 3, 3: 2, 4: 1, 5: 1}
"""Minutes that a severity has to last, one of five may be missing, before an alert opens."""
WORSE: Final = 2
"""Minutes that a higher severity has to last before it is said."""
CALM: Final = 30
"""Minutes without any severity before an alert closes."""
COOL_DOWN: Final = 60
"""Minutes behind a close in which only what is graver opens another alert."""

Change = Literal["open", "update", "close"]


class AlertLifecycle(Struct, kw_only=True):
    """Where a brand is in the life of its alerts; minutes since 1970."""

    began: int = 0
    """When the shift began that is now open, or that may open."""
    opened: int = 0
    severity: int = 0
    """That was said last; 0: no alert is open."""
    above: int = 0
    """Minutes in a row that were more than nothing, or worse than what was said."""
    missing: int = 0
    candidate: int = 0
    """The least severity of those minutes."""
    calm: int = 0
    closed: int = 0
    last: int = 0
    """The highest severity of the alert that closed last."""

    @property
    def is_open(self) -> bool:
        """Whether there is an open alert."""
        return self.severity > 0


def step(episode: AlertLifecycle, minute: int, now: int) -> Change | None:
    """Take one minute's severity ``now``; says what is to be told."""
    return _open_step(episode, minute, now) if episode.is_open else _calm_step(episode, minute, now)


def _calm_step(episode: AlertLifecycle, minute: int, now: int) -> Change | None:
    if not now:
        episode.missing += 1
        if episode.missing > 1:
            episode.above = episode.candidate = 0
        return None
    if not episode.above:
        episode.began, episode.candidate = minute, now
    episode.above += 1
    episode.missing = 0
    # One graver minute is not yet grave; several are as grave as the least of them.
    episode.candidate = now if PERSISTS[now] <= 1 else max(min(episode.candidate, now), 1)
    if episode.above < PERSISTS[episode.candidate]:
        return None
    cooling = episode.closed and minute - episode.closed < COOL_DOWN
    if cooling and episode.candidate <= episode.last:
        return None
    episode.severity = episode.last = episode.candidate
    episode.opened = minute
    episode.above = episode.calm = episode.missing = 0
    return "open"


def _open_step(episode: AlertLifecycle, minute: int, now: int) -> Change | None:
    episode.calm = 0 if now else episode.calm + 1
    if episode.calm >= CALM:
        episode.closed, episode.severity = minute, 0
        episode.above = episode.calm = episode.candidate = 0
        return "close"
    if now <= episode.severity:
        episode.above = 0
        return None
    episode.candidate = min(episode.candidate, now) if episode.above else now
    episode.above += 1
    if episode.above < WORSE:
        return None
    episode.severity = episode.candidate
    episode.last = max(episode.last, episode.severity)
    episode.above = 0
    return "update"
