"""What a consumer has read of each partition and not committed yet. No input and no output.

An offset may be committed once every record before it is handled and none of them is held. A
partition that is taken away is forgotten, also if it comes back at once. The client keeps the
position of such a partition, so its consumer has to go back to the first forgotten record.
"""

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from kafka import ConsumerRebalanceListener
from kafka.structs import TopicPartition

from runtime.kafka.protocols import Record


@dataclass(frozen=True, eq=False, slots=True)
class Hold:
    """Keeps the offset of one record, and all later ones of its partition, from being committed."""

    tp: TopicPartition
    offset: int


def partition_of(record: Record) -> TopicPartition:
    return TopicPartition(record.topic, record.partition)


class Uncommitted(ConsumerRebalanceListener):  # type: ignore[misc]
    """One thread uses it, but the client may report a rebalance from a thread of its own."""

    def __init__(self) -> None:
        self._first: dict[TopicPartition, int] = {}
        """The lowest offset that was read and is not committed."""
        self._next: dict[TopicPartition, int] = {}
        """The offset after the last handled record, until it is committed."""
        self._holds: dict[TopicPartition, set[Hold]] = {}
        self._revoked: deque[TopicPartition] = deque()
        self.positions: dict[TopicPartition, int] = {}
        """The offset after the last record that was read, or where reading began."""

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        self._revoked.extend(revoked)

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Nothing is known of a partition before its first record."""

    def forget_revoked(self) -> dict[TopicPartition, int | None]:
        """Forget the partitions that were taken away since the last call.

        Returns them with the lowest offset that was read and not committed, None without one.
        """
        moved: dict[TopicPartition, int | None] = {}
        while self._revoked:
            tp = self._revoked.popleft()
            first = self._first.pop(tp, None)
            moved[tp] = moved.get(tp) if first is None else first
            for known in (self._next, self._holds, self.positions):
                known.pop(tp, None)
        return moved

    def read(self, tp: TopicPartition, records: Sequence[Record]) -> Iterator[tuple[int, int]]:
        """Take the next records of a partition.

        Yields the offsets that were skipped: the first of them, and the one after the last.
        """
        if not records:
            return
        self._first.setdefault(tp, records[0].offset)
        position = self.positions.get(tp, records[0].offset)
        if records[-1].offset + 1 - position != len(records):
            for record in records:
                if record.offset > position:
                    yield position, record.offset
                position = record.offset + 1
        self.positions[tp] = records[-1].offset + 1

    def handled(self, records: Iterable[Record]) -> None:
        """Take records that are in the store, or in dead-letters, unless they are held."""
        for record in records:
            self._next[partition_of(record)] = record.offset + 1

    def hold(self, record: Record) -> Hold:
        hold = Hold(partition_of(record), record.offset)
        self._holds.setdefault(hold.tp, set()).add(hold)
        return hold

    def is_held(self, hold: Hold) -> bool:
        """Whether it still holds: its partition has not been taken away since."""
        return hold in self._holds.get(hold.tp, ())

    def release(self, hold: Hold) -> None:
        """End a hold; one of a partition that was taken away has ended already."""
        holds = self._holds.get(hold.tp, set())
        holds.discard(hold)
        if not holds:
            self._holds.pop(hold.tp, None)

    def held(self) -> int:
        """The number of holds."""
        return sum(map(len, self._holds.values()))

    def to_commit(self, assignment: Collection[TopicPartition]) -> dict[TopicPartition, int]:
        """The offset to commit by partition, where it is further than the last one."""
        offsets = {}
        for tp, handled in self._next.items():
            offset = min([handled, *(hold.offset for hold in self._holds.get(tp, ()))])
            if tp in assignment and offset > self._first.get(tp, offset):
                offsets[tp] = offset
        return offsets

    def committed(self, offsets: dict[TopicPartition, int]) -> None:
        for tp, offset in offsets.items():
            if tp in self._first:
                self._first[tp] = offset
            if self._next.get(tp) == offset:
                del self._next[tp]

    def first(self, tp: TopicPartition) -> int | None:
        """The offset that a new owner would begin at; None if nothing has been read."""
        return self._first.get(tp)
