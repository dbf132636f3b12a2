"""Shows and contests: learnt at the third time, or declared; a real crisis in one is told."""

from datetime import UTC, datetime, timedelta
from functools import cache

import msgspec
import pytest

from processors.detector.backtest import BacktestAlert
from processors.detector.brand_detectors import BrandDetectors
from processors.detector.signals.novelty import signal
from processors.detector.signals.summary import WindowSummary
from processors.detector.state.brand_state import DetectorState
from processors.detector.state.recurrence import Recurrence
from processors.detector.state.window import WindowTotals
from schemas.activity import Activity
from schemas.brand import AlertPolicy
from tests.processors.detector.rhythms import alerts_of, mentions

MONDAY = datetime(2026, 6, 1, tzinfo=UTC)
QUIZ = MONDAY + timedelta(days=3, hours=20)
"""A quiz on Thursdays."""
WEEK, DAY = timedelta(days=7), timedelta(days=1)


@cache
def usual(days: int) -> tuple[Activity, ...]:
    return tuple(mentions(MONDAY, days, lambda _: 40, 0.3))


def event(at: datetime, minutes: int, negative: float, per_hour: float = 500) -> list[Activity]:
    return list(mentions(at, minutes / 1440, lambda _: per_hour, negative, seed=at.day))


def told(
    every: timedelta,
    times: int,
    negative: float,
    *more: Activity,
    policy: AlertPolicy | None = None,
) -> list[BacktestAlert]:
    days = (QUIZ + times * every - MONDAY).days + 1
    events = [one for n in range(times) for one in event(QUIZ + n * every, 80, negative)]
    return alerts_of([*usual(days), *events, *more], policy)


def window(mentions: int, negative: int = 0) -> WindowSummary:
    """Half an hour with so many mentions, five minutes with a fifth of them: a peak."""
    long = WindowTotals(30, mentions=mentions, scored=mentions, negative=negative)
    short = WindowTotals(5, mentions=mentions // 5)
    moved = signal("volume", mentions, 10, "posts/30min", 20.0)
    return WindowSummary(short, long, {"volume": moved}, baseline_negative=0.2)


@pytest.mark.parametrize(
    ("mentions", "recurs"), [(100, True), (170, True), (300, False)], ids=["same", "more", "larger"]
)
def test_a_window_at_the_hour_of_two_peaks_recurs_unless_it_is_clearly_larger(
    mentions: int, recurs: bool
) -> None:
    peaks, day = Recurrence(), 24 * 60
    for number in (1, 2):
        assert not peaks.judged(number * day, window(100)).recurs
    assert peaks.judged(3 * day + 60, window(mentions)).recurs == recurs
    assert not peaks.judged(3 * day + 300, window(mentions)).recurs


def test_the_tone_of_an_event_is_held_against_that_of_its_last_times() -> None:
    peaks, day = Recurrence(), 24 * 60
    for number in (1, 2):
        peaks.judged(number * day, window(100, negative=40))
    grumbling, dark = (peaks.judged(3 * day, window(100, one), is_new=False) for one in (45, 80))
    assert grumbling.tone < 2 < 5 < dark.tone


@pytest.mark.parametrize(
    ("every", "negative"),
    [(DAY, 0.3), (DAY, 0.6), (WEEK, 0.3)],
    ids=["daily", "daily, grumbling", "weekly"],
)
def test_the_third_time_of_an_event_is_no_news(every: timedelta, negative: float) -> None:
    alerts = told(every, 4, negative)
    assert len([one for one in alerts if one.opened_at < QUIZ + 2 * every]) >= 1
    assert [one for one in alerts if one.opened_at >= QUIZ + 2 * every] == []


def test_the_weekly_event_is_known_after_the_clocks_have_changed() -> None:
    shifted = event(QUIZ + 3 * WEEK + timedelta(hours=1), 80, 0.3)
    alerts = told(WEEK, 3, 0.3, *shifted)
    assert [one for one in alerts if one.opened_at >= QUIZ + 2 * WEEK] == []


@pytest.mark.parametrize(
    ("per_hour", "negative"), [(3000, 0.7), (900, 0.95)], ids=["larger", "darker"]
)
def test_a_crisis_at_the_hour_of_an_event_is_told(per_hour: float, negative: float) -> None:
    crisis = event(QUIZ + 3 * DAY + timedelta(minutes=20), 50, negative, per_hour)
    (alert,) = [one for one in told(DAY, 4, 0.3, *crisis) if one.opened_at >= crisis[0].at]
    assert alert.severity >= 3
    assert alert.opened_at - crisis[0].at < timedelta(minutes=20)


def test_in_a_declared_event_a_volume_alone_opens_nothing() -> None:
    for written in ("Thu 20:45-22:30 Europe/Lisbon", "2026-06-04 19:50 - 2026-06-04 21:30"):
        policy = AlertPolicy(quiet_events=[written])
        assert told(WEEK, 1, 0.3, policy=policy) == []
    assert max(one.severity for one in told(WEEK, 1, 0.9, policy=policy)) >= 3
    assert told(WEEK, 1, 0.3, policy=AlertPolicy(quiet_events=["Fri 20:00-22:00"])) != []


def test_peaks_are_kept_over_a_restart_and_a_state_without_them_is_read() -> None:
    detectors = BrandDetectors()
    for one in sorted([*usual(5), *event(QUIZ, 80, 0.3)], key=lambda one: one.at):
        detectors.observe(one)
    state = msgspec.to_builtins(detectors.detector("velmora").snapshot())
    (peak,) = state["recurrence"]["peaks"]
    assert peak["long"] > 200
    del state["recurrence"]
    assert msgspec.convert(state, DetectorState).recurrence.peaks == []
