"""The embedded stack: what it carries, and where it differs from the real servers.

The differences are tested too: a test here fails when a new version of the wheel fixes one.
"""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import pytest
from elasticsearch import Elasticsearch
from kafka import KafkaConsumer, TopicPartition

from tests.tocsin.local.stack.records import create_topic, produce, quiet
from tocsin.local.stack import Endpoints, StackError, open_stack

pytest.importorskip("noida_db", reason="the embedded extra is not installed")
pytestmark = pytest.mark.embedded


@pytest.fixture(scope="module")
def endpoints(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoints]:
    stack = open_stack("embedded", tmp_path_factory.mktemp("embedded"))
    yield stack.start(quiet)
    stack.stop()


@pytest.fixture
def client(endpoints: Endpoints) -> Iterator[Elasticsearch]:
    with Elasticsearch(endpoints.elasticsearch) as client:
        yield client


def test_a_group_reads_and_resumes_where_it_committed(endpoints: Endpoints) -> None:
    topic = create_topic(endpoints.kafka)
    produce(endpoints.kafka, topic, [b"1", b"2", b"x" * 2_000_000])
    consumer = KafkaConsumer(
        topic,
        bootstrap_servers=endpoints.kafka,
        group_id=topic,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    got = [next(consumer) for _ in range(3)]
    assert [len(message.value) for message in got] == [1, 1, 2_000_000]
    consumer.commit()
    assert consumer.committed(TopicPartition(topic, 0)) == 3
    consumer.close()


def test_a_member_that_leaves_hands_over(endpoints: Endpoints) -> None:
    topic = create_topic(endpoints.kafka)
    produce(endpoints.kafka, topic, [b"1"])
    settings = {"bootstrap_servers": endpoints.kafka, "group_id": topic}
    with closing(KafkaConsumer(topic, **settings, auto_offset_reset="earliest")) as first:
        assert next(first).value == b"1"
        first.commit()
    with closing(KafkaConsumer(topic, **settings)) as second:
        second.poll(timeout_ms=2000)
        assert second.assignment() == {TopicPartition(topic, 0)}


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


def test_fields_outside_the_mapping_are_searchable_unlike_in_the_engines(
    client: Elasticsearch,
) -> None:
    name = f"test{uuid4().hex}"
    client.indices.create(index=name, mappings={"dynamic": False, "properties": {}})
    client.index(index=name, document={"unmapped": "x"}, refresh=True)
    assert client.count(index=name, query={"exists": {"field": "unmapped"}})["count"] == 1


def test_stop_and_start_keep_data_and_address(tmp_path: Path) -> None:
    stack = open_stack("embedded", tmp_path)
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
        consumer = KafkaConsumer(bootstrap_servers=endpoints.kafka)
        assert consumer.end_offsets([TopicPartition("kept", 0)]) == {TopicPartition("kept", 0): 1}
        consumer.close()
    finally:
        stack.stop()
