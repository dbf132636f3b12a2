"""The volume detector through its public face: properties of any series, and what it finds."""

import math
from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.scorecard.synthetic import Brand, quiet, times
from processors.volume.detector import VolumeBank, VolumeDetector, VolumeMemory, VolumeState
from processors.volume.parameters import VolumeParameters

START = datetime(2024, 1, 1, tzinfo=UTC)
SPACINGS = st.sampled_from([1.0, 5.0, 15.0, 60.0, 1440.0])
HOSTILE = st.one_of(
    st.integers(0, 50).map(float),
    st.floats(),
    st.sampled_from([0.0, -1.0, math.nan, math.inf, -math.inf, 1e300, 5e-324]),
)
SERIES = st.lists(HOSTILE, max_size=60)


def states(values: list[float], minutes: float = 5.0) -> list[VolumeState]:
    detector = VolumeDetector()
    moments = (START + timedelta(minutes=minutes * row) for row in range(len(values)))
    return [detector.update(at, value) for at, value in zip(moments, values, strict=True)]


def said(found: list[VolumeState]) -> list[tuple[float, float, bool]]:
    return [(state.evidence, state.score, state.alert) for state in found]


@settings(max_examples=40)
@given(SERIES, SPACINGS)
def test_any_series_is_scored(values: list[float], minutes: float) -> None:
    for value, state in zip(values, states(values, minutes), strict=True):
        assert 0 <= state.score <= 1
        assert math.isfinite(state.evidence)
        assert math.isfinite(state.expected)
        assert not state.alert or state.score > 0.5
        if not (math.isfinite(value) and value >= 0):
            assert (state.score, state.alert) == (0, False)


@settings(max_examples=40)
@given(SERIES, st.integers(0, 60), SPACINGS)
def test_it_does_not_look_ahead(values: list[float], cut: int, minutes: float) -> None:
    assert said(states(values, minutes))[:cut] == said(states(values[:cut], minutes))


@settings(max_examples=40)
@given(SERIES, st.integers(0, 60), SPACINGS)
def test_it_goes_on_from_a_snapshot(values: list[float], cut: int, minutes: float) -> None:
    moments = [START + timedelta(minutes=minutes * row) for row in range(len(values))]
    detector = VolumeDetector()
    for at, value in list(zip(moments, values, strict=True))[:cut]:
        detector.update(at, value)
    kept = msgspec.json.decode(msgspec.json.encode(detector.snapshot()), type=VolumeMemory)
    again = VolumeDetector.restore(kept)
    assert again.snapshot() == kept
    rest = [again.update(at, v) for at, v in list(zip(moments, values, strict=True))[cut:]]
    assert said(rest) == said(states(values, minutes))[cut:]


@settings(max_examples=30)
@given(st.lists(st.lists(HOSTILE, min_size=7, max_size=7), max_size=30), SPACINGS)
def test_many_brands_are_each_as_if_alone(rows: list[list[float]], minutes: float) -> None:
    bank, alone = VolumeBank(7), [VolumeDetector() for _ in range(7)]
    for place, row in enumerate(rows):
        at = START + timedelta(minutes=minutes * place)
        scores, opened = bank.update_many(at, row)
        single = [each.update(at, value) for each, value in zip(alone, row, strict=True)]
        assert scores.tolist() == [state.score for state in single]
        assert opened.tolist() == [state.alert for state in single]
        assert bank.evidence.tolist() == [state.evidence for state in single]


def test_memory_is_small_and_does_not_grow() -> None:
    detector = VolumeDetector()
    sizes = set()
    for row in range(600):
        detector.update(START + timedelta(minutes=row), row % 5)
        sizes.add(len(detector.snapshot().floats))
    assert sizes == {80}


def test_times_must_increase_and_a_refused_one_changes_nothing() -> None:
    detector = VolumeDetector()
    detector.update(START, 3)
    before = detector.snapshot()
    with pytest.raises(ValueError, match="order of their times"):
        detector.update(START, 4)
    assert detector.snapshot() == before


def test_a_memory_of_other_parameters_is_refused() -> None:
    kept = VolumeDetector(VolumeParameters(windows=(5.0, 60.0))).snapshot()
    with pytest.raises(ValueError, match="other parameters"):
        VolumeDetector.restore(kept)


@pytest.mark.parametrize("value", [0.0, 7.0, 1e9, 1e300])
def test_a_series_that_never_changes_is_quiet(value: float) -> None:
    found = states([value] * 500)
    assert not any(state.alert for state in found)
    assert found[-1].score < 0.2


