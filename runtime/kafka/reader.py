"""Reading a topic from one offset to another: to its end as it is now, or what a group has read.

Nothing here commits. A read ends with an error where Kafka gives nothing for
``READ_STALLED_AFTER_S`` seconds, however long it takes as a whole.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from kafka.errors import KafkaTimeoutError
from kafka.structs import TopicPartition

from runtime.kafka import client as kafka
from runtime.kafka.protocols import Consumer, Record
from runtime.settings import KafkaSettings
from schemas.errors import ConfigurationError

READ_STALLED_AFTER_S = 30.0

Monotonic = Callable[[], float]
"""A clock in seconds that never goes back."""


def read_until(
    consumer: Consumer,
    ends: Mapping[TopicPartition, int],
    monotonic: Monotonic = time.monotonic,
) -> Iterator[Record]:
    """Yield records until the consumer is at the end offset of each of its partitions, or past it.

    A poll may give records past an end. They are yielded too, so that a caller can read on from
    where this one stopped. Raises :class:`kafka.errors.KafkaTimeoutError`.
    """
    unread = _unread(consumer, ends)
    moved_at = monotonic()
    while unread:
        for records in consumer.poll(timeout_ms=500).values():
            yield from records
        before, unread = unread, _unread(consumer, {tp: ends[tp] for tp in unread})
        # What is behind the end of one partition must not delay the others.
        consumer.pause(*(before.keys() - unread.keys()))
        if unread != before:
            moved_at = monotonic()
        elif monotonic() - moved_at > READ_STALLED_AFTER_S:
            topic = next(iter(unread)).topic
            raise KafkaTimeoutError(f"{topic} gave nothing for {READ_STALLED_AFTER_S:.0f} s")
    consumer.resume(*consumer.paused())


def _unread(
    consumer: Consumer, ends: Mapping[TopicPartition, int]
) -> dict[TopicPartition, int | None]:
    """The positions in the partitions that are not read to their ends."""
    positions = {tp: consumer.position(tp, timeout_ms=1_000) for tp in ends}
    return {tp: offset for tp, offset in positions.items() if (offset or 0) < ends[tp]}


def partitions_of(consumer: Consumer, topic: str) -> list[TopicPartition]:
    """The partitions of ``topic`` (with its prefix), in order; none if there is no such topic."""
    return [
        TopicPartition(topic, number)
        for number in sorted(consumer.partitions_for_topic(topic) or ())
    ]


def assign_all(consumer: Consumer, topic: str) -> list[TopicPartition]:
    """Assign every partition of ``topic`` (with its prefix), from its beginning; returns them.

    Raises :class:`ConfigurationError` if there is no such topic.
    """
    assigned = partitions_of(consumer, topic)
    if not assigned:
        raise ConfigurationError(f"topic {topic} does not exist; run 'tocsin topics setup'")
    consumer.assign(assigned)
    consumer.seek_to_beginning(*assigned)
    return assigned


def read_to_end(
    consumer: Consumer, topic: str, monotonic: Monotonic = time.monotonic
) -> Iterator[Record]:
    """Yield the records of ``topic`` (with its prefix) up to its end as it is now."""
    assigned = assign_all(consumer, topic)
    yield from read_until(consumer, consumer.end_offsets(assigned), monotonic)


def read_topic(settings: KafkaSettings, client_id: str, topic: str) -> Iterator[Record]:
    """Every record of ``topic`` (named without the prefix) up to its end as it is now."""
    with kafka.open_consumer(settings, client_id) as consumer:
        yield from read_to_end(consumer, settings.topic_prefix + topic)


def latest_values(settings: KafkaSettings, client_id: str, topic: str) -> dict[bytes, bytes]:
    """The state of a compacted topic: the last value of each key; a null value deletes a key."""
    values: dict[bytes, bytes] = {}
    for record in read_topic(settings, client_id, topic):
        key = record.key or b""
        if record.value is None:
            values.pop(key, None)
        else:
            values[key] = record.value
    return values


def partition_numbers(settings: KafkaSettings, topic: str) -> list[int]:
    """The partitions of a topic (named without the prefix)."""
    with kafka.open_consumer(settings, "retained") as consumer:
        return [tp.partition for tp in partitions_of(consumer, settings.topic_prefix + topic)]


def with_messages(settings: KafkaSettings, topic: str, partitions: Iterable[int]) -> list[int]:
    """Those of the partitions that hold records now; expired ones cannot be read any more."""
    assigned = [TopicPartition(topic, partition) for partition in partitions]
    with kafka.open_consumer(settings, "watchdog") as consumer:
        starts, ends = consumer.beginning_offsets(assigned), consumer.end_offsets(assigned)
    return [tp.partition for tp in assigned if starts[tp] < ends[tp]]


class Span(NamedTuple):
    """Offsets of one partition."""

    first: int
    """Of the oldest record that is retained."""
    position: int
    """Where the group goes on: what it has committed; ``first`` where that is none of these."""
    end: int


def spans(
    settings: KafkaSettings, group: str, topic: str, partitions: Iterable[int]
) -> dict[int, Span]:
    """Where a group stands in partitions of a topic (both named without their prefixes)."""
    assigned = [
        TopicPartition(settings.topic_prefix + topic, partition) for partition in sorted(partitions)
    ]
    if not assigned:
        return {}
    with kafka.open_consumer(settings, group, group) as consumer:
        firsts, ends = consumer.beginning_offsets(assigned), consumer.end_offsets(assigned)
        by_partition = {}
        for tp in assigned:
            committed = consumer.committed(tp)
            first, end = firsts[tp], ends[tp]
            retained = committed is not None and first <= committed <= end
            by_partition[tp.partition] = Span(first, committed if retained else first, end)
        return by_partition


def read_ranges(
    settings: KafkaSettings,
    client_id: str,
    topic: str,
    ranges: Mapping[int, tuple[int, int]],
    monotonic: Monotonic = time.monotonic,
) -> Iterator[Record]:
    """The records of a topic from the first up to the second offset, without it, by partition.

    A partition's come in order, a fetch at a time. Raises
    :class:`schemas.errors.ServiceUnavailable` where Kafka gives nothing any more.
    """
    name = settings.topic_prefix + topic
    ends = {
        TopicPartition(name, partition): end
        for partition, (first, end) in ranges.items()
        if first < end
    }
    if not ends:
        return
    with kafka.open_consumer(settings, client_id) as consumer:
        consumer.assign(list(ends))
        for tp in ends:
            consumer.seek(tp, ranges[tp.partition][0])
        for record in read_until(consumer, ends, monotonic):
            if record.offset < ends[record.topic, record.partition]:
                yield record
