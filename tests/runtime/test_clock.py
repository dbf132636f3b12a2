"""The wall clock, and its offset in tests of whole services."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from runtime.clock import OffsetClock, SteadyClock, utc_now


def test_the_clock_is_aware_and_in_utc() -> None:
    assert utc_now().tzinfo is UTC


def test_an_offset_is_read_anew_at_every_call(tmp_path: Path) -> None:
    file = tmp_path / "offset"
    clock = OffsetClock(file)
    assert abs(clock() - datetime.now(UTC)) < timedelta(minutes=1)
    for seconds in (-3600, 90_000):
        file.write_text(str(seconds))
        ahead = clock() - datetime.now(UTC)
        assert abs(ahead - timedelta(seconds=seconds)) < timedelta(minutes=1)


def test_a_file_that_is_no_number_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "offset"
    file.write_text("soon")
    assert abs(OffsetClock(file)() - datetime.now(UTC)) < timedelta(minutes=1)


def test_the_earliest_time_of_a_steady_clock_follows_the_wall_backwards_only() -> None:
    began = datetime(2026, 1, 2, tzinfo=UTC)
    wall, passed = [began], [50.0]
    clock = SteadyClock(lambda: wall[0], lambda: passed[0])
    wall[0], passed[0] = began + timedelta(hours=25), 60.0
    assert clock.earliest() == began + timedelta(seconds=10)
    wall[0] = began - timedelta(hours=1)
    assert clock.earliest() == wall[0]
    wall[0], passed[0] = began + timedelta(seconds=20), 70.0
    assert clock.earliest() == wall[0]
