"""Types of the Kafka objects in use: kafka-python has none, and the tests have fakes."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

from kafka.structs import OffsetAndMetadata, TopicPartition


class Record(Protocol):
    """A record as a consumer returns it; ``topic`` has the prefix."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: object
    """Pairs of name and value, a mapping, or None: clients differ."""


class StoredRecord(Record, Protocol):
    """A record that was read from Kafka."""

    timestamp: int
    """When it was written, in milliseconds since 1970."""


class OutgoingRecord(NamedTuple):
    """A record to write; ``topic`` has the prefix. A null value deletes the key."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = ()


class Delivery(Protocol):
    """The future of a sent record; ``get`` raises unless Kafka acknowledges it."""

    def get(self, timeout: float | None = None) -> object: ...


class Producer(Protocol):
    def send(
        self,
        topic: str,
        *,
        key: bytes | None = None,
        value: bytes | None = None,
        headers: Sequence[tuple[str, bytes]] | None = None,
    ) -> Delivery: ...


class Consumer(Protocol):
    def subscribe(self, topics: list[str], *, listener: object) -> None: ...
    def assign(self, partitions: list[TopicPartition]) -> None: ...
    def assignment(self) -> set[TopicPartition]: ...
    def partitions_for_topic(self, topic: str) -> set[int] | None: ...
    def poll(
        self, timeout_ms: int, max_records: int | None = None
    ) -> Mapping[TopicPartition, Sequence[StoredRecord]]: ...
    def pause(self, *partitions: TopicPartition) -> None: ...
    def paused(self) -> Iterable[TopicPartition]: ...
    def resume(self, *partitions: TopicPartition) -> None: ...
    def commit(self, offsets: dict[TopicPartition, OffsetAndMetadata], timeout_ms: int) -> None: ...
    def committed(self, partition: TopicPartition, *, timeout_ms: int) -> int | None: ...
    def seek(self, partition: TopicPartition, offset: int) -> None: ...
    def seek_to_beginning(self, *partitions: TopicPartition) -> None: ...
    def position(self, partition: TopicPartition, timeout_ms: int) -> int | None: ...
    def highwater(self, partition: TopicPartition) -> int | None: ...
    def beginning_offsets(
        self, partitions: list[TopicPartition], timeout_ms: int = ...
    ) -> dict[TopicPartition, int]: ...
    def end_offsets(
        self, partitions: list[TopicPartition], timeout_ms: int = ...
    ) -> dict[TopicPartition, int]: ...
    def close(self, *, timeout_ms: int = ...) -> None: ...
