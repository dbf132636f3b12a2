"""NAB's score against its definition, computed by hand, and its edge cases."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.scorecard.nab import (
    PROFILES,
    REWARD_LOW_FN,
    REWARD_LOW_FP,
    STANDARD,
    Labelled,
    sigmoid,
    tally,
    together,
)
from benchmarks.scorecard.runs import leave_one_out

SERIES = Labelled(10_000, ((1_000, 1_100), (5_000, 5_200)), (1_050, 5_100))


@st.composite
def labelled(draw: st.DrawFn) -> Labelled:
    rows = draw(st.integers(100, 3_000))
    drawn = draw(st.lists(st.integers(0, rows - 1), min_size=2, max_size=8, unique=True))
    ends = sorted(drawn)[: len(drawn) // 2 * 2]
    return Labelled(rows, tuple(zip(ends[::2], ends[1::2], strict=True)))


@pytest.mark.parametrize(
    ("position", "score"),
    [(-1.0, 0.98661), (-0.5, 0.84828), (0.0, 0), (1.0, -0.98661), (3.0, -1.0), (1e9, -1.0)],
)
def test_the_sigmoid_is_the_published_one(position: float, score: float) -> None:
    assert sigmoid(position) == pytest.approx(score, abs=1e-5)


def test_one_window_found_one_missed_and_a_false_alarm() -> None:
    outcome = tally(SERIES, [1_050, 1_060, 1_200])
    # Row 1050 is at -(1100 - 1050 + 1) / 101 of a window of 101 rows.
    gained = (2 / (1 + math.exp(-5 * 51 / 101)) - 1) / (2 / (1 + math.exp(-5)) - 1)
    # Row 1200 is 100 after it, which is one width less a row.
    lost = 1 - 2 / (1 + math.exp(5 * 100 / 100))
    assert (outcome.gained, outcome.lost) == pytest.approx((gained, lost))
    assert (outcome.windows, outcome.found, outcome.false_alarms) == (2, 1, 1)
    assert outcome.raw(STANDARD) == pytest.approx(gained - 0.11 * lost - 1)
    assert outcome.raw(REWARD_LOW_FP) == pytest.approx(gained - 0.22 * lost - 1)
    assert outcome.raw(REWARD_LOW_FN) == pytest.approx(gained - 0.11 * lost - 2)
    assert outcome.score(STANDARD) == pytest.approx(100 * (gained - 0.11 * lost + 1) / 4)
    assert outcome.score(REWARD_LOW_FN) == pytest.approx(100 * (gained - 0.11 * lost + 2) / 6)
    assert (outcome.delays, outcome.after_label) == ((50,), (0,))


def test_a_false_alarm_far_away_or_before_any_window_costs_its_whole_weight() -> None:
    assert tally(SERIES, [900]).lost == 1
    assert tally(SERIES, [1_100 + 300]).lost == 1
    near = tally(SERIES, [1_101]).lost
    assert 0 < near < 0.03


def test_the_first_fifteen_percent_of_five_thousand_rows_are_not_scored() -> None:
    assert SERIES.probation == 750
    assert Labelled(1_000, ()).probation == 150
    assert tally(SERIES, [0, 100, 749]).false_alarms == 0
    assert tally(SERIES, [750]).false_alarms == 1
    early = Labelled(10_000, ((100, 200), (700, 800)))
    assert early.scored == ((700, 800),)
    assert tally(early, [720]).found == 0
    assert tally(early, [760]).found == 1


@pytest.mark.parametrize("windows", [((50, 60), (55, 70)), ((50, 100),)])
def test_windows_must_be_in_order(windows: tuple[tuple[int, int], ...]) -> None:
    with pytest.raises(ValueError, match="in order"):
        Labelled(100, windows)


@given(labelled())
def test_silence_is_0_and_perfection_100(series: Labelled) -> None:
    perfect = tally(series, [max(a, series.probation) for a, _ in series.scored])
    for profile in PROFILES:
        if not series.scored:
            assert math.isnan(perfect.score(profile))
            continue
        assert tally(series, []).score(profile) == pytest.approx(0)
        if all(start >= series.probation for start, _ in series.scored):
            assert perfect.score(profile) == pytest.approx(100)


@given(labelled(), st.data())
def test_no_detections_are_better_than_perfect_ones(series: Labelled, data: st.DataObject) -> None:
    rows = data.draw(st.lists(st.integers(0, series.rows - 1), max_size=30))
    outcome = tally(series, rows)
    assert outcome.found <= outcome.windows
    assert 0 <= outcome.lost <= outcome.false_alarms
    if series.scored:
        assert all(outcome.score(profile) <= 100 + 1e-9 for profile in PROFILES)
        # A second detection in a window changes nothing.
        again = [row + 1 for row in rows if any(a <= row < b for a, b in series.windows)]
        if all(row >= series.probation for row in rows):
            assert tally(series, rows + again).gained == pytest.approx(outcome.gained)


@given(labelled(), labelled(), st.data())
def test_a_corpus_is_the_sum_of_its_series(a: Labelled, b: Labelled, data: st.DataObject) -> None:
    pair = [tally(s, data.draw(st.lists(st.integers(0, s.rows - 1), max_size=9))) for s in (a, b)]
    whole = together(pair)
    for profile in PROFILES:
        assert whole.raw(profile) == pytest.approx(sum(each.raw(profile) for each in pair))


def test_parameters_are_not_chosen_on_the_held_out_series() -> None:
    series = Labelled(10_000, ((2_000, 2_100),))
    good, bad = tally(series, [2_000]), tally(series, [])
    # Each series does well with the setting that is bad for the two others.
    grid = [[[good, bad, bad]] * 5, [[bad, good, good]] * 5]
    chosen = leave_one_out(grid)
    assert chosen[0][0] == 1
    assert chosen[0][2].found == 0
