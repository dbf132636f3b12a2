"""What the cluster says about topics: partitions, records, bytes, retention."""

import contextlib
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from kafka.admin import ConfigResource
from kafka.errors import KafkaError
from kafka.structs import TopicPartition

from runtime.kafka import client as kafka
from runtime.settings import KafkaSettings

_LOOK_S: Final = 2.0
"""A broker takes a connection at once, or is away: the client would ask for ten seconds."""


@dataclass(frozen=True, slots=True)
class TopicStats:
    """``records``: offsets from the oldest record to the end, so compaction may leave fewer;
    ``size``: bytes on all brokers; None where the cluster does not say. ``retention_ms``: None if
    records are kept for good."""

    partitions: int
    records: int | None = None
    size: int | None = None
    retention_ms: int | None = None
    compacted: bool = False


def is_reachable(settings: KafkaSettings) -> bool:
    """Whether any of the bootstrap servers takes a connection now."""
    for server in settings.bootstrap_servers.split(","):
        host, _, port = server.strip().rpartition(":")
        with contextlib.suppress(OSError, ValueError):
            socket.create_connection((host.strip("[]"), int(port)), _LOOK_S).close()
            return True
    return False


def topic_stats(settings: KafkaSettings, names: Iterable[str]) -> dict[str, TopicStats]:
    """By name (without the prefix), the topics of ``names`` that exist.

    Raises :class:`schemas.errors.ServiceUnavailable`.
    """
    with kafka.admin(settings) as admin:
        present = set(admin.list_topics())
        full = {settings.topic_prefix + name: name for name in names}
        full = {topic: name for topic, name in full.items() if topic in present}
        if not full:
            return {}
        configs, sizes = _configs(admin, full), _sizes(admin, full)
    records = _records(settings, full)
    return {
        name: TopicStats(
            partitions=records[topic][0],
            records=records[topic][1],
            size=sizes.get(topic),
            retention_ms=_retention(configs.get(topic, {})),
            compacted="compact" in configs.get(topic, {}).get("cleanup.policy", ""),
        )
        for topic, name in full.items()
    }


def _records(settings: KafkaSettings, topics: Iterable[str]) -> dict[str, tuple[int, int]]:
    """Partitions and records by topic."""
    with kafka.open_consumer(settings, "topics") as consumer:
        assigned = {
            topic: [
                TopicPartition(topic, number)
                for number in sorted(consumer.partitions_for_topic(topic) or ())
            ]
            for topic in topics
        }
        every = [tp for partitions in assigned.values() for tp in partitions]
        firsts, ends = consumer.beginning_offsets(every), consumer.end_offsets(every)
    return {
        topic: (len(partitions), sum(ends[tp] - firsts[tp] for tp in partitions))
        for topic, partitions in assigned.items()
    }


def _configs(admin: Any, topics: Iterable[str]) -> Mapping[str, Mapping[str, str]]:
    """The configuration by topic; empty if this user may not read it."""
    wanted = [ConfigResource("TOPIC", topic) for topic in topics]
    try:
        answer = admin.describe_configs(wanted, config_filter="all")
    except KafkaError:
        return {}
    return {
        topic: {name: str(entry.get("value")) for name, entry in entries.items()}
        for topic, entries in answer.get("topic", {}).items()
    }


def _retention(configs: Mapping[str, str]) -> int | None:
    value = configs.get("retention.ms", "")
    return int(value) if value.isdigit() else None


def _sizes(admin: Any, topics: Iterable[str]) -> dict[str, int]:
    """Bytes by topic over all brokers; empty if this user may not read them."""
    sizes: dict[str, int] = {}
    try:
        brokers = admin.describe_log_dirs(list(topics))
    except KafkaError:
        return {}
    for broker in brokers:
        for folder in broker["log_dirs"]:
            for topic in folder["topics"]:
                size = sum(partition["partition_size"] for partition in topic["partitions"])
                sizes[topic["name"]] = sizes.get(topic["name"], 0) + size
    return sizes
