"""How long to wait before the next attempt: pure arithmetic, no clock and no sleep.

Sources wait before they connect again, sinks while their store is busy, the supervisor before it
starts a service again. Whoever waits does it elsewhere, in steps short enough to notice a stop.
Failures are counted from 0: the wait before the first attempt after a healthy one is ``wait(0)``.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

Cause = Literal["dropped", "stalled", "refused", "limited", "unavailable", "disconnected"]
"""What ended a connection, or an attempt at one (the label of ``INGEST_RECONNECTS``).

- ``dropped``: it broke, or the other side closed it;
- ``stalled``: nothing came for longer than the platform is ever silent;
- ``refused``: no connection, or no handshake, came about;
- ``limited``: too many requests (429);
- ``unavailable``: the platform answered with another error that passes;
- ``disconnected``: the platform said, inside the stream, that it ends it.
"""

_MAX_DOUBLINGS = 32


class Busy(Exception):
    """An attempt failed because the other side takes nothing now; the same may succeed later."""

    def __init__(self, why: str, cause: str, after_s: float | None = None) -> None:
        super().__init__(why)
        self.why = why
        self.cause = cause
        """A metric label: connection, status_503, ..."""
        self.after_s = after_s
        """When to come back, in seconds, where the other side says it."""


def linear(failures: int, step_s: float, most_s: float) -> float:
    """At once, then ``step_s`` longer each time, up to ``most_s``."""
    return min(max(0, failures) * step_s, most_s)


def exponential(failures: int, first_s: float, most_s: float) -> float:
    """``first_s``, then twice as long each time, up to ``most_s``."""
    return min(first_s * 2.0 ** min(max(0, failures), _MAX_DOUBLINGS), most_s)


def jittered(wait_s: float, share: float) -> float:
    """Between half of the wait and all of it, by ``share`` (0 to 1).

    A server that comes back is not met by all of its clients in the same second.
    """
    return wait_s * (0.5 + 0.5 * min(1.0, max(0.0, share)))


@dataclass(slots=True)
class JitteredBackoff:
    """Exponential with jitter; forgets once the connection has proved itself."""

    first_s: float
    most_s: float
    random: Callable[[], float]
    failures: int = 0

    def failed(self) -> float:
        """Count a failure and say how long to wait before the next attempt."""
        wait = jittered(exponential(self.failures, self.first_s, self.most_s), self.random())
        self.failures += 1
        return wait

    def healthy(self) -> None:
        """Something of use has come: the next failure is the first again."""
        self.failures = 0


@dataclass(frozen=True, slots=True)
class XWaits:
    """The waits that X asks for (docs.x.com, "Handling disconnections"), seconds.

    X names no end to the doubling after 429s; a quarter of an hour is the length of its rate
    windows. ``limited_most_s`` also bounds what ``x-rate-limit-reset`` may ask of us.
    """

    network_step_s: float = 0.25
    network_most_s: float = 16.0
    http_first_s: float = 5.0
    http_most_s: float = 320.0
    limited_first_s: float = 60.0
    limited_most_s: float = 900.0


@dataclass(slots=True)
class XBackoff:
    """X's three reconnect strategies; each kind of failure has a count of its own."""

    waits: XWaits = XWaits()
    _failures: dict[str, int] = field(default_factory=dict)

    def failed(self, cause: Cause, reset_in_s: float | None = None) -> float:
        """Count a failure and say how long to wait; ``reset_in_s``: when the rate limit ends."""
        waits = self.waits
        if cause == "limited":
            wait = exponential(self._count("limited"), waits.limited_first_s, waits.limited_most_s)
            return max(wait, min(reset_in_s or 0.0, waits.limited_most_s))
        if cause == "unavailable":
            return exponential(self._count("http"), waits.http_first_s, waits.http_most_s)
        return linear(self._count("network"), waits.network_step_s, waits.network_most_s)

    def _count(self, strategy: str) -> int:
        before = self._failures.get(strategy, 0)
        self._failures[strategy] = before + 1
        return before

    def healthy(self) -> None:
        """The stream has delivered something: the next failure is the first again."""
        self._failures.clear()
