"""Silence of a source that always speaks is told; silence of one that rarely does is not."""

from collections.abc import Callable
from datetime import timedelta

import msgspec
import pytest

from processors.detector.silence import (
    FORGOTTEN,
    LEARNT,
    MAX_SOURCES,
    MIN_SILENCE,
    TOLD_EVERY,
    BlindRecords,
    Coverage,
    Listening,
    Silence,
)  # fmt: skip
from processors.detector.snapshots import MAX_OFFSETS, Ledger, ledger_snapshots, ledgers
from schemas.codec import COVERAGE, DETECTOR_STATE
from schemas.coverage import CoverageInterval
from tests.processors.detector.storms import START, record


def speaking(
    every: timedelta = timedelta(seconds=1),
    records: int = LEARNT + 1,
    source: str = "x",
    to: Coverage | None = None,
) -> Coverage:
    """A source that has spoken so often from ``START`` on; of another one too, where given."""
    coverage = to or Coverage()
    for number in range(records):
        assert coverage.observe(source, START + number * every) == []
    return coverage


def test_a_chatty_source_that_is_silent_is_away_and_said_once() -> None:
    coverage = speaking(timedelta(seconds=2))
    last = START + LEARNT * timedelta(seconds=2)
    assert coverage.advance(last + MIN_SILENCE) == []
    (alert,) = coverage.advance(last + MIN_SILENCE + timedelta(seconds=1))
    assert (alert.kind, alert.status, alert.brand) == ("blind", "open", "source:x")
    assert alert.began_at == last.replace(second=0)
    assert "blind since 00:03 UTC" in alert.title
    assert coverage.advance(last + timedelta(hours=3)) == []
    (over,) = coverage.observe("x", last + timedelta(hours=4))
    assert (over.status, over.id) == ("close", alert.id)
    assert over.version > alert.version


