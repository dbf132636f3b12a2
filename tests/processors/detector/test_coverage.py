"""Silence of a source that always speaks is told; silence of one that rarely does is not."""

from datetime import timedelta

import msgspec

from processors.detector.coverage import (
    FORGOTTEN,
    LEARNT,
    MIN_SILENCE,
    Coverage,
    Listening,
    Silence,
)
from schemas.activity import Activity
from tests.processors.detector.storms import START, record


def speaking(coverage: Coverage, source: str, records: int, every: timedelta) -> None:
    for number in range(records):
        assert coverage.observe(source, START + number * every) == []


def test_a_chatty_source_that_is_silent_is_away_and_said_once() -> None:
    coverage = Coverage()
    speaking(coverage, "x", LEARNT + 1, timedelta(seconds=2))
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


def test_a_source_that_rarely_speaks_is_not_away() -> None:
    coverage = Coverage()
    speaking(coverage, "forum", 2 * LEARNT, timedelta(minutes=10))
    assert coverage.advance(START + timedelta(days=30)) == []


def test_a_new_source_is_not_known_yet() -> None:
    coverage = Coverage()
    speaking(coverage, "x", LEARNT // 2, timedelta(seconds=1))
    assert coverage.advance(START + timedelta(days=1)) == []


def test_other_sources_do_not_count_for_it() -> None:
    coverage = Coverage()
    speaking(coverage, "x", LEARNT + 1, timedelta(seconds=1))
    speaking(coverage, "bluesky", 5 * LEARNT, timedelta(seconds=60))
    now = START + 5 * LEARNT * timedelta(seconds=60)
    assert [alert.brand for alert in coverage.advance(now)] == ["source:x"]


def test_it_can_be_kept() -> None:
    coverage = Coverage()
    speaking(coverage, "x", LEARNT + 1, timedelta(seconds=1))
    kept = msgspec.json.decode(msgspec.json.encode(coverage), type=Coverage)
    assert kept == coverage


def away(source: str = "x") -> Coverage:
    """A source that is silent since its last record, and called away."""
    coverage = Coverage()
    speaking(coverage, source, LEARNT + 1, timedelta(seconds=1))
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
    one, two = Coverage(), Coverage()
    speaking(one, "x", LEARNT + 1, timedelta(seconds=1))
    speaking(two, "x", LEARNT + 1, timedelta(seconds=1))
    opened = [c.advance(START + n * MIN_SILENCE)[0] for n, c in ((2, one), (3, two))]
    closed = [c.observe("x", START + n * MIN_SILENCE)[0] for n, c in ((4, one), (5, two))]
    assert len({(alert.id, alert.version) for alert in opened}) == 1
    assert len({(alert.id, alert.version) for alert in closed}) == 1
    assert closed[0].version > opened[0].version


def test_what_another_process_hears_keeps_a_source_from_being_away() -> None:
    coverage, other = Coverage(), Coverage()
    speaking(coverage, "x", LEARNT + 1, timedelta(seconds=1))
    later = START + 2 * MIN_SILENCE
    assert coverage.silent(later) == ["x"]
    other.observe("x", later - timedelta(minutes=2))
    other.observe("bluesky", later)
    assert coverage.hear([other]) == []
    assert (coverage.silent(later), coverage.advance(later)) == ([], [])
    assert coverage.sources.keys() == {"x"}


def test_what_another_process_hears_ends_a_silence() -> None:
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


def test_a_source_that_was_gone_for_good_before_anybody_listened_is_not_told() -> None:
    coverage = Coverage()
    speaking(coverage, "x", LEARNT + 1, timedelta(seconds=1))
    later = LAST + 2 * FORGOTTEN
    assert (coverage.advance(later), coverage.sources) == ([], {})


def test_with_partitions_their_sources_come_and_the_newest_knows_best() -> None:
    older, newer = away(), away()
    newer.observe("x", START + 3 * MIN_SILENCE)
    newer.observe("bluesky", START)
    for saved in ([older, newer], [newer, older]):
        coverage = Coverage()
        for one in saved:
            coverage.take_over(one)
        assert coverage == newer
        coverage.observe("x", START + 4 * MIN_SILENCE)
        assert newer.sources["x"].last == START + 3 * MIN_SILENCE


def heard(number: int, minutes: float, after: timedelta = timedelta(0)) -> Activity:
    at = START + timedelta(minutes=minutes)
    return record(number, at, ingested_at=at + after)


def silences(records: list[Activity]) -> list[Silence]:
    listening = Listening()
    for one in records:
        listening.take(one)
    return listening.silences(records[-1].at + timedelta(hours=1))


def test_the_silences_of_the_past_are_told_with_their_ends() -> None:
    minutes = [number / 10 for number in range(2 * LEARNT)]
    records = [heard(at, m + (60 if m >= 15 else 0)) for at, m in enumerate(minutes)]
    since, back = START + timedelta(minutes=14), START + timedelta(minutes=75)
    last = START + timedelta(minutes=79)
    assert silences(records) == [Silence("x", since, back), Silence("x", last, None)]


def test_what_was_read_from_a_file_long_afterwards_is_taken_by_its_own_time() -> None:
    minutes = [number / 10 for number in range(2 * LEARNT)]
    late = timedelta(days=30)
    records = [
        heard(at, m + (60 if m >= 15 else 0), late - timedelta(minutes=m))
        for at, m in enumerate(minutes)
    ]
    assert [one.since for one in silences(records)][:1] == [START + timedelta(minutes=14)]
