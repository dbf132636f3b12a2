"""Kafka as far as a worker of alerts speaks to it, in memory: topics, one group, commits.

A ``FakeKafka`` outlives its consumers, as the real one does, so that a test can let a worker die
and start another.
"""

from collections import defaultdict
from threading import Event
from types import SimpleNamespace
from typing import Any

from kafka.structs import TopicPartition


class Done:
    """A future that is fulfilled."""

    def get(self, timeout: float | None = None) -> None:
        return None


class FakeKafka:
    """The broker, and the producer in one."""

    def __init__(self) -> None:
        self.log: dict[str, list[Any]] = defaultdict(list)
        self.committed: dict[tuple[str, TopicPartition], int] = {}
        self.idle = Event()
        """Set when a consumer of a group found nothing more."""
        self.sent: list[str] = []
        self.on_send: Any = lambda topic: None

    def send(self, topic: str, *, key: bytes | None = None, value: bytes | None = None) -> Done:
        self.on_send(topic)
        self.sent.append(topic)
        offset = len(self.log[topic])
        self.log[topic].append(
            SimpleNamespace(
                topic=topic, partition=0, offset=offset, key=key, value=value, headers=()
            )
        )
        return Done()

    def consumer(self, group: str | None = None) -> "FakeConsumer":
        return FakeConsumer(self, group)


class FakeConsumer:
    """Reads partition 0 of one topic, from the committed offset of its group."""

    def __init__(self, kafka: FakeKafka, group: str | None) -> None:
        self._kafka = kafka
        self._group = group
        self._at: TopicPartition | None = None
        self._position = 0
        self._paused: set[TopicPartition] = set()
        self.closed = False

    def subscribe(self, topics: list[str]) -> None:
        (topic,) = topics
        self.assign([TopicPartition(topic, 0)])
        self._position = self._kafka.committed.get((self._group or "", self._tp), 0)

    def assign(self, partitions: list[TopicPartition]) -> None:
        (self._at,) = partitions
        self._position = 0

    def partitions_for_topic(self, topic: str) -> set[int]:
        return {0}

    @property
    def _tp(self) -> TopicPartition:
        assert self._at is not None
        return self._at

    def seek_to_beginning(self, *partitions: TopicPartition) -> None:
        self._position = 0

    def poll(self, timeout_ms: int = 0, max_records: int | None = None) -> dict[Any, list[Any]]:
        if self._tp in self._paused:
            return {}
        records = self._kafka.log[self._tp.topic][self._position :]
        self._position += len(records)
        if not records and self._group is not None:
            self._kafka.idle.set()
            Event().wait(0.001)
        return {self._tp: records} if records else {}

    def commit(self, offsets: dict[TopicPartition, Any]) -> None:
        for tp, entry in offsets.items():
            self._kafka.committed[self._group or "", tp] = entry.offset

    def assignment(self) -> set[TopicPartition]:
        return {self._tp}

    def pause(self, *partitions: TopicPartition) -> None:
        self._paused |= set(partitions)

    def resume(self, *partitions: TopicPartition) -> None:
        self._paused -= set(partitions)

    def paused(self) -> set[TopicPartition]:
        return set(self._paused)

    def end_offsets(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        return {tp: len(self._kafka.log[tp.topic]) for tp in partitions}

    def highwater(self, tp: TopicPartition) -> int:
        return len(self._kafka.log[tp.topic])

    def position(self, tp: TopicPartition, timeout_ms: int | None = None) -> int:
        return self._position

    def close(self) -> None:
        self.closed = True
