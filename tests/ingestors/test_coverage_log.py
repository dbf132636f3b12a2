"""What a source's time is told to be: heard, late, unheard or lost; over restarts, too."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestors.coverage_log import MAX_BEHIND, MAX_UNFINISHED, SETTLED, CoverageLog, Seen
from ingestors.source import Gap
from schemas.codec import COVERAGE
from schemas.coverage import CoverageInterval, CoverageReason

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
EVERY = timedelta(minutes=1)
S = timedelta(seconds=1)


@dataclass
class Told:
    """The newest state of each record, as the index has them."""

    records: dict[str, CoverageInterval] = field(default_factory=dict)

    def __iadd__(self, told: Iterable[CoverageInterval]) -> "Told":
        for record in told:
            before = self.records.get(record.id)
            assert before is None or record.version > before.version
            assert record.to is None or record.to >= record.from_
            self.records[record.id] = COVERAGE.decode(COVERAGE.encode(record))
        return self

    def of(self, state: str) -> list[CoverageInterval]:
        found = [record for record in self.records.values() if record.state == state]
        return sorted(found, key=lambda record: record.from_)

    def spans(self, state: str) -> list[tuple[float, float | None]]:
        """Seconds since the start."""
        return [
            ((r.from_ - START) / S, None if r.to is None else (r.to - START) / S)
            for r in self.of(state)
        ]


def at(seconds: float) -> datetime:
    return START + seconds * S


def live() -> CoverageLog:
    return CoverageLog("bluesky", is_live=True, every=EVERY)


def heard(seconds: float, **more: object) -> Seen:
    return Seen(heard_until=at(seconds), **more)  # type: ignore[arg-type]


def lost(why: CoverageReason = "dropped") -> Seen:
    return Seen(why, "the connection ended", at(0))


def left(log: CoverageLog) -> list[object]:
    """What a checkpoint keeps of it."""
    return [msgspec.to_builtins(record) for record in log.unfinished]


def test_a_source_that_is_heard_is_told_now_and_once_a_minute() -> None:
    log, told = live(), Told()
    assert log.start(at(0), None) == []
    counts = []
    for second in range(0, 180, 2):
        records = log.observe(at(second), heard(second))
        counts.append(len(records))
        told += records
    assert sum(counts) == 3, "at 0, 60 and 120"
    assert told.spans("listening") == [(0, None)]
    (record,) = told.of("listening")
    assert (record.why, record.told_at, record.source) == ("live", at(120), "bluesky")


def test_a_connection_that_is_back_at_once_ends_no_interval() -> None:
    log, told = live(), Told()
    told += log.observe(at(0), heard(0))
    told += log.observe(at(30), lost())
    told += log.observe(at(30) + SETTLED - S, lost())
    told += log.observe(at(45), heard(45))
    assert told.records.keys() == {record.id for record in log.unfinished}
    assert told.spans("late") == []


def test_a_lost_connection_is_late_from_its_end_until_all_was_heard_again() -> None:
    log, told = live(), Told()
    told += log.observe(at(0), heard(0))
    told += log.observe(at(30), lost("refused"))
    told += log.observe(at(60), lost("refused"))
    (late,) = told.of("late")
    assert (late.from_, late.to, late.why, late.detail) == (
        at(30), None, "refused", "the connection ended",
    )  # fmt: skip
    assert told.spans("listening") == [(0, 30)]
    told += log.observe(at(90), heard(31))
    assert told.spans("late") == [(30, None)], "connected, and a minute behind"
    told += log.observe(at(95), heard(94))
    assert told.spans("late") == [(30, 94)]
    (late,) = told.of("late")
    assert late.made_up_at == at(95)
    assert told.spans("listening") == [(0, 30), (94, None)]


def test_a_source_behind_its_platform_is_late_and_does_not_flap() -> None:
    log, told = live(), Told()
    told += log.observe(at(0), heard(0))
    behind = MAX_BEHIND / S
    for second, lag in ((100, behind + 1), (110, behind - 1), (120, behind + 1), (130, 0.0)):
        told += log.observe(at(second), heard(second - lag))
    assert told.spans("late") == [(39, 130)]
    assert [record.why for record in told.of("late")] == ["catching_up"]


def test_what_the_platform_does_not_repeat_is_a_gap() -> None:
    log, told = live(), Told()
    told += log.observe(at(0), heard(0))
    gap = Gap(at(10), at(40), lost=7)
    told += log.observe(at(60), heard(60, gaps=(gap,)))
    (record,) = told.of("gap")
    assert (record.from_, record.to, record.lost, record.why) == (at(10), at(40), 7, "unrepeated")


def test_a_killed_ingestor_was_away_since_its_checkpoint_until_its_next_start() -> None:
    first, told = live(), Told()
    told += first.observe(at(0), heard(0))
    saved = left(first)
    told += first.observe(at(59), heard(59))
    second = live()
    told += second.start(at(300), at(50), saved)
    assert told.spans("listening") == [(0, 50)], "its end is the last that is certain"
    assert told.spans("away") == [(50, None)]
    told += second.observe(at(301), heard(60))
    assert told.spans("away") == [(50, 300)]
    (away,) = told.of("away")
    assert (away.why, away.made_up_at) == ("killed", None)
    told += second.observe(at(330), heard(300))
    assert told.of("away")[0].made_up_at == at(330), "late, and not lost"
    assert told.of("gap") == []


def test_a_killed_start_that_is_killed_again_rewrites_the_same_interval() -> None:
    first, told = live(), Told()
    told += first.observe(at(0), heard(0))
    saved = left(first)
    for start in (100, 130, 190):
        again = live()
        told += again.start(at(start), at(50), saved)
    told += again.observe(at(191), heard(191))
    assert told.spans("away") == [(50, 191)]
    assert told.spans("listening") == [(0, 50), (191, None)]
    assert len(told.records) == 3


def test_a_stopped_ingestor_is_away_until_its_next_start() -> None:
    first, told = live(), Told()
    told += first.observe(at(0), heard(0))
    told += first.stop(at(30), "stopped")
    assert told.spans("listening") == [(0, 30)]
    assert told.spans("away") == [(30, None)]
    second = live()
    told += second.start(at(500), at(31), left(first))
    told += second.observe(at(501), heard(501))
    assert told.spans("away") == [(30, 501)], "one interval, and no second one of a kill"
    assert told.spans("listening") == [(0, 30), (501, None)]
    assert told.of("away")[0].made_up_at == at(501)


def test_late_intervals_of_an_earlier_run_are_made_up_for_by_a_later_one() -> None:
    first, told = live(), Told()
    told += first.observe(at(0), heard(0))
    told += first.observe(at(30), lost())
    told += first.observe(at(50), lost())
    second = live()
    told += second.start(at(100), at(60), left(first))
    told += second.observe(at(110), heard(110))
    assert told.spans("late") == [(30, 60)]
    assert [record.made_up_at for record in told.of("late")] == [at(110)]


def test_a_source_that_was_never_heard_misses_what_it_waits_for() -> None:
    log, told = live(), Told()
    told += log.start(at(0), None)
    told += log.observe(at(0), Seen("connecting", "no route"))
    told += log.observe(at(20), Seen("connecting", "no route"))
    assert told.spans("away") == [(0, None)]
    told += log.observe(at(40), Seen())
    told += log.observe(at(41), heard(41))
    (away,) = told.of("away")
    assert (away.to, away.made_up_at, away.why) == (at(40), None, "connecting")
    assert told.spans("listening") == [(40, None)]


def test_a_file_is_never_away() -> None:
    log, told = CoverageLog("replay:posts.csv", is_live=False, every=EVERY), Told()
    told += log.start(at(0), at(-500))
    told += log.observe(at(1), Seen())
    told += log.stop(at(30), "stopped")
    assert {record.state for record in told.records.values()} == {"listening"}
    (record,) = told.records.values()
    assert (record.why, record.source, record.to) == ("replayed", "replay", at(30))
    assert "posts" not in record.part


def test_a_played_day_is_told_in_its_own_time_under_one_id() -> None:
    played, told = CoverageLog("generator:1/5/60", is_live=False, every=EVERY), Told()
    told += played.start(at(0), None)
    told += played.observe(at(0), Seen(played=(at(-86_400), at(-80_000))))
    told += played.observe(at(5), Seen(played=(at(-86_400), at(-70_000))))
    assert told.spans("listening") == [(-86_400, -80_000)]
    assert played.unfinished == []
    again = CoverageLog("generator:1/5/60", is_live=False, every=EVERY)
    told += again.start(at(8), at(5))
    told += again.observe(at(9), Seen(played=(at(-86_400), at(-10))))
    told += again.stop(at(9.5), None)
    assert told.spans("listening") == [(-86_400, -10)]


def test_what_another_version_left_in_the_checkpoint_is_passed() -> None:
    log = live()
    (away,) = log.start(at(9), at(5), [{"id": "x"}, 3, None, {"state": "of a later version"}])
    assert (away.state, away.from_) == ("away", at(5))


def test_what_waits_to_be_made_up_for_is_bounded() -> None:
    told, kept = Told(), list[object]()
    for number in range(MAX_UNFINISHED + 30):
        log = live()
        told += log.start(at(100 * number + 50), at(100 * number), kept)
        told += log.observe(at(100 * number + 60), heard(0))
        kept = left(log)
    assert len(kept) <= MAX_UNFINISHED + 1
    assert len(told.of("away")) == MAX_UNFINISHED + 30


steps = st.lists(
    st.tuples(
        st.integers(1, 90),
        st.sampled_from(["heard", "behind", "lost", "kill", "stop"]),
    ),
    max_size=60,
)


@given(steps)
@settings(max_examples=150, deadline=None)
def test_whatever_happens_the_time_of_a_source_is_told_without_a_hole_or_an_overlap(
    what: list[tuple[int, str]],
) -> None:
    """By one clock, with a checkpoint at each step: all time since the first post is told once."""
    log, told, now, position, saved = live(), Told(), 0.0, 0.0, None
    told += log.start(at(0), None)
    told += log.observe(at(0), heard(0))
    for wait, event in what:
        saved, kept = now, left(log)
        now += wait
        if event in ("kill", "stop"):
            if event == "stop":
                told += log.stop(at(now), "stopped")
                saved, kept = now, left(log)
                now += wait
            log = live()
            told += log.start(at(now), at(saved), kept)
            told += log.observe(at(now), Seen("connecting", "soon", at(position)))
        elif event == "lost":
            told += log.observe(at(now), Seen("dropped", "gone", at(position)))
        else:
            position = now if event == "heard" else max(position, now - 70)
            told += log.observe(at(now), heard(position))
        for record in told.records.values():
            assert record.made_up_at is None or record.to is not None
            assert record.made_up_at is None or record.to <= at(position)  # type: ignore[operator]
    position = now = now + 5
    told += log.observe(at(now), heard(now))
    spans = sorted(told.spans("listening") + told.spans("late") + told.spans("away"))
    end = 0.0
    for begin, until in spans:
        assert begin == end
        end = until if until is not None else now
    assert end == now
    unmade = [r for r in told.of("late") + told.of("away") if r.made_up_at is None]
    assert unmade == [], "the source repeats all, so nothing stays late"
