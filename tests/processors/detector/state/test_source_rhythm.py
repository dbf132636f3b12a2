"""A silence is judged by what the hour usually has: nights are calm, and a death is told soon."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from processors.detector.silence import Coverage, Listening
from schemas.activity import Activity
from tests.processors.detector.rhythms import Rate, mentions, opening_hours

MONDAY = datetime(2026, 5, 4, tzinfo=UTC)
SHOPS = {
    "sharp": opening_hours(300, 8, 21, "Europe/Rome"),
    "small": opening_hours(45, 8, 21, "Europe/Rome"),
    "closed at night": opening_hours(80, 10.5, 19.5, "America/Toronto", night=0),
    "half an hour": opening_hours(120, 7, 23, "Asia/Kolkata", ramp=0.5),
    "a ramp": opening_hours(60, 6, 24, "UTC", ramp=3),
}


def posts(rate: Rate, days: float) -> list[Activity]:
    return list(mentions(MONDAY, days, rate, 0.3))


def told_after(rate: Rate, died: timedelta) -> timedelta | None:
    """How long after its death a source is told to be blind."""
    coverage, end = Coverage(), MONDAY + died
    for one in posts(rate, died / timedelta(days=1)):
        coverage.advance(one.ingested_at)
        coverage.observe("x", one.ingested_at)
    for minute in range(2 * 24 * 60):
        if coverage.advance(end + timedelta(minutes=minute)):
            return timedelta(minutes=minute)
    return None


@pytest.mark.parametrize("shop", SHOPS)
def test_no_night_of_one_brand_at_one_source_is_blind(shop: str) -> None:
    listening = Listening()
    records = posts(SHOPS[shop], 12)
    for one in records:
        listening.take(one)
    # Nobody can know on the first evening that a shop closes within an hour.
    first = 1 if shop == "closed at night" else 0
    silences = listening.silences(records[-1].at)
    assert [one.since.day for one in silences] == [MONDAY.day] * first


@pytest.mark.parametrize("shop", SHOPS)
def test_a_source_that_dies_by_day_is_told_within_the_hour_and_at_night_by_the_morning(
    shop: str,
) -> None:
    rate = SHOPS[shop]
    offset = {"closed at night": 5, "half an hour": -5}.get(shop, 0)
    noon = told_after(rate, timedelta(days=6, hours=13.5 + offset))
    assert noon is not None and noon <= timedelta(minutes=35)
    night = told_after(rate, timedelta(days=6, hours=26.5 + offset))
    assert night is not None and night <= timedelta(hours=11)


def test_a_weekend_of_which_the_week_promises_more_is_not_blind() -> None:
    week = opening_hours(90, 9, 20, "UTC")
    listening = Listening()
    records = posts(lambda at: week(at) * (0.3 if at.weekday() > 4 else 1), 8)
    for one in records:
        listening.take(one)
    assert listening.silences(records[-1].at) == []


def test_a_state_from_before_the_hours_were_known_is_read_and_learns_them() -> None:
    coverage = Coverage()
    for second in range(0, 3000, 6):
        coverage.observe("x", MONDAY + timedelta(seconds=second))
    older = msgspec.json.decode(msgspec.json.encode(coverage))
    del older["sources"]["x"]["rhythm"]
    restored = msgspec.convert(older, Coverage)
    last = restored.sources["x"].last
    assert restored.silent(last + timedelta(minutes=14)) == []
    assert restored.silent(last + timedelta(minutes=16)) == ["x"]
    for one in posts(SHOPS["small"], 4):
        restored.observe("x", one.ingested_at)
    assert restored.silent(MONDAY + timedelta(days=4, hours=3)) == []


def test_what_is_known_of_a_source_goes_on_in_another_process_and_is_small() -> None:
    coverage, other = Coverage(), Coverage()
    for one in posts(SHOPS["small"], 4):
        coverage.observe("x", one.ingested_at)
    saved = msgspec.msgpack.encode(coverage)
    assert len(saved) < 700
    other.take_over(msgspec.msgpack.decode(saved, type=Coverage))
    assert other == coverage
    at = MONDAY + timedelta(days=4, hours=9)
    other.observe("x", at)
    assert coverage.sources["x"].rhythm != other.sources["x"].rhythm
    for hour in (3, 12):
        now = MONDAY + timedelta(days=4, hours=hour)
        assert coverage.silent(now) == (["x"] if hour == 12 else [])
