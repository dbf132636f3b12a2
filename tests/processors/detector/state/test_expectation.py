"""What is usual in a window is the sum of its own minutes, also beside a change of the clocks."""

from datetime import UTC, datetime

import pytest

from processors.detector.state.baseline import Baseline
from processors.detector.state.expectation import Expectation
from processors.detector.state.volume import NAMES, WEEKS, VolumeBaselines, VolumeBaselinesState

DAY = 24 * 60


def minute(*at: int) -> int:
    return int(datetime(*at, tzinfo=UTC).timestamp()) // 60  # type: ignore[arg-type]


def shop() -> Baseline:
    """Ten days of a shop with ten mentions a minute from nine to six, and one otherwise."""
    hours = [10 * 600.0 if 9 <= hour < 18 else 600.0 for hour in range(24)]
    total = sum(hours)
    return Baseline(
        minutes=10.0 * DAY, mentions=total, authors=total, hours=hours, hour_minutes=[600.0] * 24
    )


def volumes(per_five: float, last: int) -> VolumeBaselines:
    """A model that knows the days of the week, and expects so much until ``last``."""
    return VolumeBaselines(
        VolumeBaselinesState(counts=WEEKS, recent=[[per_five] * len(NAMES)] * 9, last=last)
    )


def expected(end: int, minutes: int = 30, by: VolumeBaselines | None = None) -> float:
    return Expectation(shop(), by or VolumeBaselines(), end, 30).of("mentions", minutes)


CALM_SEASON = (2026, 6, 10)
"""No clock has changed for weeks."""


def test_the_half_hour_of_an_opening_is_held_against_each_of_its_minutes() -> None:
    opening = minute(*CALM_SEASON, 9, 15)
    by_minute = [expected(opening - back, 1) for back in range(30)]
    assert expected(opening) == pytest.approx(sum(by_minute))
    assert expected(opening) < 0.8 * 30 * by_minute[0]


def test_the_last_minutes_of_a_window_are_a_part_of_it() -> None:
    opening = minute(*CALM_SEASON, 9, 15)
    assert 0 < expected(opening, 5) < expected(opening)


def test_who_knows_the_days_of_the_week_expects_by_them() -> None:
    noon = minute(*CALM_SEASON, 13, 0)
    assert expected(noon, by=volumes(5.0, noon - 10)) == pytest.approx(30, rel=0.05)
    assert expected(noon) > 200


@pytest.mark.parametrize("knows_weeks", [False, True])
def test_after_a_change_of_the_clocks_the_hour_of_before_is_usual_too(knows_weeks: bool) -> None:
    def at(*day: int) -> float:
        morning = minute(*day, 8, 25)
        return expected(morning, by=volumes(5.0, morning - 10) if knows_weeks else None)

    assert at(2026, 4, 2) > 3 * at(*CALM_SEASON)
