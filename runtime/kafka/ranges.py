"""What a topic still holds of the records that a consumer group has behind it."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from kafka import KafkaConsumer
from kafka.errors import KafkaTimeoutError
from kafka.structs import TopicPartition

from runtime.kafka import client as kafka
from runtime.settings import KafkaSettings


class Span(NamedTuple):
    """Offsets of one partition."""

    first: int
    """Of the oldest record that is retained."""
    position: int
    """Where the group goes on: what it has committed; ``first`` where that is none of these."""
    end: int


def partitions_of(settings: KafkaSettings, topic: str) -> list[int]:
    """The partitions of a topic (named without the prefix)."""
    with kafka.kafka_errors(settings):
        client = kafka.consumer(settings, "retained")
        try:
            return sorted(client.partitions_for_topic(settings.topic_prefix + topic) or ())
        finally:
            client.close()


def spans(
    settings: KafkaSettings, group: str, topic: str, partitions: Iterable[int]
) -> dict[int, Span]:
    """Where a group stands in partitions of a topic (both named without their prefixes)."""
    assigned = [TopicPartition(settings.topic_prefix + topic, one) for one in sorted(partitions)]
    if not assigned:
        return {}
    with kafka.kafka_errors(settings):
        client = kafka.consumer(settings, group, group)
        try:
            firsts, ends = client.beginning_offsets(assigned), client.end_offsets(assigned)
            found = {}
            for tp in assigned:
                committed = client.committed(tp)
                first, end = firsts[tp], ends[tp]
                known = committed is not None and first <= committed <= end
                found[tp.partition] = Span(first, committed if known else first, end)
            return found
        finally:
            client.close()


def read_ranges(
    settings: KafkaSettings,
    client_id: str,
    topic: str,
    ranges: Mapping[int, tuple[int, int]],
    monotonic: Callable[[], float] = time.monotonic,
) -> Iterator[Any]:
    """The records of a topic from the first up to the second offset, without it, by partition.

    A partition's come in order, a fetch at a time. Raises
    :class:`schemas.errors.ServiceUnavailable` where Kafka gives nothing for
    ``kafka.READ_STALLED_AFTER_S`` seconds.
    """
    name = settings.topic_prefix + topic
    ends = {TopicPartition(name, one): end for one, (first, end) in ranges.items() if first < end}
    if not ends:
        return
    with kafka.kafka_errors(settings):
        client = kafka.consumer(settings, client_id)
        try:
            client.assign(list(ends))
            for tp in ends:
                client.seek(tp, ranges[tp.partition][0])
            yield from _up_to(client, ends, monotonic)
        finally:
            client.close()


def _up_to(
    client: KafkaConsumer, ends: dict[TopicPartition, int], monotonic: Callable[[], float]
) -> Iterator[Any]:
    left = set(ends)
    moved = monotonic()
    while left:
        polled = client.poll(timeout_ms=500)
        for tp, records in polled.items():
            yield from (record for record in records if record.offset < ends[tp])
        done = {tp for tp in left if (client.position(tp, timeout_ms=1_000) or 0) >= ends[tp]}
        if done:
            left -= done
            client.pause(*done)
        if polled or done:
            moved = monotonic()
        elif monotonic() - moved > kafka.READ_STALLED_AFTER_S:
            raise KafkaTimeoutError(f"gave nothing for {kafka.READ_STALLED_AFTER_S:.0f} s")
