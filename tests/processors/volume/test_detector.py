"""The volume detector through its public face: properties of any series, and what it finds."""

import itertools
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
from processors.volume.seasonality import Flags, Floats

START = datetime(2024, 1, 1, tzinfo=UTC)
SPACINGS = st.sampled_from([1.0, 5.0, 15.0, 60.0, 1440.0])
HOSTILE = st.one_of(
    st.integers(0, 50).map(float),
    st.floats(),
    st.sampled_from([0.0, -1.0, math.nan, math.inf, -math.inf, 1e300, 5e-324]),
)
SERIES = st.lists(HOSTILE, max_size=60)


def states(
    values: list[float],
    minutes: float = 5.0,
    first: int = 0,
    detector: VolumeDetector | None = None,
) -> list[VolumeState]:
    """The results of counts so many minutes apart, from the ``first`` interval on."""
    detector = detector or VolumeDetector()
    moments = (START + timedelta(minutes=minutes * row) for row in itertools.count(first))
    return [detector.update(at, value) for at, value in zip(moments, values, strict=False)]


def said(results: list[VolumeState]) -> list[tuple[float, float, bool]]:
    return [(state.evidence, state.score, state.alert) for state in results]


def opened(results: list[VolumeState]) -> list[int]:
    return [row for row, state in enumerate(results) if state.alert]


def series(brand: Brand, days: int, minutes: float, seed: int) -> Floats:
    """The counts of one brand in which nothing happens."""
    return quiet((brand,), days, minutes, np.random.default_rng(seed))[:, 0]


def bank_of(counts: Floats, minutes: float) -> list[Flags]:
    """Where alerts open in the counts of several brands, row by row."""
    bank = VolumeBank(counts.shape[1])
    moments = zip(times(len(counts), minutes), counts, strict=True)
    return [bank.update_many(at, row)[1] for at, row in moments]


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
    detector = VolumeDetector()
    states(values[:cut], minutes, detector=detector)
    kept = msgspec.json.decode(msgspec.json.encode(detector.snapshot()), type=VolumeMemory)
    again = VolumeDetector.restore(kept)
    assert again.snapshot() == kept
    rest = states(values[cut:], minutes, cut, again)
    assert said(rest) == said(states(values, minutes))[cut:]


@settings(max_examples=30)
@given(st.lists(st.lists(HOSTILE, min_size=7, max_size=7), max_size=30), SPACINGS)
def test_many_brands_are_each_as_if_alone(rows: list[list[float]], minutes: float) -> None:
    bank, alone = VolumeBank(7), [VolumeDetector() for _ in range(7)]
    for number, row in enumerate(rows):
        at = START + timedelta(minutes=minutes * number)
        scores, opens = bank.update_many(at, row)
        single = [each.update(at, value) for each, value in zip(alone, row, strict=True)]
        assert scores.tolist() == [state.score for state in single]
        assert opens.tolist() == [state.alert for state in single]
        assert bank.evidence.tolist() == [state.evidence for state in single]


def test_memory_is_small_and_does_not_grow() -> None:
    detector = VolumeDetector()
    sizes = set()
    for row in range(600):
        detector.update(START + timedelta(minutes=row), row % 5)
        sizes.add(len(detector.snapshot().floats))
    assert sizes == {235}


def test_what_is_refused_changes_nothing_times_that_do_not_increase_and_foreign_memories() -> None:
    detector = VolumeDetector()
    detector.update(START, 3)
    before = detector.snapshot()
    with pytest.raises(ValueError, match="order of their times"):
        detector.update(START, 4)
    assert detector.snapshot() == before
    kept = VolumeDetector(VolumeParameters(windows=(5.0, 60.0))).snapshot()
    with pytest.raises(ValueError, match="other parameters"):
        VolumeDetector.restore(kept)


@pytest.mark.parametrize("value", [0.0, 7.0, 1e9, 1e300])
def test_a_series_that_never_changes_is_quiet(value: float) -> None:
    results = states([value] * 500)
    assert opened(results) == []
    assert results[-1].score < 0.2


@pytest.mark.parametrize("minutes", [1.0, 5.0, 60.0])
def test_where_nothing_happens_nothing_is_said(minutes: float) -> None:
    levels, spreads, waves = (0.1, 1, 10, 1_000, 10_000), (0, 0.02, 0.1, 0.3), (0, 0.5, 0.8)
    brands = tuple(
        Brand(level, spread, wave, wave / 2)
        for level, spread, wave in itertools.product(levels, spreads, waves)
    )
    days = {1.0: 4, 5.0: 14}.get(minutes, 40)
    counts = quiet(brands, days, minutes, np.random.default_rng(11))
    alarms = sum(int(opens.sum()) for opens in bank_of(counts, minutes))
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
    opens = np.array(bank_of(counts, minutes))[start:]
    assert opens.sum(axis=0).tolist() == [1] * len(brands)
    assert opens[:rows].any(axis=0).all()


@pytest.mark.parametrize("minutes", [1.0, 5.0, 60.0, 1440.0])
def test_the_spacing_is_learnt_from_the_second_count(minutes: float) -> None:
    assert states([300.0] * 2, minutes)[1].expected == pytest.approx(300)
    # A gap behind the first count makes the spacing look longer than it is.
    detector = VolumeDetector()
    for interval in (0, 4, 5):
        state = detector.update(START + timedelta(minutes=minutes * interval), 300)
    assert state.expected == pytest.approx(300)


def test_days_are_counts_like_others() -> None:
    counts = series(Brand(0.2, 0.02, weekly=0.5), 120, 1440.0, 8)
    counts[100] += 300
    assert opened(states(counts.tolist(), 1440.0)) == [100]


def test_a_fall_is_no_alert() -> None:
    counts = series(Brand(100.0, 0.02), 8, 15.0, 4)
    counts[6 * 96 :] = 0
    assert opened(states(counts.tolist(), 15.0)) == []


def test_a_lasting_rise_is_said_once_and_then_becomes_the_norm() -> None:
    day = 96
    counts = series(Brand(20.0, 0.05), 45, 15.0, 5)
    rise = 10 * day
    counts[rise:] *= 6
    results = states(counts.tolist(), 15.0)
    first, *more = opened(results)
    assert rise <= first <= rise + 2
    assert len(more) <= 1
    expected = np.mean([state.expected for state in results[-day:]])
    assert expected == pytest.approx(counts[-day:].mean(), rel=0.3)


def test_a_gap_is_not_silence() -> None:
    counts = series(Brand(50.0, 0.05), 12, 15.0, 6).tolist()
    before, after = counts[: 6 * 96], counts[8 * 96 :]
    detector = VolumeDetector()
    without = states(before, 15.0, detector=detector) + states(after, 15.0, 8 * 96, detector)
    blind = states([*before, *[math.nan] * (2 * 96), *after], 15.0)
    assert opened(without) == []
    assert [state for state in blind if not math.isnan(state.value)] == without


def test_the_hour_of_the_day_is_learnt() -> None:
    counts = series(Brand(100.0, 0.01, daily=0.9, weekly=0.0), 15, 15.0, 7)
    last = [state.expected for state in states(counts.tolist(), 15.0)[-96:]]
    assert max(last) > 5 * min(last)
