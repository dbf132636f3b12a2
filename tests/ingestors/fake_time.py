"""A clock that moves only when somebody sleeps on it."""

from datetime import UTC, datetime, timedelta


class FakeTime:
    """``timer``, ``sleep`` and ``clock`` of one imagined afternoon."""

    def __init__(self) -> None:
        self.start = datetime(2026, 3, 2, 12, tzinfo=UTC)
        self.passed = 0.0
        self.longest_sleep = 0.0

    def timer(self) -> float:
        return self.passed

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        self.passed += seconds
        self.longest_sleep = max(self.longest_sleep, seconds)

    def clock(self) -> datetime:
        return self.start + timedelta(seconds=self.passed)
