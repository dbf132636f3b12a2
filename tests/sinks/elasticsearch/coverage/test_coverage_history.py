"""What the index is asked for a window, and what comes of it."""

from datetime import UTC, datetime, timedelta

import pytest
from elasticsearch import Elasticsearch as Client
from msgspec.structs import replace

from schemas.coverage import CoverageInterval
from sinks.elasticsearch.coverage.coverage_history import coverage_history, coverage_query
from sinks.elasticsearch.coverage.coverage_sink import operation_of
from sinks.elasticsearch.coverage.timeline import MAX_EXPECTED
from sinks.elasticsearch.writes.bulk import write
from tests.servers.elasticsearch import Document
from tests.servers.elasticsearch import ElasticsearchServer as Server
from tests.sinks.elasticsearch.coverage.test_coverage_sink import START, interval
from tests.sinks.elasticsearch.events import NAMES

M = timedelta(minutes=1)
NOW = START + timedelta(days=2)


def store(client: Client, *records: CoverageInterval) -> None:
    assert not write(client, [operation_of(record, NAMES) for record in records]).rejected
    client.indices.refresh(index=NAMES.coverage)


def spans(client: Client, begin: float, end: float, **options: object) -> list[tuple[str, int]]:
    """State and minutes of each stretch between two minutes."""
    history = coverage_history(
        client, NAMES, START + begin * M, START + end * M, NOW, **options,  # type: ignore[arg-type]
    )  # fmt: skip
    return [
        (one.state, round((one.until - one.since) / M))
        for line in history.timelines
        for one in line.stretches
    ]


def test_only_what_overlaps_the_window_is_read(server: Server, client: Client) -> None:
    inside, across = interval(30, version=10), interval(55, version=20)
    store(client, interval(0, version=5), inside, across, interval(90, version=5))
    assert spans(client, 20, 60) == [("gap", 10), ("gap", 5)]


def test_what_lasts_is_found_however_long_ago_it_began(server: Server, client: Client) -> None:
    away = replace(interval(0, state="away"), to=None, told_at=NOW - timedelta(days=1))
    store(client, away)
    assert spans(client, 1_000, 1_060) == [("away", 60)]
    too_old = replace(away, told_at=START - MAX_EXPECTED)
    server.documents[NAMES.coverage, away.id].source["told_at"] = too_old.told_at.isoformat()
    assert spans(client, 1_000, 1_060) == []


def test_one_source_or_part_can_be_asked_for(server: Server, client: Client) -> None:
    other = replace(interval(1), id="other", source="x")
    part = replace(interval(2), id="part", part="partition:1")
    store(client, interval(0), other, part)
    assert len(spans(client, 0, 60)) == 3
    assert len(spans(client, 0, 60, source="x")) == 1
    assert len(spans(client, 0, 60, source="bluesky", part="partition:1")) == 1


def test_more_than_the_limit_is_told(server: Server, client: Client) -> None:
    store(client, *(interval(number) for number in range(30)))
    window = START, START + 60 * M, NOW
    assert coverage_history(client, NAMES, *window, max_records=30).is_whole is False
    assert coverage_history(client, NAMES, *window, max_records=31).is_whole is True


def test_a_document_of_a_later_version_is_passed(server: Server, client: Client) -> None:
    store(client, interval(1))
    later = dict(server.documents[NAMES.coverage, interval(1).id].source, state="foggy", id="z")
    server.documents[NAMES.coverage, "z"] = Document(later, 1, visible=True)
    assert spans(client, 0, 60) == [("gap", 1)]


@pytest.mark.parametrize("since", [datetime(1, 1, 1, tzinfo=UTC), START])
def test_any_time_can_be_asked_for(since: datetime) -> None:
    query = coverage_query(since, datetime(9999, 12, 31, tzinfo=UTC))
    assert query["bool"]["filter"][0] == {"range": {"from": {"lt": "9999-12-31T00:00:00+00:00"}}}
