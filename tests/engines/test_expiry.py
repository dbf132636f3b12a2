"""Real Kafka deletes what was not read: it is counted, logged, and warned of before."""

import time
from contextlib import closing, suppress

import pytest
from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.structs import OffsetAndMetadata, TopicPartition

from runtime.kafka import client as kafka
from runtime.kafka.group_positions import KafkaStandings, Standing
from schemas.errors import TocsinError
from schemas.topic_registry import topics
from tests.engines.pipeline import FAST, Pipeline
from tests.engines.test_observability import get, samples
from tocsin.local.stack.ports import free_ports

pytestmark = pytest.mark.engines

DAY_S = 86_400


def written(pipeline: Pipeline, topic: str, count: int, days_ago: float = 0.0) -> TopicPartition:
    """Write messages of no meaning to the first partition of a topic."""
    tp = TopicPartition(pipeline.kafka.topic_prefix + topic, 0)
    at = int((time.time() - days_ago * DAY_S) * 1000)
    with pipeline.producer() as producer:
        for number in range(count):
            producer.send(tp.topic, partition=0, key=b"k", value=b"%d" % number, timestamp_ms=at)
    return tp


def commit(client: KafkaAdminClient, group: str, tp: TopicPartition, offset: int) -> None:
    client.alter_group_offsets(group, {tp: OffsetAndMetadata(offset, "", -1)})


def standing(pipeline: Pipeline, group: str, topic: str) -> Standing:
    with closing(KafkaStandings(pipeline.kafka, topic, [group])) as standings:
        return standings.read()[group]


@pytest.mark.parametrize(
    ("service", "topic", "group", "command"),
    [
        ("detector", "activity", "detector", ("detector",)),
        ("sink-elasticsearch", "mentions", "sink-elasticsearch", ("sink", "elasticsearch")),
        ("sink-alerts-index", "alerts", "sink-alerts-index", ("sink", "alerts")),
        ("process", "posts", "process", ("process",)),
    ],
)
def test_what_expired_before_the_start_is_counted_and_logged(
    pipeline: Pipeline, service: str, topic: str, group: str, command: tuple[str, ...]
) -> None:
    tp = written(pipeline, topic, 30)
    with kafka.admin(pipeline.kafka) as client:
        commit(client, pipeline.kafka.group_prefix + group, tp, 5)
        client.delete_records({tp: 20})
    assert standing(pipeline, group, topic).expired[0] == 15
    doctor = pipeline.tocsin("doctor", "--no-models")
    assert f"Kafka deleted 15 messages of {topic} before {group} read them" in doctor.stdout
    (port,) = free_ports(1)
    child = pipeline.start(service, *command, TOCSIN_MONITOR_PORT=str(port), **FAST)
    pipeline.wait(
        "the loss to be counted",
        lambda: samples(port).get("tocsin_expired_messages_total", 0) > 0,
    )
    assert f'service="{service}"' in get(port, "/metrics")[1]
    assert samples(port)["tocsin_expired_messages_total"] == 15
    assert "messages expired before they were read" in child.output()


def test_a_stopped_group_is_warned_of_before_kafka_deletes(pipeline: Pipeline) -> None:
    written(pipeline, "posts", 3, days_ago=5)
    found = standing(pipeline, "process", "posts")
    assert (found.total, found.members) == (3, 0)
    assert found.unread is not None and found.unread.retention is not None
    assert found.unread.age_s[0] == pytest.approx(5 * DAY_S, abs=60)
    assert found.unread.retention.seconds == 7 * DAY_S
    doctor = pipeline.tocsin("doctor", "--no-models")
    assert "the oldest message that process has not read is 120.0 hours old" in doctor.stdout
    assert doctor.returncode == 1
    assert "kafka disks: Kafka's fullest disk is" in doctor.stdout
    assert "ok   blocked indices: no index refuses writes" in doctor.stdout
    name = f"{pipeline.elasticsearch.index_prefix}mentions-2026.01"
    pipeline.client.indices.create(index=name)
    pipeline.client.indices.add_block(index=name, block="write")
    doctor = pipeline.tocsin("doctor", "--no-models")
    assert f"FAIL blocked indices: 1 refuse writes: {name} (write)" in doctor.stdout


def test_settings_that_others_made_are_told_refused_and_repaired(pipeline: Pipeline) -> None:
    prefix = pipeline.kafka.topic_prefix
    changed = {
        "checkpoints": {"cleanup.policy": "delete"},
        "posts": {"max.message.bytes": "1048588", "retention.ms": "3600000"},
    }
    with kafka.admin(pipeline.kafka) as client:
        client.alter_configs(
            [
                ConfigResource(ConfigResourceType.TOPIC, prefix + name, values)
                for name, values in changed.items()
            ]
        )
    told = pipeline.tocsin("topics", "setup")
    for name, values in changed.items():
        for setting in values:
            assert f"--entity-name {prefix}{name}" in told.stderr
            assert setting in told.stderr
    doctor = pipeline.tocsin("doctor", "--no-models")
    assert "checkpoints has cleanup.policy delete, which deletes state" in doctor.stdout
    refused = pipeline.tocsin("ingest", "generate", "--posts", "10")
    assert refused.returncode == 2
    assert "checkpoints has cleanup.policy delete" in refused.stderr
    assert pipeline.tocsin("topics", "setup", "--repair").returncode == 2, "it asks first"
    assert pipeline.tocsin("topics", "setup", "--repair", "--yes").returncode == 0
    assert "with the settings of the registry" in pipeline.tocsin("topics", "setup").stderr


def test_a_topic_that_is_made_anew_has_another_id(pipeline: Pipeline) -> None:
    written(pipeline, "posts", 3)
    name = pipeline.kafka.topic_prefix + "posts"
    with closing(KafkaStandings(pipeline.kafka, "posts", ["process"])) as standings:
        before = standings.read()["process"].topic_id
        with kafka.admin(pipeline.kafka) as client:
            client.delete_topics([name])
        pipeline.wait("the topic to be gone", lambda: name not in listed(pipeline))
        kafka.setup_topics(pipeline.kafka, topics().values())
        with kafka.admin(pipeline.kafka) as client:
            tp = TopicPartition(name, 0)
            commit(client, pipeline.kafka.group_prefix + "process", tp, 90)
        found: list[Standing] = []

        def read() -> bool:
            # The client's metadata are of the old topic for a moment.
            with suppress(TocsinError):
                found.append(standings.read()["process"])
            return bool(found) and found[-1].topic_id != before

        pipeline.wait("the new topic to be seen", read)
    assert before and found[-1].topic_id
    assert found[-1].beyond == {0: 90}


def listed(pipeline: Pipeline) -> list[str]:
    with kafka.admin(pipeline.kafka) as client:
        return list(client.list_topics())


def test_what_expires_in_a_partition_that_was_never_read_is_counted_too(pipeline: Pipeline) -> None:
    sink = pipeline.sink()
    pipeline.wait(
        "the group to have a position everywhere",
        lambda: len(standing(pipeline, "sink-elasticsearch", "mentions").committed) == 4,
    )
    sink.stop()
    tp = written(pipeline, "mentions", 30)
    with kafka.admin(pipeline.kafka) as client:
        client.delete_records({tp: 30})
    found = standing(pipeline, "sink-elasticsearch", "mentions")
    assert (found.expired[0], found.total) == (30, 0)
