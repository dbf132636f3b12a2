"""What a brand has had before is no news there: bursts, shows, contests; how it is forgotten."""

from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np
import pytest

from benchmarks.scorecard.synthetic import Brand, quiet, times
from processors.volume.daily_highs import DailyHighs
from processors.volume.detector import VolumeBank, VolumeDetector, VolumeMemory
from processors.volume.parameters import VolumeParameters
from processors.volume.seasonality import DAY_MINUTES, Floats

DAY = 96
"""Quarters of an hour."""
LEVELS = (1.0, 10.0, 100.0)


def background(days: int, seed: int) -> Floats:
    """Counts of three brands every 15 minutes in which nothing happens."""
    brands = tuple(Brand(level, 0.05) for level in LEVELS)
    return quiet(brands, days, 15.0, np.random.default_rng(seed))


def add(counts: Floats, row: int, rows: int, size: float, rng: np.random.Generator) -> None:
    """Adds so many times the brands' mean for some rows."""
    mean = 3 * np.array(LEVELS) * size
    counts[row : row + rows] += rng.poisson(np.broadcast_to(mean, (rows, len(LEVELS))))


def alert_days(counts: Floats, parameters: VolumeParameters | None = None) -> list[list[float]]:
    """The days at which alerts open, by brand."""
    bank = VolumeBank(counts.shape[1], parameters)
    found: list[list[float]] = [[] for _ in range(counts.shape[1])]
    for row, (at, values) in enumerate(zip(times(len(counts), 15.0), counts, strict=True)):
        for column in np.flatnonzero(bank.update_many(at, values)[1]).tolist():
            found[column].append(row / DAY)
    return found


def bursty(days: int, seed: int) -> Floats:
    """A burst of 15 minutes at a random time on most days, each of another size."""
    rng = np.random.default_rng(seed)
    counts = background(days, seed)
    for row in rng.integers(0, len(counts), days):
        add(counts, int(row), 1, 6 * rng.lognormal(0.0, 0.6), rng)
    return counts


def test_a_brand_that_bursts_every_day_is_not_told_every_day() -> None:
    counts = bursty(60, 1)
    never_learns = VolumeParameters(rise=0.0)
    told = [sum(day > 14 for day in days) for days in alert_days(counts)]
    before = [sum(day > 14 for day in days) for days in alert_days(counts, never_learns)]
    assert sum(told) <= sum(before) / 2


def test_such_a_brand_is_told_of_an_hour_that_it_never_had() -> None:
    counts = bursty(60, 2)
    # No burst opens an alert that would go on.
    counts[49 * DAY : 51 * DAY] = background(60, 3)[49 * DAY : 51 * DAY]
    start = 50 * DAY + 40
    add(counts, start, 8, 12.0, np.random.default_rng(3))
    for days in alert_days(counts):
        assert any(start / DAY <= day < start / DAY + 0.1 for day in days)


def test_a_weekly_show_is_told_at_most_three_times_and_a_crisis_of_its_size_always() -> None:
    rng = np.random.default_rng(4)
    counts = background(70, 4)
    for week in range(10):
        add(counts, (7 * week + 6) * DAY + 80, 4, 14.0, rng)
    add(counts, 60 * DAY + 50, 4, 14.0, rng)
    for days in alert_days(counts):
        shows = [day for day in days if day % 7 > 6.8]
        assert max(shows) < 21
        assert any(60.5 < day < 60.6 for day in days)


def test_a_crisis_of_the_size_of_a_show_is_told_on_its_day_at_another_hour() -> None:
    rng = np.random.default_rng(11)
    counts = background(56, 11)
    for week in range(8):
        add(counts, (7 * week + 6) * DAY + 80, 4, 14.0, rng)
    add(counts, 55 * DAY + 40, 4, 14.0, rng)
    for days in alert_days(counts):
        assert any(55.4 < day < 55.5 for day in days)


def test_a_daily_contest_is_learnt_within_a_few_days() -> None:
    rng = np.random.default_rng(5)
    counts = background(40, 5)
    for day in range(40):
        add(counts, day * DAY + 72 + int(rng.integers(-2, 3)), 3, 8.0 * rng.lognormal(0, 0.3), rng)
    for days in alert_days(counts):
        assert sum(day > 14 for day in days) <= 1


def test_what_was_said_at_four_times_the_level_counts_for_less_once_the_brand_has_shrunk() -> None:
    counts = background(70, 6)
    counts[: 40 * DAY] *= 4
    start = 66 * DAY + 50
    counts[start : start + 8] *= 5
    assert all(any(day * DAY >= start for day in days) for days in alert_days(counts))


@pytest.mark.parametrize(("level", "had"), [(4.0, 10), (1.0, 0)], ids=["as large", "shrunk"])
def test_the_highs_of_a_larger_brand_count_for_less(level: float, had: int) -> None:
    highs, brand = DailyHighs(VolumeParameters(), 1), np.array([0])
    noon, present = 720.0, np.array([True])
    for day in range(11):
        highs.begin(np.array([4.0]), day * DAY_MINUTES, present)
        highs.learn(np.full((3, 1), 40.0), day * DAY_MINUTES, present)
    sums = np.full((3, 1), 25.0)
    times, known = highs.reached(sums, np.array([level]), 10 * DAY_MINUTES + noon, brand)
    assert (times[0], known[0]) == (had, 10)


def test_the_longer_the_days_asked_for_the_fewer_alerts() -> None:
    counts = bursty(60, 7)
    told = [
        sum(map(len, alert_days(counts, VolumeParameters(false_alarm_days=days))))
        for days in (7, 21, 60)
    ]
    assert told == sorted(told, reverse=True)
    assert told[0] > told[2]


@pytest.mark.parametrize("days", [0.0, 2.9, 91.0, float("nan")])
def test_days_that_were_not_measured_are_refused(days: float) -> None:
    with pytest.raises(ValueError, match="false_alarm_days must be from 3 to 90"):
        VolumeParameters(false_alarm_days=days)


def test_a_snapshot_of_an_older_release_is_taken_and_its_highs_are_learnt_anew() -> None:
    counts = bursty(20, 9)[:, 1]
    detector = VolumeDetector()
    moments = times(len(counts) + 4, 15.0)
    for at, value in zip(moments, counts.tolist(), strict=False):
        detector.update(at, value)
    kept = detector.snapshot()
    older = msgspec.structs.replace(kept, floats=kept.floats[:80])
    again = VolumeDetector.restore(older)
    assert again.snapshot().floats[:80] == kept.floats[:80]
    assert again.update(moments[-2], 30.0).expected == detector.update(moments[-2], 30.0).expected
    with pytest.raises(ValueError, match="other parameters"):
        VolumeDetector.restore(msgspec.structs.replace(kept, floats=kept.floats[:81]))


def test_days_without_counts_are_not_days_without_bursts() -> None:
    start = datetime(2024, 1, 1, tzinfo=UTC)
    counts = bursty(30, 10)[:, 1]
    detector = VolumeDetector()
    for row, value in enumerate(counts.tolist()):
        detector.update(start + timedelta(minutes=15 * row), value)
    # Two months later nothing of these days is within the ring.
    late = start + timedelta(days=90)
    detector.update(late, 30.0)
    memory: VolumeMemory = detector.snapshot()
    fresh = VolumeDetector()
    fresh.update(late, 30.0)
    assert memory.floats[85:] == fresh.snapshot().floats[85:]
