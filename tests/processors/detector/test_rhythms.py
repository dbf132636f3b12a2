"""A rhythm is no crisis: opening hours, a first morning, a clock change, who complains anyway."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.processors.detector.rhythms import Rate, alerts_of, mentions, opening_hours

MONDAY = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("per_hour", "hours", "negative"),
    [
        (150, opening_hours(150, 8, 20, "America/New_York"), 0.5),
        (150, opening_hours(150, 10.5, 23, "Asia/Tokyo", ramp=0.5), 0.3),
        (40, opening_hours(40, 7, 19, "Europe/Berlin"), 0.45),
        (70, opening_hours(70, 9, 18, "UTC", night=0), 0.35),
    ],
    ids=["sharp and negative", "half an hour", "small", "closed at night"],
)
def test_no_morning_of_a_shop_is_an_alert(per_hour: float, hours: Rate, negative: float) -> None:
    alerts = alerts_of(list(mentions(MONDAY, 9, hours, negative)))
    assert [alert for alert in alerts if alert.severity > 1] == []
    assert len(alerts) <= 1


def test_a_crisis_in_the_hour_of_opening_and_at_night_is_told() -> None:
    hours = opening_hours(120, 8, 20, "UTC")
    usual = list(mentions(MONDAY, 9, hours, 0.3))
    for hour in (8.1, 2):
        began = MONDAY + timedelta(days=8, hours=hour)
        crisis = list(mentions(began, 1 / 24, lambda _: 900, 0.85, seed=3))
        (alert,) = [one for one in alerts_of([*usual, *crisis]) if one.severity > 1]
        assert timedelta(0) <= alert.opened_at - began < timedelta(minutes=12)
        assert alert.severity >= 3


def test_on_its_first_day_a_brand_is_in_crisis_if_the_tone_says_so() -> None:
    hours = opening_hours(150, 7, 21, "UTC", ramp=1)
    usual = list(mentions(MONDAY, 0.6, hours, 0.4))
    assert alerts_of(usual) == []
    began = MONDAY + timedelta(hours=7.5)
    crisis = list(mentions(began, 1 / 24, lambda _: 1200, 0.95, seed=5))
    assert max(alert.severity for alert in alerts_of([*usual, *crisis])) >= 3


@pytest.mark.parametrize(
    ("change", "zone", "before"),
    [(datetime(2026, 3, 29, tzinfo=UTC), "Europe/Madrid", 15),
     (datetime(2026, 11, 1, tzinfo=UTC), "America/Chicago", 6)],
)  # fmt: skip
def test_a_change_of_clocks_is_no_alert(change: datetime, zone: str, before: int) -> None:
    """With a past of days, and of weeks: two models expect."""
    hours = opening_hours(90, 8, 21, zone)
    records = mentions(change - timedelta(days=before), before + 2, hours, 0.4)
    assert [alert for alert in alerts_of(list(records)) if alert.severity > 1] == []


def test_a_contest_at_a_brand_of_which_people_always_complain_is_attention() -> None:
    usual = list(mentions(MONDAY, 6, lambda _: 50, 0.55))
    began = MONDAY + timedelta(days=5, hours=16)
    for negative, severities in ((0.4, {1}), (0.55, {1}), (0.9, {3, 4, 5})):
        contest = list(mentions(began, 1 / 12, lambda _: 700, negative, seed=8))
        (alert,) = [one for one in alerts_of([*usual, *contest]) if one.opened_at >= began]
        assert alert.severity in severities