@pytest.mark.parametrize(
    ("coverage", "days"),
    [(speaking(timedelta(minutes=10), 2 * LEARNT), 30), (speaking(records=LEARNT // 2), 1)],
    ids=["rarely speaks", "is new"],
)
def test_a_source_that_is_not_away(coverage: Coverage, days: int) -> None:
    assert coverage.advance(START + timedelta(days=days)) == []


def test_other_sources_do_not_count_for_it() -> None:
    coverage = speaking(timedelta(seconds=60), 5 * LEARNT, "bluesky", to=speaking())
    now = START + 5 * LEARNT * timedelta(seconds=60)
    assert [alert.brand for alert in coverage.advance(now)] == ["source:x"]


def away() -> Coverage:
    coverage = speaking()
    assert coverage.advance(START + 2 * MIN_SILENCE)
    return coverage


LAST = START + LEARNT * timedelta(seconds=1)


def test_its_last_record_read_again_after_a_restart_is_no_news() -> None:
    coverage = away()
    assert coverage.observe("x", LAST) == []
    assert coverage.blind == {"x": LAST}
    assert [one.status for one in coverage.observe("x", LAST + timedelta(seconds=1))] == ["close"]
    assert coverage.blind == {}


def test_who_tells_it_and_when_makes_no_difference_to_id_and_version() -> None:
    told = []
    for later in (2, 3):
        coverage = speaking()
        (opened,) = coverage.advance(START + later * MIN_SILENCE)
        (closed,) = coverage.observe("x", START + 2 * later * MIN_SILENCE)
        assert closed.version > opened.version
        told.append((opened.id, opened.version, closed.id, closed.version))
    assert told[0] == told[1]


def test_what_another_process_hears_prevents_or_ends_a_silence() -> None:
    coverage, other = speaking(), Coverage()
    later = START + 2 * MIN_SILENCE
    assert coverage.silent(later) == ["x"]
    other.observe("x", later - timedelta(minutes=2))
    other.observe("bluesky", later)
    assert coverage.hear([other]) == []
    assert (coverage.silent(later), coverage.advance(later)) == ([], [])
    assert coverage.sources.keys() == {"x"}
    coverage, other = away(), Coverage()
    other.observe("x", START + 3 * MIN_SILENCE)
    assert [alert.status for alert in coverage.hear([other])] == ["close"]
    assert coverage.hear([other]) == []


def test_a_source_that_is_gone_for_good_is_forgotten_and_its_alert_ends() -> None:
    coverage = away()
    assert coverage.advance(LAST + FORGOTTEN) == []
    (over,) = coverage.advance(LAST + FORGOTTEN + timedelta(seconds=1))
    assert over.status == "close"
    assert coverage.sources == {}
    # One that was gone before anybody listened is not told at all.
    unheard = speaking()
    assert (unheard.advance(LAST + 2 * FORGOTTEN), unheard.sources) == ([], {})


def test_with_partitions_their_kept_sources_come_and_the_newest_knows_best() -> None:
    older, newer = away(), away()
    assert msgspec.json.decode(msgspec.json.encode(older), type=Coverage) == older
    newer.observe("x", START + 3 * MIN_SILENCE)
    newer.observe("bluesky", START)
    for saved in ([older, newer], [newer, older]):
        coverage = Coverage()
        for one in saved:
            coverage.take_over(one)
        assert coverage == newer
        coverage.observe("x", START + 4 * MIN_SILENCE)
        assert newer.sources["x"].last == START + 3 * MIN_SILENCE


def silences(late: Callable[[float], timedelta] = lambda _: timedelta(0)) -> list[Silence]:
    """Of a source that speaks every six seconds, is away for an hour, and speaks again.

    ``late``: how long after a record's minute it was ingested.
    """
    listening = Listening()
    for number in range(2 * LEARNT):
        minutes = number / 10 + (60 if number >= 150 else 0)
        at = START + timedelta(minutes=minutes)
        listening.take(record(number, at, ingested_at=at + late(minutes)))
    return listening.silences(at + timedelta(hours=1))


def test_the_silences_of_the_past_are_told_with_their_ends() -> None:
    since, back = START + timedelta(minutes=14), START + timedelta(minutes=75)
    last = START + timedelta(minutes=79)
    assert silences() == [Silence("x", since, back), Silence("x", last, None)]
    # What was read from a file long afterwards is taken by its own time.
    of_file = silences(lambda minutes: timedelta(days=30) - timedelta(minutes=minutes))
    assert of_file[0].since == since


def test_sources_are_bounded_and_those_heard_longest_ago_are_dropped() -> None:
    coverage = away()
    told = []
    for number in range(2 * MAX_SOURCES):
        at = START + timedelta(hours=1, seconds=number)
        told += coverage.observe(f"site-{number}-{'x' * 10_000}", at)
    assert len(coverage.sources) == MAX_SOURCES
    assert [(alert.brand, alert.status) for alert in told] == [("source:x", "close")]
    assert next(iter(coverage.sources)).startswith(f"site-{MAX_SOURCES}-")
    coverage.take_over(speaking())
    assert len(coverage.sources) == MAX_SOURCES
    ledger = Ledger(coverage=coverage)
    (snapshot,) = ledger_snapshots(0, ledger, START)
    assert len(DETECTOR_STATE.encode(snapshot)) < 2**19


def test_a_partition_of_many_brands_has_a_ledger_of_several_messages() -> None:
    offsets = {f"brand-{number:060}": number + 2**40 for number in range(2 * MAX_OFFSETS + 1)}
    whole = Ledger(offsets=offsets, coverage=speaking(), newest=START)
    snapshots = list(ledger_snapshots(3, whole, START))
    assert len(snapshots) == len({snapshot.brand for snapshot in snapshots}) == 3
    encoded = [DETECTOR_STATE.encode(snapshot) for snapshot in snapshots]
    assert max(map(len, encoded)) < 2**20
    assert ledgers(encoded) == {3: whole}
    # Without the first of them the records of the partition are read again.
    assert ledgers(encoded[1:]) == {}


def test_time_goes_on_no_further_than_the_quickest_source_would_be_silent() -> None:
    assert Coverage().horizon() is None
    assert speaking(records=LEARNT // 2).horizon() is None
    assert speaking(timedelta(seconds=1)).horizon() == MIN_SILENCE
    slow = speaking(timedelta(minutes=5), 2 * LEARNT).horizon()
    assert slow is not None
    assert timedelta(minutes=90) < slow <= timedelta(minutes=100)


def test_a_saved_time_that_has_not_come_is_not_believed() -> None:
    saved = Coverage()
    saved.observe("x", START + timedelta(days=9000))
    coverage = Coverage()
    coverage.take_over(saved, START)
    assert coverage.sources["x"].last == START


def test_a_silence_is_a_record_that_is_told_again_while_it_lasts() -> None:
    """A kill between the alert and the record would hide it otherwise."""
    told: list[CoverageInterval] = []
    coverage, records = speaking(), BlindRecords(told.append)
    last = START + LEARNT * timedelta(seconds=1)
    now = last + MIN_SILENCE + timedelta(seconds=1)
    records.take(coverage.advance(now))
    for second in range(0, 200, 5):
        records.repeat(coverage, now + timedelta(seconds=second))
    assert len(told) == 1 + 4, "at once, and at 0, 60, 120 and 180 seconds"
    assert len({(one.id, one.version) for one in told}) == 1
    assert told[-1].told_at == now + 3 * TOLD_EVERY
    back = now + timedelta(seconds=300)
    records.take(coverage.observe("x", back))
    records.repeat(coverage, back + 2 * TOLD_EVERY)
    over = told[-1]
    assert (over.id, over.to, over.version) == (told[0].id, back, told[0].version + 1)
    assert all(COVERAGE.decode(COVERAGE.encode(one)) == one for one in told)


def test_alerts_of_brands_are_no_records_of_coverage() -> None:
    told: list[CoverageInterval] = []
    (alert,) = speaking().advance(START + timedelta(hours=3))
    BlindRecords(told.append).take([msgspec.structs.replace(alert, kind="crisis")])
    assert told == []
