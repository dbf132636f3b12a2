"""Reading a topic to its end, with a Kafka that goes away in the middle."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from kafka.errors import KafkaTimeoutError
from kafka.structs import TopicPartition

from runtime.kafka.client import READ_STALLED_AFTER_S, read_to_end

PARTITION = TopicPartition("t", 0)


class FakeConsumer:
    """One partition: each poll takes ``seconds`` and gives as many records as ``polls`` says."""

    def __init__(self, end: int, polls: Sequence[int], seconds: float) -> None:
        self.now = 0.0
        self._at: int | None = None
        self._end, self._polls, self._seconds = end, iter(polls), seconds

    def partitions_for_topic(self, topic: str) -> set[int]:
        return {0}

    def assign(self, partitions: Sequence[TopicPartition]) -> None:
        assert partitions == [PARTITION]

    def seek_to_beginning(self, *partitions: TopicPartition) -> None:
        pass

    def end_offsets(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        return {PARTITION: self._end}

    def position(self, partition: TopicPartition, timeout_ms: int | None = None) -> int | None:
        assert timeout_ms, "it would wait for ever"
        return self._at

    def poll(self, timeout_ms: int) -> dict[TopicPartition, list[int]]:
        assert self.now < 10_000, "it never gave up"
        self.now += self._seconds
        begin, given = self._at or 0, next(self._polls, 0)
        self._at = begin + given
        return {PARTITION: list(range(begin, self._at))} if given else {}


def read(consumer: FakeConsumer, taken: Callable[[Any], None]) -> None:
    for record in read_to_end(consumer, "t", lambda: consumer.now):
        taken(record)


def test_a_kafka_that_goes_away_ends_the_reading() -> None:
    records: list[int] = []
    consumer = FakeConsumer(end=10, polls=[3, 4], seconds=0.5)
    with pytest.raises(KafkaTimeoutError, match="t gave nothing for 30 s"):
        read(consumer, records.append)
    assert records == list(range(7))


def test_a_slow_kafka_is_waited_for() -> None:
    records: list[int] = []
    # Ten times as long as is waited for, but never so long without a record.
    read(FakeConsumer(10, [0, 1] * 10, READ_STALLED_AFTER_S / 2), records.append)
    assert records == list(range(10))


def test_a_slow_reader_is_not_kafka_being_away() -> None:
    consumer = FakeConsumer(2, [1, 0, 1], 0.5)
    records: list[int] = []

    def slowly(record: int) -> None:
        records.append(record)
        consumer.now += 10 * READ_STALLED_AFTER_S

    read(consumer, slowly)
    assert records == [0, 1]
