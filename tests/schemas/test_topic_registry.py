"""The topic registry agrees with the code that it speaks of."""

import pytest
import typer
import yaml

from processors.enrichment.batch import SERVICE as PROCESS
from runtime.kafka.client import MAX_MESSAGE_BYTES
from runtime.kafka.dead_letters import MAX_PAYLOAD_BYTES
from schemas import codec, generate
from schemas.topic_registry import CODECS, Topic, topics
from sinks.alerts.service import SERVICE as ALERTS
from sinks.elasticsearch.sink import SERVICE as SINK
from tocsin.cli.main import app

PLANNED = {"sink-alerts"}
"""Services of later versions: their topics exist already, so a cluster is set up once."""
each_topic = pytest.mark.parametrize("topic", topics().values(), ids=lambda topic: topic.name)


def _commands() -> set[str]:
    """Every command as a person types it, and as services are called ('sink elasticsearch')."""
    names: set[str] = set()
    pending = [((), typer.main.get_command(app))]
    while pending:
        path, command = pending.pop()
        names |= {" ".join(path), "-".join(path), f"tocsin {' '.join(path)}"}
        inner = getattr(command, "commands", {})
        pending += [((*path, name), child) for name, child in inner.items()]
    return names


@each_topic
def test_a_topic_is_what_its_file_is_called(topic: Topic) -> None:
    assert topics()[topic.name] is topic
    assert vars(codec)[topic.message] is CODECS[topic.name].type
    assert topic.description.endswith(".")


def test_there_is_no_file_without_a_codec() -> None:
    files = list((generate.FOLDER / "topics").glob("*.yaml"))
    assert {path.stem for path in files} == set(CODECS)
    assert all(yaml.safe_load(path.read_text())["name"] == path.stem for path in files)


@each_topic
def test_a_topic_is_kept_for_a_time_or_compacted_in_its_partitions(topic: Topic) -> None:
    configs = topic.configs()
    assert configs["cleanup.policy"] == topic.cleanup
    compacted = topic.cleanup == "compact"
    if compacted:
        assert "retention.ms" not in configs
    else:
        assert int(configs["retention.ms"]) == topic.retention_days * 24 * 3600 * 1000
    # A single partition only where order is needed over all.
    single = compacted and topic.name != "detector-state"
    assert topic.partitions == 1 if single else topic.partitions > 1


@each_topic
def test_a_record_outlives_its_time_by_a_segment_at_most(topic: Topic) -> None:
    configs = topic.configs()
    day_ms = 86_400_000
    assert 0 < int(configs["segment.ms"]) <= day_ms
    lag = int(configs.get("max.compaction.lag.ms", 0))
    kept = int(configs.get("retention.ms", lag))
    assert topic.kept_days == (kept + int(configs["segment.ms"])) / day_ms


def test_topics_are_kept_as_the_design_says() -> None:
    kept = {name: topic.retention_days or topic.cleanup for name, topic in topics().items()}
    assert kept == {
        "posts": 7,
        "mentions": 7,
        "activity": 2,
        "alerts": 29,
        "alert-deliveries": "compact",
        "dead-letters": 30,
        "checkpoints": "compact",
        "brands": "compact",
        "detector-state": "compact",
        "coverage": 35,
    }


@each_topic
def test_who_writes_and_reads_a_topic_exists(topic: Topic) -> None:
    known = _commands() | PLANNED
    assert set(topic.producers) <= known
    assert set(topic.consumers) <= known
    assert topic.producers and topic.consumers


def test_what_services_write_is_registered() -> None:
    assert PROCESS in topics()["mentions"].producers
    assert PROCESS in topics()["activity"].producers
    assert SINK in topics()["mentions"].consumers
    assert topics()["coverage"].producers == ["ingest", "detector"]
    assert topics()["coverage"].consumers == [SINK]
    assert set(topics()["dead-letters"].producers) == {"ingest", PROCESS, "detector", SINK, ALERTS}


def test_every_message_of_a_topic_fits_into_a_dead_letter() -> None:
    letters = topics()["dead-letters"]
    assert letters.max_message_bytes == MAX_MESSAGE_BYTES
    assert MAX_PAYLOAD_BYTES * 4 / 3 < MAX_MESSAGE_BYTES
    for topic in topics().values():
        if topic.name != letters.name:
            assert topic.max_message_bytes <= MAX_PAYLOAD_BYTES
