"""What is retained of a topic is read between two offsets, and no further."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import pytest
from kafka.structs import TopicPartition

from runtime.kafka import ranges as retained
from runtime.kafka.client import READ_STALLED_AFTER_S
from runtime.kafka.ranges import Span, read_ranges, spans
from runtime.settings import KafkaSettings
from schemas.errors import ServiceUnavailable

SETTINGS = KafkaSettings(topic_prefix="t.")
FETCH = 7


class Record(NamedTuple):
    """As much of a consumer's record as is looked at."""

    partition: int
    offset: int


class FakeConsumer:
    """Partitions that hold offsets from ``firsts`` up to ``ends``; ``gives`` of them are served."""

    def __init__(
        self,
        firsts: dict[int, int],
        ends: dict[int, int],
        committed: dict[int, int] | None = None,
        gives: int = 10**6,
    ) -> None:
        self.now = 0.0
        self.closed = False
        self._firsts, self._ends, self._committed = firsts, ends, committed or {}
        self._at: dict[TopicPartition, int] = {}
        self._paused: set[TopicPartition] = set()
        self._gives = gives

    def beginning_offsets(self, tps: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        return {tp: self._firsts[tp.partition] for tp in tps}

    def end_offsets(self, tps: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        return {tp: self._ends[tp.partition] for tp in tps}

    def committed(self, tp: TopicPartition) -> int | None:
        return self._committed.get(tp.partition)

    def assign(self, tps: Sequence[TopicPartition]) -> None:
        self._at = dict.fromkeys(tps, 0)

    def seek(self, tp: TopicPartition, offset: int) -> None:
        assert tp.topic == "t.activity"
        self._at[tp] = offset

    def pause(self, *tps: TopicPartition) -> None:
        self._paused |= set(tps)

    def position(self, tp: TopicPartition, timeout_ms: int | None = None) -> int:
        assert timeout_ms, "it would wait for ever"
        return self._at[tp]

    def poll(self, timeout_ms: int) -> dict[TopicPartition, list[Record]]:
        self.now += timeout_ms / 1000
        found = {}
        for tp, at in self._at.items():
            end = min(at + FETCH, self._ends[tp.partition], at + self._gives)
            if tp not in self._paused and at < end:
                found[tp] = [Record(tp.partition, offset) for offset in range(at, end)]
                self._gives -= end - at
                self._at[tp] = end
        return found

    def close(self) -> None:
        self.closed = True


def use(monkeypatch: pytest.MonkeyPatch, consumer: FakeConsumer) -> FakeConsumer:
    monkeypatch.setattr(retained.kafka, "consumer", lambda *_: consumer)
    return consumer


def read(consumer: FakeConsumer, ranges: dict[int, tuple[int, int]]) -> list[Record]:
    given: Any = read_ranges(SETTINGS, "test", "activity", ranges, lambda: consumer.now)
    return list(given)


def test_each_partition_is_read_between_its_offsets(monkeypatch: pytest.MonkeyPatch) -> None:
    consumer = use(monkeypatch, FakeConsumer({0: 0, 1: 0, 2: 0}, {0: 100, 1: 100, 2: 9}))
    found = read(consumer, {0: (3, 31), 1: (95, 100), 2: (9, 9)})
    assert [one.offset for one in found if one.partition == 0] == list(range(3, 31))
    assert [one.offset for one in found if one.partition == 1] == list(range(95, 100))
    assert len(found) == 28 + 5
    assert consumer.closed


def test_a_kafka_that_gives_nothing_more_ends_the_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    consumer = use(monkeypatch, FakeConsumer({0: 0}, {0: 100}, gives=20))
    with pytest.raises(ServiceUnavailable, match=f"nothing for {READ_STALLED_AFTER_S:.0f} s"):
        read(consumer, {0: (0, 100)})
    assert consumer.closed


def test_a_group_stands_where_it_committed_or_at_what_is_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    firsts = dict.fromkeys(range(4), 10)
    ends = dict.fromkeys(range(4), 90)
    # Committed, expired since, of a topic before this one, and never.
    use(monkeypatch, FakeConsumer(firsts, ends, {0: 40, 1: 5, 2: 500}))
    found = spans(SETTINGS, "detector", "activity", range(4))
    assert [found[one].position for one in range(4)] == [40, 10, 10, 10]
    assert found[0] == Span(10, 40, 90)
