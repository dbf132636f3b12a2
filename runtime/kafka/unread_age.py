"""How near the oldest unread messages of a group are to their deletion by Kafka.

Kafka deletes by age (``retention.ms``) and by size (``retention.bytes``), read or not. The age is
that of the record at the group's position, and the limits are those of the topic itself. Both are
read from Kafka, so they are also known for groups without members.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Protocol

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import KafkaError
from kafka.structs import TopicPartition

from runtime.clock import Clock, utc_now
from runtime.kafka.protocols import Consumer

NEAR = 0.5
"""The share of a retention at which unread messages are told as near their deletion."""
_LOOK_S = 4.0
"""Bounds one look at the records of all partitions; what did not answer is looked at next time."""

Monotonic = Callable[[], float]


@dataclass(frozen=True)
class Retention:
    """What a topic keeps; None: without that limit."""

    seconds: float | None = None
    bytes: int | None = None


@dataclass(frozen=True)
class Unread:
    """The oldest unread messages of one group on one topic."""

    age_s: Mapping[int, float] = field(default_factory=lambda: MappingProxyType({}))
    """Partition to the age of its oldest unread record; 0 where nothing waits."""
    bytes_share: Mapping[int, float] = field(default_factory=lambda: MappingProxyType({}))
    """Partition to unread bytes by ``retention.bytes``; empty where the topic has no such limit."""
    retention: Retention | None = Retention()
    """None if this user may not read the topic's settings."""

    @property
    def nearness(self) -> float:
        """0: all is read, or the limits are unknown; 1: Kafka deletes what was not read."""
        by_size = max(self.bytes_share.values(), default=0.0)
        if self.retention is None or self.retention.seconds is None:
            return by_size
        oldest = max(self.age_s.values(), default=0.0)
        return max(by_size, oldest / max(1.0, self.retention.seconds))


class SeekingConsumer(Consumer, Protocol):
    def seek(self, partition: TopicPartition, offset: int) -> None: ...


def retention_of(values: Mapping[str, str | None]) -> Retention:
    """The limits in a topic's settings; a compacted topic keeps the last record of each key."""
    if "delete" not in (values.get("cleanup.policy") or "delete"):
        return Retention()
    kept, size = (_number(values.get(name)) for name in ("retention.ms", "retention.bytes"))
    return Retention(None if kept is None else kept / 1000, size)


def _number(value: str | None) -> int | None:
    """A setting as a number; None for a missing or negative one, which is no limit."""
    try:
        number = int(value or "")
    except ValueError:
        return None
    return None if number < 0 else number


def read_retention(admin: KafkaAdminClient, topic: str) -> Retention | None:
    """The limits of a topic (with its prefix); None if this user may not read them."""
    wanted = [ConfigResource(ConfigResourceType.TOPIC, topic)]
    try:
        answer = admin.describe_configs(wanted, config_filter="all")
    except KafkaError:
        return None
    entries: Mapping[str, Mapping[str, Any]] = answer.get("topic", {}).get(topic, {})
    return retention_of({name: entry.get("value") for name, entry in entries.items()})


def read_sizes(admin: KafkaAdminClient, topic: str) -> dict[int, int]:
    """Partition to the bytes of its largest replica; empty if this user may not read them."""
    sizes: dict[int, int] = {}
    try:
        brokers = admin.describe_log_dirs([topic])
    except KafkaError:
        return {}
    for broker in brokers:
        for folder in broker["log_dirs"]:
            for found in folder["topics"]:
                for partition in found["partitions"] if found["name"] == topic else ():
                    number, size = partition["partition_index"], partition["partition_size"]
                    sizes[number] = max(size, sizes.get(number, 0))
    return sizes


def written_at(
    consumer: SeekingConsumer,
    positions: Mapping[TopicPartition, int],
    monotonic: Monotonic = time.monotonic,
) -> dict[TopicPartition, int]:
    """When the first record from each position on was written, milliseconds since 1970.

    The consumer is assigned these partitions; one without a record in time is left out.
    """
    found: dict[TopicPartition, int] = {}
    if not positions:
        return found
    consumer.assign(list(positions))
    for tp, offset in positions.items():
        consumer.seek(tp, offset)
    deadline = monotonic() + _LOOK_S
    while len(found) < len(positions) and monotonic() < deadline:
        for tp, records in consumer.poll(timeout_ms=200, max_records=100).items():
            for record in records:
                found.setdefault(tp, record.timestamp)
            consumer.pause(tp)
    consumer.assign([])
    return found


class UnreadReader:
    """Reads the age of what groups have not read, over the clients of its caller."""

    def __init__(self, topic: str, *, clock: Clock = utc_now) -> None:
        self._topic = topic
        self._clock = clock

    def read(
        self,
        consumer: SeekingConsumer,
        admin: KafkaAdminClient,
        starts: Mapping[TopicPartition, int],
        ends: Mapping[TopicPartition, int],
        groups: Iterable[Mapping[TopicPartition, int]],
    ) -> list[Unread]:
        """In the order of ``groups``, each the positions of one."""
        retention = read_retention(admin, self._topic)
        by_size = retention is not None and retention.bytes is not None
        sizes = read_sizes(admin, self._topic) if by_size else {}
        times: dict[tuple[TopicPartition, int], int] = {}
        answers = []
        for positions in groups:
            waiting = {tp: at for tp, at in positions.items() if at < ends[tp]}
            new = {tp: at for tp, at in waiting.items() if (tp, at) not in times}
            times |= {(tp, new[tp]): at for tp, at in written_at(consumer, new).items()}
            known = {tp: times[tp, at] for tp, at in waiting.items() if (tp, at) in times}
            answers.append(
                Unread(
                    age_s=self._ages(positions, waiting, known),
                    bytes_share=_shares(retention, sizes, starts, ends, positions),
                    retention=retention,
                )
            )
        return answers

    def _ages(
        self,
        positions: Iterable[TopicPartition],
        waiting: Mapping[TopicPartition, int],
        known: Mapping[TopicPartition, int],
    ) -> dict[int, float]:
        now_ms = self._clock().timestamp() * 1000
        ages = {tp.partition: 0.0 for tp in positions if tp not in waiting}
        # A producer's clock may be ahead of ours.
        return ages | {tp.partition: max(0.0, now_ms - at) / 1000 for tp, at in known.items()}


def _shares(
    retention: Retention | None,
    sizes: Mapping[int, int],
    starts: Mapping[TopicPartition, int],
    ends: Mapping[TopicPartition, int],
    positions: Mapping[TopicPartition, int],
) -> dict[int, float]:
    """Unread bytes by ``retention.bytes``, as if all records were of one size."""
    if retention is None or not retention.bytes or not sizes:
        return {}
    shares = {}
    for tp, at in positions.items():
        unread = max(0, ends[tp] - at) / max(1, ends[tp] - starts[tp])
        shares[tp.partition] = unread * sizes.get(tp.partition, 0) / retention.bytes
    return shares
