"""The wall clock, as something that is handed in: tests and back-tests bring their own."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Returns the present as an aware UTC time."""


def utc_now() -> datetime:
    """The machine's clock, UTC."""
    return datetime.now(UTC)
