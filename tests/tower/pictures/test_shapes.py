"""Escaped elements, paths, round scales, and times on an axis, over changes of the clock too."""

import xml.etree.ElementTree as ET
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import TEXT
from tests.tower.pictures.svg import check_path
from tower.pictures.shapes import element, line_path, nice_top, steps_path, time_ticks

PRINTED = st.text(st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff"))
COUNTS = st.lists(st.integers(0, 10**12), max_size=40)
ZONES = ["UTC", "Europe/Paris", "America/St_Johns", "Asia/Kathmandu", "Australia/Lord_Howe"]


@given(PRINTED, PRINTED)
def test_whatever_is_in_an_element_stays_in_it(text: str, value: str) -> None:
    root = ET.fromstring(element("text", text, aria_label=value, class_="x"))
    assert (root.text or "") == text
    assert root.attrib == {"aria-label": value, "class": "x"}
    assert list(root) == []


@given(TEXT)
def test_no_text_can_open_or_close_an_element(text: str) -> None:
    made = str(element("title", text, href=text))
    assert made.count("<") == made.count(">") == 2


@given(st.floats(0, 1e15))
def test_the_top_of_a_scale_is_round_and_not_below(value: float) -> None:
    top = nice_top(value)
    assert top >= min(value, top * 1.000001) and top >= 1
    assert top >= value * 0.999999
    assert top <= max(1.0, value) * 2.6
    digits = f"{top:.10e}".partition("e")[0].replace(".", "").rstrip("0")
    assert len(digits) <= 2


@given(COUNTS, st.floats(1, 2_000), st.floats(0, 10))
def test_an_area_has_a_step_for_each_value(values: list[int], width: float, scale: float) -> None:
    path = steps_path(values, width, 100, scale)
    check_path(path)
    assert path.count("H") == len(values)


@given(st.lists(st.none() | st.integers(0, 10**9), max_size=40))
def test_a_line_breaks_where_nothing_is_known(values: list[int | None]) -> None:
    path = line_path(values, 800, 100, 0.1)
    check_path(path)
    known = sum(value is not None for value in values)
    assert path.count("M") + path.count("L") == known
    begins = [
        place
        for place, value in enumerate(values)
        if value is not None and (place == 0 or values[place - 1] is None)
    ]
    assert path.count("M") == len(begins)


@given(
    st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    st.integers(1, 400 * 86_400),
    st.integers(2, 12),
    st.sampled_from(ZONES),
)
def test_ticks_are_few_in_order_and_within_the_window(
    since: datetime, length_s: int, most: int, name: str
) -> None:
    zone = ZoneInfo(name)
    until = since + timedelta(seconds=length_s)
    ticks = time_ticks(since.astimezone(zone), until.astimezone(zone), most)
    assert len(ticks) <= most + 1
    instants = [at.astimezone(UTC) for at in ticks]
    assert instants == sorted(instants)
    assert all(since <= at < until for at in instants)
    assert all(at.second == 0 and at.minute % 5 == 0 for at in ticks)


@pytest.mark.parametrize(
    ("day", "hours"),
    [
        # The clock goes forward: there is no 02:00 to 03:00. It goes back: they come twice.
        (datetime(2026, 3, 29), 23),  # noqa: DTZ001
        (datetime(2026, 10, 25), 25),  # noqa: DTZ001
        (datetime(2026, 7, 1), 24),  # noqa: DTZ001
    ],
)
def test_the_ticks_of_a_local_day_are_round_local_times(day: datetime, hours: int) -> None:
    zone = ZoneInfo("Europe/Paris")
    since = day.replace(tzinfo=zone).astimezone(UTC)
    until = since + timedelta(hours=hours)
    ticks = time_ticks(since.astimezone(zone), until.astimezone(zone), 8)
    assert f"{ticks[0]:%H:%M}" == "00:00"
    assert {at.minute for at in ticks} == {0}
    assert {at.hour % 3 for at in ticks} == {0}
    assert ticks[-1].astimezone(UTC) < until


def test_a_window_without_a_round_time_has_no_tick() -> None:
    since = datetime(2026, 1, 1, 0, 1, tzinfo=UTC)
    assert time_ticks(since, since + timedelta(minutes=2), 5) == []
