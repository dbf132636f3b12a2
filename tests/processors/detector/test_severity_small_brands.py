"""A brand of a few mentions a day has a crisis too, and its quiet weeks have none."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from processors.detector.backtest import replayed
from schemas.activity import Activity
from schemas.brand import AlertPolicy, Brand
from tests.processors.detector.rhythms import Rate, alerts_of, mentions

MONDAY = datetime(2026, 5, 4, tzinfo=UTC)


def few(a_day: float, days: float, negative: float = 0.3, seed: int = 1) -> list[Activity]:
    return list(mentions(MONDAY, days, lambda _: a_day / 24, negative, seed))


def angry(posts_an_hour: float, hours: float, **fields: object) -> list[Activity]:
    began = MONDAY + timedelta(days=12, hours=9.7)
    return list(mentions(began, hours / 24, lambda _: posts_an_hour, 0.9, 4, **fields))


def test_angry_posts_within_an_hour_at_a_brand_of_four_a_day_are_a_crisis() -> None:
    crisis = angry(28, 1, intents=["crisis"], terms=["glass"])
    (alert,) = alerts_of([*few(4, 13), *crisis])
    assert 2 <= alert.severity <= 4, "by its authors: it is no storm of hundreds"
    assert alert.opened_at - crisis[0].at < timedelta(minutes=25)
    explicit = AlertPolicy(minimum_volume=40)
    assert alerts_of([*few(4, 13), *crisis], explicit) == []


def test_a_quarrel_of_two_is_no_crisis() -> None:
    quarrel = angry(40, 0.6, author="0" * 15 + "1")
    assert alerts_of([*few(4, 13), *quarrel]) == []


@pytest.mark.parametrize(("a_day", "needed"), [(4, 4), (60, 5), (20_000, 10)])
def test_the_minimum_follows_from_the_brands_own_volume(a_day: float, needed: int) -> None:
    records = few(a_day, 3 if a_day > 1000 else 12)
    _, detectors = replayed(records, [Brand(id="velmora", name="Velmora")])
    assert abs(detectors.detector("velmora").snapshot().baseline.minimum_volume - needed) <= 1


DAYS = 28
"""Of a quiet brand."""


def bursty(a_day: float, pick: random.Random) -> Rate:
    """Negative binomial: the rate of each hour is drawn from a gamma distribution."""
    rates = [a_day / 24 * pick.gammavariate(0.3, 1 / 0.3) for _ in range(24 * DAYS)]
    return lambda at: rates[int((at - MONDAY) / timedelta(hours=1))]


@pytest.mark.parametrize(("a_day", "negative"), [(2, 0.5), (9, 0.3)])
def test_quiet_weeks_of_small_brands_wake_nobody(a_day: float, negative: float) -> None:
    steady = alerts_of(few(a_day, DAYS, negative, 1))
    rate = bursty(a_day, random.Random(1))
    uneven = alerts_of(list(mentions(MONDAY, DAYS, rate, negative, 1)))
    for alerts in (steady, uneven):
        assert len([one for one in alerts if one.severity >= 2]) <= 1
        assert len(alerts) <= 3
