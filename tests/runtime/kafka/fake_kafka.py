"""Kafka in memory, with the methods of kafka-python that tocsin uses.

A ``FakeKafka`` outlives its consumers, so a test can end one and start another. Its clock moves
``poll_s`` at each poll of a consumer without a group.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from threading import Event
from typing import Any, NamedTuple

from kafka.structs import TopicPartition


class FakeRecord(NamedTuple):
    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = ()
    timestamp: int = 1_767_323_045_000
    """2026-01-02T03:04:05Z"""


class Done:
    def get(self, timeout: float | None = None) -> None:
        return None


class FakeKafka:
    """The broker, and its producer."""

    def __init__(self, partitions: int = 1, retained_from: int = 0) -> None:
        self.partitions = range(partitions)
        self.retained_from = retained_from
        """The offset of the oldest record in every partition."""
        self.log: dict[str, list[FakeRecord]] = defaultdict(list)
        self.committed: dict[tuple[str, TopicPartition], int] = {}
        self.idle = Event()
        """Set when a consumer of a group has read everything."""
        self.on_send: Callable[[str], None] = lambda topic: None
        self.on_poll: Callable[[], None] = lambda: None
        self.on_end_offsets: Callable[[], None] = lambda: None
        """A fault raises in them."""
        self.polls: Iterator[int] | None = None
        """Records of each poll, then none; None: all records."""
        self.now = 0.0
        self.poll_s = 0.5

    def send(
        self,
        topic: str,
        *,
        key: bytes | None = None,
        value: bytes | None = None,
        headers: Sequence[tuple[str, bytes]] = (),
        partition: int = 0,
    ) -> Done:
        self.on_send(topic)
        offset = self.end(TopicPartition(topic, partition))
        self.log[topic].append(FakeRecord(topic, partition, offset, key, value, headers))
        return Done()

    def fill(self, topic: str, *counts: int) -> "FakeKafka":
        """Send so many records to each partition, numbered from 0."""
        for partition, count in enumerate(counts):
            for number in range(count):
                self.send(topic, key=b"k", value=b"%d" % number, partition=partition)
        return self

    def close(self, timeout: float | None = None) -> None:
        return None

    def records(self, tp: TopicPartition) -> list[FakeRecord]:
        return [record for record in self.log[tp.topic] if record.partition == tp.partition]

    def end(self, tp: TopicPartition) -> int:
        return max([self.retained_from, *(record.offset + 1 for record in self.records(tp))])

    def expire(self, tp: TopicPartition, *offsets: int) -> None:
        """Delete records, as Kafka does with old ones, and a transaction with its markers."""
        kept = [record for record in self.log[tp.topic] if record.partition != tp.partition]
        kept += [record for record in self.records(tp) if record.offset not in offsets]
        self.log[tp.topic] = kept

    def consumer(self, group: str | None = None) -> "FakeConsumer":
        return FakeConsumer(self, group)


class FakeConsumer:
    """Reads its assigned partitions; a group has one member, with all of them."""

    def __init__(self, kafka: FakeKafka, group: str | None) -> None:
        self._kafka = kafka
        self._group = group
        self._positions: dict[TopicPartition, int | None] = {}
        self._paused: set[TopicPartition] = set()
        self.listener: Any = None
        self.closed = False

    def subscribe(self, topics: list[str], *, listener: Any = None) -> None:
        self.listener = listener
        for topic in topics:
            for number in self._kafka.partitions:
                self.receive(TopicPartition(topic, number))

    def receive(self, tp: TopicPartition) -> None:
        """A rebalance assigns the partition to this consumer."""
        self._positions[tp] = self._kafka.committed.get((self._group or "", tp))

    def lose(self, tp: TopicPartition) -> None:
        """A rebalance assigns the partition to another consumer."""
        if self.listener is not None:
            self.listener.on_partitions_revoked([tp])
        del self._positions[tp]
        self._paused.discard(tp)

    def keep(self, tp: TopicPartition) -> None:
        """A rebalance revokes the partition and gives it back; the client keeps its position."""
        self.listener.on_partitions_revoked([tp])

    def assign(self, partitions: Iterable[TopicPartition]) -> None:
        self._positions = dict.fromkeys(partitions)

    def assignment(self) -> set[TopicPartition]:
        return set(self._positions)

    def partitions_for_topic(self, topic: str) -> set[int]:
        return set(self._kafka.partitions)

    def seek_to_beginning(self, *partitions: TopicPartition) -> None:
        self._positions |= dict.fromkeys(partitions)

    def seek(self, tp: TopicPartition, offset: int) -> None:
        if tp not in self._positions:
            raise ValueError("Unassigned partition")
        self._positions[tp] = offset

    def poll(
        self, timeout_ms: int = 0, max_records: int | None = None
    ) -> dict[TopicPartition, list[FakeRecord]]:
        self._kafka.on_poll()
        if self._group is None:
            assert self._kafka.now < 10_000, "it never gave up"
            self._kafka.now += self._kafka.poll_s
        left = len(self._positions) * 10**6 if max_records is None else max_records
        if self._kafka.polls is not None:
            left = min(left, next(self._kafka.polls, 0))
        polled = {}
        for tp in self._positions.keys() - self._paused:
            first = self._positions[tp] or self._kafka.retained_from
            records = [record for record in self._kafka.records(tp) if record.offset >= first]
            records = records[:left]
            left -= len(records)
            self._positions[tp] = records[-1].offset + 1 if records else first
            if records:
                polled[tp] = records
        if not polled and not self._paused:
            if self._group is not None:
                self._kafka.idle.set()
            Event().wait(0.001)
        return polled

    def commit(self, offsets: dict[TopicPartition, Any], timeout_ms: int | None = None) -> None:
        assert timeout_ms, "it would wait for ever"
        for tp, entry in offsets.items():
            self._kafka.committed[self._group or "", tp] = entry.offset

    def committed(self, tp: TopicPartition, *, timeout_ms: int | None = None) -> int | None:
        assert timeout_ms, "it would wait for ever"
        return self._kafka.committed.get((self._group or "", tp))

    def pause(self, *partitions: TopicPartition) -> None:
        self._paused |= set(partitions)

    def resume(self, *partitions: TopicPartition) -> None:
        self._paused -= set(partitions)

    def paused(self) -> set[TopicPartition]:
        return set(self._paused)

    def beginning_offsets(
        self, partitions: Sequence[TopicPartition], timeout_ms: int | None = None
    ) -> dict[TopicPartition, int]:
        return dict.fromkeys(partitions, self._kafka.retained_from)

    def end_offsets(
        self, partitions: Sequence[TopicPartition], timeout_ms: int | None = None
    ) -> dict[TopicPartition, int]:
        self._kafka.on_end_offsets()
        return {tp: self._kafka.end(tp) for tp in partitions}

    def highwater(self, tp: TopicPartition) -> int:
        return self._kafka.end(tp)

    def position(self, tp: TopicPartition, timeout_ms: int | None = None) -> int | None:
        assert timeout_ms, "it would wait for ever"
        return self._positions[tp]

    def close(self, timeout_ms: int | None = None) -> None:
        self.closed = True
