"""Reads a topic from one offset to another, or to its current end, without a commit.

A read may take any time as a whole. It fails after ``READ_STALLED_AFTER_S`` seconds without a
record.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Final, NamedTuple

from kafka.errors import KafkaTimeoutError
from kafka.structs import TopicPartition

from runtime.kafka import client as kafka
from runtime.kafka.protocols import Consumer, StoredRecord
from runtime.settings import KafkaSettings
from schemas.errors import ConfigurationError

READ_STALLED_AFTER_S = 30.0

Monotonic = Callable[[], float]


def read_until(
    consumer: Consumer,
    ends: Mapping[TopicPartition, int],
    monotonic: Monotonic = time.monotonic,
) -> Iterator[StoredRecord]:
    """Yield records until the consumer has reached the end offset of each partition.

    Records past an end are yielded too: the caller can read on from the consumer's position.
    Raises :class:`kafka.errors.KafkaTimeoutError`.
    """
    unread = _unread(consumer, ends)
    moved_at = monotonic()
    while unread:
        for records in consumer.poll(timeout_ms=500).values():
            yield from records
        before, unread = unread, _unread(consumer, {tp: ends[tp] for tp in unread})
        # Records past the end of one partition must not delay the others.
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
    """The positions in the partitions that are not yet at their ends."""
    positions = {tp: consumer.position(tp, timeout_ms=1_000) for tp in ends}
    return {tp: offset for tp, offset in positions.items() if (offset or 0) < ends[tp]}


def partitions_of(consumer: Consumer, topic: str) -> list[TopicPartition]:
    """The partitions of ``topic`` (with its prefix), in order; empty if the topic is missing."""
    numbers = consumer.partitions_for_topic(topic) or ()
    return [TopicPartition(topic, number) for number in sorted(numbers)]


def assign_all(consumer: Consumer, topic: str) -> list[TopicPartition]:
    """Assign all partitions of ``topic`` (with its prefix), from the beginning; returns them."""
    assigned = partitions_of(consumer, topic)
    if not assigned:
        raise ConfigurationError(f"topic {topic} does not exist; run 'tocsin topics setup'")
    consumer.assign(assigned)
    consumer.seek_to_beginning(*assigned)
    return assigned


def read_to_end(
    consumer: Consumer, topic: str, monotonic: Monotonic = time.monotonic
) -> Iterator[StoredRecord]:
    """Yield the records of ``topic`` (with its prefix) up to its current end."""
    assigned = assign_all(consumer, topic)
    yield from read_until(consumer, consumer.end_offsets(assigned), monotonic)


def read_topic(settings: KafkaSettings, client_id: str, topic: str) -> Iterator[StoredRecord]:
    """Every record of ``topic`` (without the prefix) up to its current end."""
    with kafka.open_consumer(settings, client_id) as consumer:
        yield from read_to_end(consumer, settings.topic_prefix + topic)


def latest_values(settings: KafkaSettings, client_id: str, topic: str) -> dict[bytes, bytes]:
    """The last value of each key of a compacted topic; a null value deletes its key."""
    values: dict[bytes, bytes] = {}
    for record in read_topic(settings, client_id, topic):
        if record.value is None:
            values.pop(record.key or b"", None)
        else:
            values[record.key or b""] = record.value
    return values


def partition_numbers(settings: KafkaSettings, topic: str) -> list[int]:
    """The partitions of a topic (without the prefix)."""
    with kafka.open_consumer(settings, "retained") as consumer:
        return [tp.partition for tp in partitions_of(consumer, settings.topic_prefix + topic)]


def with_messages(settings: KafkaSettings, topic: str, partitions: Iterable[int]) -> list[int]:
    """The partitions (of a topic with its prefix) that hold records that have not expired."""
    assigned = [TopicPartition(topic, partition) for partition in partitions]
    with kafka.open_consumer(settings, "watchdog") as consumer:
        starts, ends = consumer.beginning_offsets(assigned), consumer.end_offsets(assigned)
    return [tp.partition for tp in assigned if starts[tp] < ends[tp]]


class Span(NamedTuple):
    """Offsets of one partition, from its oldest record to its end."""

    first: int
    position: int
    """The group's resume position: its committed offset, or ``first`` if that has expired."""
    end: int


