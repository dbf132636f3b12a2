"""A source's time as one line: clipped, without overlaps, and the worst state wins."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from schemas.coverage import CoverageInterval, CoverageState, CoverageTeller, interval_id
from sinks.elasticsearch.coverage.timeline import (
    MAX_EXPECTED,
    MAX_SILENCE,
    WORST_FIRST,
    Timeline,
    cells,
    timelines,
)

START = datetime(2026, 3, 2, tzinfo=UTC)
M = timedelta(minutes=1)
NOW = START + 1_000 * M


def at(minutes: float) -> datetime:
    return START + minutes * M


def record(
    state: CoverageState,
    begin: float,
    end: float | None,
    *,
    made_up: float | None = None,
    told: float | None = None,
    told_by: CoverageTeller = "ingest",
    source: str = "bluesky",
    lost: int | None = None,
) -> CoverageInterval:
    return CoverageInterval(
        id=interval_id(told_by, state, source, "", at(begin)),
        version=1,
        source=source,
        state=state,
        why="live" if state == "listening" else "dropped",
        told_by="detector" if state == "blind" else told_by,
        told_at=at(told if told is not None else 1_000),
        from_=at(begin),
        to=None if end is None else at(end),
        made_up_at=None if made_up is None else at(made_up),
        lost=lost,
    )


def folded(*records: CoverageInterval, since: float = 0, until: float = 100) -> Timeline:
    (line,) = timelines(records, at(since), at(until), NOW)
    return line


def spans(line: Timeline) -> list[tuple[str, float, float]]:
    return [(s.state, (s.since - START) / M, (s.until - START) / M) for s in line.stretches]


def test_a_window_cuts_what_it_holds_and_says_how_much_was_heard() -> None:
    line = folded(
        record("listening", -50, 40), record("late", 40, 60), record("listening", 60, 400)
    )
    assert spans(line) == [("listening", 0, 40), ("late", 40, 60), ("listening", 60, 100)]
    assert (line.heard, line.known) == (0.8, 1.0)


def test_the_worst_of_what_overlaps_counts() -> None:
    line = folded(
        record("listening", 0, 100),
        record("late", 10, 60),
        record("away", 20, 50),
        record("blind", 30, 45),
        record("gap", 40, 42, lost=7),
    )
    assert spans(line) == [
        ("listening", 0, 10), ("late", 10, 20), ("away", 20, 30), ("blind", 30, 40),
        ("gap", 40, 42), ("blind", 42, 45), ("away", 45, 50), ("late", 50, 60),
        ("listening", 60, 100),
    ]  # fmt: skip
    assert line.lost == 7


def test_what_is_made_up_for_was_heard_but_for_what_is_lost_in_it() -> None:
    line = folded(
        record("listening", 0, 20),
        record("away", 20, 80, made_up=85),
        record("blind", 30, 80),
        record("gap", 20, 25),
        record("listening", 80, 100),
    )
    assert spans(line) == [("listening", 0, 20), ("gap", 20, 25), ("listening", 25, 100)]
    assert line.heard == pytest.approx(0.95)


def test_a_blind_source_is_blind_though_its_ingestor_is_connected() -> None:
    line = folded(record("listening", 0, 100), record("blind", 30, 60))
    assert spans(line) == [("listening", 0, 30), ("blind", 30, 60), ("listening", 60, 100)]


def test_what_lasts_goes_on_to_now_while_its_ingestor_speaks() -> None:
    line = folded(record("listening", 900, None, told=999), since=900, until=2_000)
    assert spans(line) == [("listening", 900, 1_000)]
    assert line.stretches[0].lasts
    assert line.heard == 1.0, "the time after now is no part of the window"


def test_an_ingestor_that_says_nothing_more_is_away() -> None:
    line = folded(record("listening", 900, None, told=950), since=900, until=1_000)
    assert spans(line) == [("listening", 900, 950), ("away", 950, 1_000)]
    assert (line.stretches[1].why, line.stretches[1].lasts) == ("killed", True)


def test_the_next_interval_of_an_ingestor_ends_one_without_an_end() -> None:
    """A checkpoint that was reset keeps nothing that the next start could end."""
    silence = MAX_SILENCE / M
    line = folded(
        record("listening", 10, None, told=20), record("listening", 60, None), since=0, until=1_000
    )
    assert spans(line)[:3] == [
        ("listening", 10, 20 + silence), ("away", 20 + silence, 60), ("listening", 60, 1_000),
    ]  # fmt: skip


def test_a_source_that_nobody_reads_for_a_week_is_no_longer_expected() -> None:
    long_ago = record("away", 0, None, told=0)
    (line,) = timelines([long_ago], START, START + 30 * 1440 * M, START + 30 * 1440 * M)
    assert line.stretches[-1].until == START + MAX_EXPECTED
    assert line.known == pytest.approx(7 / 30)


def test_sources_have_a_line_each_and_none_without_a_word() -> None:
    found = timelines(
        [
            record("gap", 10, 20, source="x"),
            record("listening", 0, 50),
            record("gap", 500, 600, source="far"),
        ],
        at(0),
        at(100),
        NOW,
    )
    assert [line.source for line in found] == ["bluesky", "x"]


def test_a_window_without_a_length_is_empty() -> None:
    assert timelines([record("listening", 0, 50)], at(10), at(10), NOW) == []


def test_a_short_gap_is_seen_in_a_coarse_picture() -> None:
    line = folded(record("listening", 0, 80), record("gap", 25, 25.01))
    assert cells(line, at(0), at(100), 10) == [
        *["listening"] * 2, "gap", *["listening"] * 5, None, None,
    ]  # fmt: skip


many = st.lists(
    st.builds(
        lambda state, begin, length, lasts, made_up, told: replace(
            record(state, begin, begin + length if not lasts else None, told=begin + told),
            made_up_at=at(begin + length + 1)
            if made_up and not lasts and state in ("late", "away")
            else None,
        ),
        st.sampled_from(WORST_FIRST),
        st.integers(-200, 300),
        st.integers(0, 90),
        st.booleans(),
        st.booleans(),
        st.integers(0, 400),
    ),
    max_size=25,
    unique_by=lambda made: made.id,
)


@given(many)
@settings(max_examples=200, deadline=None)
def test_a_line_is_in_order_within_its_window_and_each_moment_has_the_worst_state(
    records: list[CoverageInterval],
) -> None:
    now = at(400)
    for line in timelines(records, at(0), at(200), now):
        ends = [moment for one in line.stretches for moment in (one.since, one.until)]
        assert ends == sorted(ends)
        assert at(0) <= ends[0]
        assert ends[-1] <= at(200)
        assert all(one.since < one.until for one in line.stretches)
        assert 0 <= line.heard <= line.known <= 1 + 1e-9
        for minute in range(200):
            middle = at(minute + 0.5)
            state = next((s.state for s in line.stretches if s.since <= middle < s.until), None)
            closed = [r for r in records if r.to is not None and r.from_ <= middle < r.to]
            # Brute force over what has an end; what lasts can only make it worse, or known.
            made_up = any(r.made_up_at for r in closed)
            worst = [
                "listening" if r.made_up_at else r.state
                for r in closed
                if not (r.state == "blind" and made_up)
            ]
            if worst:
                expected = min(worst, key=WORST_FIRST.index)
                assert state is not None
                assert WORST_FIRST.index(state) <= WORST_FIRST.index(expected)
            if all(r.to is not None for r in records):
                assert (state is None) == (not worst)
                assert not worst or state == expected


@given(many, st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_the_order_of_the_records_makes_no_difference(
    records: list[CoverageInterval],
    random: object,
) -> None:
    shuffled = list(records)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = (timelines(each, at(0), at(200), at(400)) for each in (records, shuffled))
    assert [spans(line) for line in one] == [spans(line) for line in other]
