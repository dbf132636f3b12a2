"""Records of coverage in their index: once each, in their newest state; mentions never wait."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from elasticsearch import Elasticsearch as Client
from kafka.structs import TopicPartition
from msgspec.structs import replace
from prometheus_client import REGISTRY

from runtime.health import Health
from runtime.settings import ElasticsearchSettings, SinkSettings
from schemas.codec import COVERAGE, DEAD_LETTER
from schemas.coverage import CoverageInterval, CoverageState, interval_id
from schemas.errors import BrakeTripped, ServiceUnavailable
from sinks.elasticsearch.coverage.coverage_sink import GROUP, CoverageSink, CoverageThread
from sinks.elasticsearch.indices.mappings import templates
from sinks.elasticsearch.retention import purge_coverage
from tests.make import AT
from tests.runtime.kafka.fake_kafka import FakeKafka
from tests.servers.elasticsearch import ElasticsearchServer as Server
from tests.servers.elasticsearch import Failure, Items
from tests.sinks.elasticsearch.events import NAMES
from tests.sinks.elasticsearch.sink_rig import WatchedConsumer

TOPIC = "t.coverage"
ZERO = TopicPartition(TOPIC, 0)
START = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
MAX_POLLS = 2_000


def interval(
    number: int = 0, version: int = 1, state: CoverageState = "gap", told_at: datetime = START
) -> CoverageInterval:
    begin = START + timedelta(minutes=number)
    return CoverageInterval(
        id=interval_id("ingest", state, "bluesky", "", begin),
        version=version,
        source="bluesky",
        state=state,
        why="unrepeated",
        told_by="ingest",
        told_at=told_at,
        from_=begin,
        to=begin + timedelta(minutes=version),
    )


def send(kafka: FakeKafka, *records: CoverageInterval | bytes) -> None:
    for record in records:
        value = record if isinstance(record, bytes) else COVERAGE.encode(record)
        kafka.send(TOPIC, key=b"key", value=value)


def sink(
    kafka: FakeKafka,
    server: Server,
    client: Client,
    health: Health,
    on_poll: Callable[[], None] = lambda: None,
) -> CoverageSink:
    consumer = WatchedConsumer(kafka, GROUP)
    consumer.on_poll = on_poll
    server.templates = server.templates or templates(ElasticsearchSettings())
    return CoverageSink(
        consumer,
        kafka,
        client,
        names=NAMES,
        topic_prefix="t.",
        settings=SinkSettings(retry_first_s=0.001, retry_max_s=0.002, batch_within_s=0.001),
        health=health,
        clock=lambda: AT,
    )


def run(kafka: FakeKafka, server: Server, client: Client) -> Health:
    """Run a sink until it has committed all; returns its health."""
    stop, polls, health = threading.Event(), iter(range(MAX_POLLS)), Health("sink-elasticsearch")

    def on_poll() -> None:
        next(polls)
        if kafka.committed.get((GROUP, ZERO), 0) == kafka.end(ZERO):
            stop.set()

    sink(kafka, server, client, health, on_poll).run(stop)
    return health


def items(result: str) -> float:
    labels = {"sink": "coverage", "result": result}
    return REGISTRY.get_sample_value("tocsin_sink_items_total", labels) or 0


@pytest.fixture
def kafka() -> FakeKafka:
    return FakeKafka()


def test_an_interval_is_one_document_in_its_newest_state(
    kafka: FakeKafka, server: Server, client: Client
) -> None:
    send(kafka, interval(1, 2), interval(1, 1), interval(2), interval(1, 3))
    run(kafka, server, client)
    found = server.sources(NAMES.coverage)
    assert found.keys() == {interval(1).id, interval(2).id}
    stored = found[interval(1).id]
    assert (stored["version"], stored["from"], stored["to"]) == (
        3, "2026-03-02T09:31:00Z", "2026-03-02T09:34:00Z",
    )  # fmt: skip


def test_a_replay_changes_nothing_and_an_older_state_does_not_come_back(
    kafka: FakeKafka, server: Server, client: Client
) -> None:
    send(kafka, interval(1, 3))
    run(kafka, server, client)
    before = server.sources(NAMES.coverage)
    superseded = items("superseded")
    send(kafka, interval(1, 2), interval(1, 3))
    run(kafka, server, client)
    send(kafka, interval(1, 1))
    run(kafka, server, client)
    assert server.sources(NAMES.coverage) == before
    assert items("superseded") - superseded == 2


def test_what_is_no_record_is_a_dead_letter_and_the_others_are_stored(
    kafka: FakeKafka, server: Server, client: Client
) -> None:
    named = COVERAGE.encode(interval(3)).replace(b'"source":"bluesky"', b'"part":"jane"')
    send(kafka, interval(1), b"{", named, interval(2))
    server.faults = [Items({interval(2).id: (400, "mapper_parsing_exception", "no date")})]
    run(kafka, server, client)
    assert server.sources(NAMES.coverage).keys() == {interval(1).id}
    letters = [DEAD_LETTER.decode(r.value or b"") for r in kafka.log["t.dead-letters"]]
    reasons = [letter.reason for letter in letters]
    assert reasons == ["invalid_json", "invalid_message", "index_rejected"]
    assert {letter.service for letter in letters} == {"sink-elasticsearch"}


@pytest.mark.parametrize("fault", [Failure(503), Failure(429)])
def test_a_busy_cluster_is_asked_again(
    kafka: FakeKafka, server: Server, client: Client, fault: Failure
) -> None:
    server.faults = [fault, fault]
    send(kafka, interval(1))
    health = run(kafka, server, client)
    assert server.answered_faults == ["Failure", "Failure"]
    assert interval(1).id in server.sources(NAMES.coverage)
    assert "coverage" not in health.ready()[1], "it takes writes again"


def test_old_records_are_purged(kafka: FakeKafka, server: Server, client: Client) -> None:
    now = START + timedelta(days=401)
    young = interval(2, told_at=now - timedelta(days=2))
    send(kafka, interval(1), young)
    run(kafka, server, client)
    assert purge_coverage(client, NAMES, now, keep_days=400) == 1
    assert server.sources(NAMES.coverage).keys() == {young.id}


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.005)


def test_a_sink_of_coverage_that_fails_is_started_again_and_the_process_stays_ready(
    kafka: FakeKafka, server: Server, client: Client
) -> None:
    health, opened = Health("sink-elasticsearch"), list[int]()
    health.clear("start")

    def open_sink() -> CoverageSink:
        opened.append(1)
        if len(opened) < 3:
            raise ServiceUnavailable("Kafka is away")
        return sink(kafka, server, client, health)

    thread = CoverageThread(open_sink, health, restart_first_s=0.001)
    send(kafka, interval(1))
    thread.start()
    until(lambda: bool(server.sources(NAMES.coverage)))
    thread.stop(5)
    assert len(opened) == 3
    assert health.ready()[0]


def test_one_that_needs_a_person_is_told_and_stays_ended() -> None:
    health, opened = Health("sink-elasticsearch"), list[int]()
    health.clear("start")

    def open_sink() -> CoverageSink:
        opened.append(1)
        raise BrakeTripped("too many dead letters")

    thread = CoverageThread(open_sink, health, restart_first_s=0.001)
    thread.start()
    until(lambda: "too many dead letters" in health.ready()[1])
    thread.stop(5)
    assert opened == [1]
    assert health.ready()[0], "mentions are written all the same"


def test_the_document_has_no_field_that_the_mapping_lacks() -> None:
    properties = templates(ElasticsearchSettings())[NAMES.coverage]["template"]["mappings"]
    whole = replace(interval(1), part="partition:1", made_up_at=START, lost=3, detail="why")
    written = COVERAGE.encode(whole)
    assert set(COVERAGE.decode(written).__struct_encode_fields__) == set(properties["properties"])
