"""Silence of a source that always speaks is told; silence of one that rarely does is not."""

from datetime import timedelta

import msgspec

from processors.crisis.coverage import LEARNT, LEAST, Coverage
from tests.crisis.storms import START


def speaking(coverage: Coverage, source: str, records: int, every: timedelta) -> None:
    for number in range(records):
        assert coverage.observe(source, START + number * every) == []


def test_a_chatty_source_that_is_silent_is_away_and_said_once() -> None:
    coverage = Coverage()
    speaking(coverage, "x", LEARNT + 1, timedelta(seconds=2))
    last = START + LEARNT * timedelta(seconds=2)
    assert coverage.advance(last + LEAST) == []
    (alert,) = coverage.advance(last + LEAST + timedelta(seconds=1))
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
