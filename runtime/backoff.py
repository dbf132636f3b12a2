"""Back-off before the next attempt: pure arithmetic, without a clock or a sleep.

The caller waits, in steps short enough to notice a stop. Failures count from 0, the first one
after a success.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

Cause = Literal["dropped", "stalled", "refused", "limited", "unavailable", "disconnected"]
"""What ended a connection or an attempt to connect (the label of ``INGEST_RECONNECTS``).

- ``dropped``: it broke, or the platform closed it;
- ``stalled``: it was silent for longer than the platform ever is;
- ``refused``: the connection or the handshake failed;
- ``limited``: too many requests (429);
- ``unavailable``: the platform answered with another temporary error;
- ``disconnected``: the platform announced the end inside the stream.
"""

_MAX_DOUBLINGS = 32


class Busy(Exception):
    """An attempt failed, and may succeed later. ``cause`` is a metric label: ``status_503``.

    ``after_s``: the seconds to wait, if the other side names them.
    """

    def __init__(self, why: str, cause: str, after_s: float | None = None) -> None:
        super().__init__(why)
        self.why = why
        self.cause = cause
        self.after_s = after_s


def linear(failures: int, step_s: float, max_s: float) -> float:
    """0, then ``step_s`` longer each time, up to ``max_s``."""
    return min(max(0, failures) * step_s, max_s)


def exponential(failures: int, first_s: float, max_s: float) -> float:
    """``first_s``, then twice as long each time, up to ``max_s``."""
    return min(first_s * 2.0 ** min(max(0, failures), _MAX_DOUBLINGS), max_s)


def jittered(wait_s: float, share: float) -> float:
    """Between half of the wait and all of it, by ``share`` (0 to 1), to spread the clients."""
    return wait_s * (0.5 + 0.5 * min(1.0, max(0.0, share)))


@dataclass(slots=True)
class JitteredBackoff:
    """Exponential with jitter; a success resets it."""

    first_s: float
    max_s: float
    random: Callable[[], float]
    failures: int = 0

    def failed(self) -> float:
        """Count a failure; returns the wait before the next attempt, seconds."""
        wait = jittered(exponential(self.failures, self.first_s, self.max_s), self.random())
        self.failures += 1
        return wait

    def healthy(self) -> None:
        self.failures = 0


@dataclass(frozen=True, slots=True)
class XWaits:
    """The waits that X prescribes (docs.x.com, "Handling disconnections"), seconds.

    X sets no upper bound after 429s; 15 minutes is the length of its rate windows.
    ``limited_most_s`` also bounds the wait that ``x-rate-limit-reset`` asks for.
    """

    network_step_s: float = 0.25
    network_most_s: float = 16.0
    http_first_s: float = 5.0
    http_most_s: float = 320.0
    limited_first_s: float = 60.0
    limited_most_s: float = 900.0


@dataclass(slots=True)
class XBackoff:
    """X's three reconnect strategies, each with its own count of failures."""

    waits: XWaits = XWaits()
    _failures: dict[str, int] = field(default_factory=dict)

    def failed(self, cause: Cause, reset_in_s: float | None = None) -> float:
        """Count a failure; returns the wait. ``reset_in_s``: seconds until the rate limit ends."""
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
        self._failures.clear()