@pytest.mark.parametrize("minutes", [1.0, 5.0, 60.0])
def test_where_nothing_happens_nothing_is_said(minutes: float) -> None:
    levels, spreads, waves = (0.1, 1, 10, 1_000, 10_000), (0, 0.02, 0.1, 0.3), (0, 0.5, 0.8)
    brands = tuple(
        Brand(level, spread, wave, wave / 2)
        for level in levels
        for spread in spreads
        for wave in waves
    )
    days = {1.0: 4, 5.0: 14}.get(minutes, 40)
    counts = quiet(brands, days, minutes, np.random.default_rng(11))
    bank, alarms = VolumeBank(len(brands)), 0
    for at, row in zip(times(len(counts), minutes), counts, strict=True):
        alarms += int(bank.update_many(at, row)[1].sum())
    assert alarms / days / len(brands) <= 0.02


PLANTED = ((0.1, 40.0), (1.0, 80.0), (100.0, 6_000.0), (10_000.0, 600_000.0))
"""Mean count in five minutes, and how many more come within one hour."""


@pytest.mark.parametrize("minutes", [1.0, 5.0, 60.0])
def test_a_planted_burst_is_found_once(minutes: float) -> None:
    days, hour = (5, 4 * 24 + 15) if minutes < 5 else (11, 8 * 24 + 15)
    brands = tuple(Brand(level, 0.05) for level, _ in PLANTED)
    counts = quiet(brands, days, minutes, np.random.default_rng(3))
    start, rows = int(hour * 60 / minutes), max(int(60 / minutes), 1)
    counts[start : start + rows] += np.array([extra for _, extra in PLANTED]) / rows
    bank = VolumeBank(len(brands))
    moments = zip(times(len(counts), minutes), counts, strict=True)
    opened = np.array([bank.update_many(at, row)[1] for at, row in moments])
    assert opened.sum(axis=0).tolist() == [1] * len(brands)
    assert opened[start : start + rows].any(axis=0).all()


@pytest.mark.parametrize("minutes", [1.0, 5.0, 60.0, 1440.0])
def test_the_spacing_is_learnt_from_the_second_count(minutes: float) -> None:
    assert states([300.0] * 2, minutes)[1].expected == pytest.approx(300)
    # A gap behind the first count makes the spacing look longer than it is.
    detector = VolumeDetector()
    for interval in (0, 4, 5):
        state = detector.update(START + timedelta(minutes=minutes * interval), 300)
    assert state.expected == pytest.approx(300)


def test_days_are_counts_like_others() -> None:
    counts = quiet((Brand(0.2, 0.02, weekly=0.5),), 120, 1440.0, np.random.default_rng(8))[:, 0]
    counts[100] += 300
    found = states(counts.tolist(), 1440.0)
    assert [row for row, state in enumerate(found) if state.alert] == [100]


def test_a_fall_is_no_alert() -> None:
    counts = quiet((Brand(100.0, 0.02),), 8, 15.0, np.random.default_rng(4))[:, 0]
    counts[6 * 96 :] = 0
    assert not any(state.alert for state in states(counts.tolist(), 15.0))


def test_a_lasting_rise_is_said_once_and_then_becomes_the_norm() -> None:
    day = 96
    counts = quiet((Brand(20.0, 0.05),), 45, 15.0, np.random.default_rng(5))[:, 0]
    rise = 10 * day
    counts[rise:] *= 6
    found = states(counts.tolist(), 15.0)
    opened = [row for row, state in enumerate(found) if state.alert]
    assert opened
    assert rise <= opened[0] <= rise + 2
    assert len(opened) <= 2
    expected = np.mean([state.expected for state in found[-day:]])
    assert expected == pytest.approx(counts[-day:].mean(), rel=0.3)


def test_a_gap_is_not_silence() -> None:
    counts = quiet((Brand(50.0, 0.05),), 12, 15.0, np.random.default_rng(6))[:, 0].tolist()
    moments = list(zip(times(len(counts), 15.0), counts, strict=True))
    gap = range(6 * 96, 8 * 96)
    left_out, missing = VolumeDetector(), VolumeDetector()
    without = [left_out.update(at, c) for row, (at, c) in enumerate(moments) if row not in gap]
    blind = [
        missing.update(at, math.nan if row in gap else count)
        for row, (at, count) in enumerate(moments)
    ]
    assert not any(state.alert for state in without)
    assert [state for state in blind if not math.isnan(state.value)] == without


def test_the_hour_of_the_day_is_learnt() -> None:
    brand = Brand(100.0, 0.01, daily=0.9, weekly=0.0)
    counts = quiet((brand,), 15, 15.0, np.random.default_rng(7))[:, 0]
    last = [state.expected for state in states(counts.tolist(), 15.0)[-96:]]
    assert max(last) > 5 * min(last)
