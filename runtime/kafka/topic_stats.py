"""What the cluster says about topics: partitions, records, bytes, retention, consumer lag.

Lag comes from Kafka's offsets, so it is true for all copies and restarts of a service.
"""

import contextlib
import socket
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from kafka import KafkaConsumer
from kafka.admin import ConfigResource
from kafka.errors import KafkaError
from kafka.structs import TopicPartition

from runtime.kafka import client as kafka
from runtime.kafka.group_positions import positions_of
from runtime.kafka.reader import partitions_of
from runtime.settings import KafkaSettings
from schemas.errors import ServiceUnavailable
from schemas.topic_registry import topics as all_topics

_LOOK_S: Final = 2.0
"""A broker takes a connection at once, or is away: the client would ask for ten seconds."""
_COMMITTED_BY = {"posts": "process", "mentions": "sink-elasticsearch"}
"""Topic to the consumer group whose lag on it counts."""


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


@dataclass(frozen=True)
class TopicLag:
    """Messages ever written, and not yet handled, by topic (without the prefix)."""

    written: dict[str, int] = field(default_factory=dict)
    lag: dict[str, int] = field(default_factory=dict)

    @property
    def idle(self) -> bool:
        return not any(self.lag.values())


class LagMeter:
    """Reads offsets over two connections of its own. A look is a few requests: not for a hot path.

    A look waits for Kafka as long as the client does: up to half a minute where Kafka is away.
    """

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        with kafka.kafka_errors(settings):
            self._consumer: KafkaConsumer = kafka.consumer(settings, "flow")
        self._resources = contextlib.ExitStack()
        self._resources.callback(self._consumer.close)
        try:
            self._admin = self._resources.enter_context(kafka.admin(settings))
        except BaseException:
            self._resources.close()
            raise

    def look(self) -> TopicLag:
        prefix = self._settings.topic_prefix
        with kafka.kafka_errors(self._settings):
            partitions = [
                tp for name in all_topics() for tp in partitions_of(self._consumer, prefix + name)
            ]
            if not partitions:
                raise ServiceUnavailable("there are no topics yet; run 'tocsin topics setup'")
            # Before the ends: what is written in between counts as lag, not the other way round.
            committed = self._committed()
            ends: dict[TopicPartition, int] = self._consumer.end_offsets(partitions)
            starts: dict[TopicPartition, int] = self._consumer.beginning_offsets(partitions)
        positions = positions_of(starts, ends, committed)
        written, lag = Counter[str](), Counter[str]()
        for tp, end in ends.items():
            name = tp.topic.removeprefix(prefix)
            written[name] += end
            if name in _COMMITTED_BY:
                # Expired records are not lag, committed or not.
                lag[name] += max(0, end - positions[tp])
        return TopicLag(written, lag)

    def _committed(self) -> dict[TopicPartition, int]:
        groups = [self._settings.group_prefix + group for group in _COMMITTED_BY.values()]
        committed: dict[TopicPartition, int] = {}
        for by_partition in self._admin.list_group_offsets(groups).values():
            committed |= {tp: entry.offset for tp, entry in by_partition.items()}
        return committed

    def close(self) -> None:
        self._resources.close()
