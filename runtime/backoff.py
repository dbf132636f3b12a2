"""Back-off before the next attempt: pure arithmetic, without a clock or a sleep.

The caller waits, in steps short enough to notice a stop. Failures count from 0, the first one
after a success.
"""

from collections.abc import Callable
from dataclasses import dataclass

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