def spans(
    settings: KafkaSettings, group: str, topic: str, partitions: Iterable[int]
) -> dict[int, Span]:
    """Where a group stands in partitions of a topic (both without their prefixes)."""
    name = settings.topic_prefix + topic
    assigned = [TopicPartition(name, partition) for partition in sorted(partitions)]
    if not assigned:
        return {}
    with kafka.open_consumer(settings, group, group) as consumer:
        firsts, ends = consumer.beginning_offsets(assigned), consumer.end_offsets(assigned)
        by_partition = {}
        for tp in assigned:
            committed = consumer.committed(tp, timeout_ms=int(kafka.BOOTSTRAP_S * 1000))
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
) -> Iterator[StoredRecord]:
    """The records of a topic between two offsets of each partition, the second one excluded.

    The records of a partition come in order. Raises :class:`schemas.errors.ServiceUnavailable` when
    Kafka stalls.
    """
    name = settings.topic_prefix + topic
    ends = {
        TopicPartition(name, number): end for number, (first, end) in ranges.items() if first < end
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


TAIL_CHECK_S: Final = 2.0
"""Interval between two questions whether Kafka answers: a poll of a dead broker is just empty."""
TAIL_ANSWER_S: Final = 3.0


class TopicTail:
    """Follows topics from their present end, in no group, so nothing is committed.

    It opens its consumer at the first poll, and again after a failure, then at the offsets where it
    was. Not thread-safe.
    """

    def __init__(
        self,
        settings: KafkaSettings,
        client_id: str,
        names: Sequence[str],
        monotonic: Monotonic = time.monotonic,
    ) -> None:
        """``names``: topics without their prefix."""
        self._settings = settings
        self._client_id = client_id
        self._topics = [settings.topic_prefix + name for name in names]
        self._monotonic = monotonic
        self._consumer: Consumer | None = None
        self._next: dict[TopicPartition, int] = {}
        self._checked_at = 0.0

    def poll(self, timeout_s: float, most: int = 500) -> list[StoredRecord]:
        """New records, in the order of each partition; empty after ``timeout_s``.

        Raises :class:`schemas.errors.ServiceUnavailable` when Kafka does not answer, and
        :class:`ConfigurationError` when a topic is missing.
        """
        with kafka.kafka_errors(self._settings):
            consumer = self._consumer or self._opened()
            polled = consumer.poll(timeout_ms=int(timeout_s * 1000), max_records=most)
            now = self._monotonic()
            if not polled and now - self._checked_at > TAIL_CHECK_S:
                self._checked_at = now
                consumer.end_offsets(list(self._next), timeout_ms=int(TAIL_ANSWER_S * 1000))
        records = list(chain.from_iterable(polled.values()))
        for record in records:
            self._next[TopicPartition(record.topic, record.partition)] = record.offset + 1
        return records

    def _opened(self) -> Consumer:
        consumer: Consumer = kafka.consumer(
            self._settings, self._client_id, auto_offset_reset="latest", fetch_max_wait_ms=250
        )
        try:
            assigned = [tp for topic in self._topics for tp in self._partitions(consumer, topic)]
            consumer.assign(assigned)
            wait_ms = int(TAIL_ANSWER_S * 1000)
            ends = consumer.end_offsets(assigned, timeout_ms=wait_ms)
            firsts = consumer.beginning_offsets(assigned, timeout_ms=wait_ms)
            for tp in assigned:
                position = self._next.get(tp, ends[tp])
                # A topic that was made anew is read from its start; so is one with expired records.
                self._next[tp] = position if firsts[tp] <= position <= ends[tp] else firsts[tp]
                consumer.seek(tp, self._next[tp])
        except BaseException:
            consumer.close()
            raise
        self._consumer = consumer
        return consumer

    def _partitions(self, consumer: Consumer, topic: str) -> list[TopicPartition]:
        if found := partitions_of(consumer, topic):
            return found
        raise ConfigurationError(f"topic {topic} does not exist; run 'tocsin topics setup'")

    def close(self) -> None:
        """Close the connection; the next poll opens it again where it was."""
        if self._consumer is not None:
            self._consumer.close()
            self._consumer = None
