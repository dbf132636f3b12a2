"""Presence: a row a country, compared with itself, on an axis of the reader's time."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from tests.tower.pictures.svg import of_class, read, texts
from tower.pictures.hour_grid import DEPTHS
from tower.pictures.presence_rows import presence_rows

SINCE = datetime(2026, 3, 28, 12, tzinfo=UTC)


@given(
    st.lists(st.text('ABCDE<&"', max_size=3), max_size=4),
    st.integers(0, 48),
    st.sampled_from([60, 900, 3600, 86_400, 7 * 86_400]),
    st.sampled_from(["UTC", "Europe/Paris", "Asia/Kathmandu"]),
    st.integers(0, 2**53),
)
def test_any_presence_is_a_picture(
    countries: list[str], buckets: int, step_s: int, zone: str, count: int
) -> None:
    step = timedelta(seconds=step_s)
    starts = [(SINCE + n * step).astimezone(ZoneInfo(zone)) for n in range(buckets)]
    cells = [count if n % 3 else 0 for n in range(buckets)]
    root = read(presence_rows([(name, cells) for name in countries], starts, step, "presence"))
    drawn = sum(len(of_class(root, f"heat-{number}")) for number in range(DEPTHS))
    assert drawn == len(countries) * buckets
    assert texts(root)[: len(countries)] == countries


def test_the_busiest_time_of_a_small_country_is_as_dark_as_of_a_large_one() -> None:
    starts = [SINCE, SINCE + timedelta(hours=1)]
    rows = [("FR", [9_000, 0]), ("NP", [0, 2])]
    root = read(presence_rows(rows, starts, timedelta(hours=1), "presence"))
    assert len(of_class(root, f"heat-{DEPTHS - 1}")) == 2
