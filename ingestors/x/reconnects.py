"""The waits before X is connected to again: three strategies, one a kind of failure. Pure."""

from dataclasses import dataclass, field

from ingestors.source import Cause
from runtime.backoff import exponential, linear


@dataclass(frozen=True, slots=True)
class XWaits:
    """The waits that X prescribes (docs.x.com, "Handling disconnections"), seconds.

    X sets no upper bound after 429s; 15 minutes is the length of its rate windows.
    ``limited_max_s`` also bounds the wait that ``x-rate-limit-reset`` asks for.
    """

    network_step_s: float = 0.25
    network_max_s: float = 16.0
    http_first_s: float = 5.0
    http_max_s: float = 320.0
    limited_first_s: float = 60.0
    limited_max_s: float = 900.0


@dataclass(slots=True)
class XBackoff:
    """X's three reconnect strategies, each with its own count of failures."""

    waits: XWaits = XWaits()
    _failures: dict[str, int] = field(default_factory=dict)

    def failed(self, cause: Cause, reset_in_s: float | None = None) -> float:
        """Count a failure; returns the wait. ``reset_in_s``: seconds until the rate limit ends."""
        waits = self.waits
        if cause == "limited":
            wait = exponential(self._count("limited"), waits.limited_first_s, waits.limited_max_s)
            return max(wait, min(reset_in_s or 0.0, waits.limited_max_s))
        if cause == "rejected":
            return waits.http_max_s
        if cause == "unavailable":
            return exponential(self._count("http"), waits.http_first_s, waits.http_max_s)
        return linear(self._count("network"), waits.network_step_s, waits.network_max_s)

    def _count(self, strategy: str) -> int:
        before = self._failures.get(strategy, 0)
        self._failures[strategy] = before + 1
        return before

    def healthy(self) -> None:
        self._failures.clear()
