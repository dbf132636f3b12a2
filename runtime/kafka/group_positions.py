"""Where consumer groups stand on a topic, read from Kafka and not from a consumer.

A consumer knows only the partitions that it holds. Lag has to be known for every partition also
when nobody holds it, and a consumer without partitions has to know whether it is a standby.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Protocol

from kafka import KafkaAdminClient, KafkaConsumer
from kafka.structs import OffsetAndMetadata, TopicPartition

from runtime.kafka import client as kafka
from runtime.kafka.reader import partitions_of
from runtime.kafka.unread_age import Unread, UnreadReader
from runtime.settings import KafkaSettings


@dataclass(frozen=True)
class Standing:
    """One group on one topic."""

    lag: Mapping[int, int] = field(default_factory=lambda: MappingProxyType({}))
    """Messages to handle by partition, every partition of the topic."""
    expired: Mapping[int, int] = field(default_factory=lambda: MappingProxyType({}))
    """Partition to the messages after the committed offset that Kafka has deleted."""
    members: int = 0
    owners: Mapping[int, str] = field(default_factory=lambda: MappingProxyType({}))
    """Partition to the member that holds it; empty while the group moves partitions."""
    state: str = "unknown"
    """The group's state, in Kafka's words: Stable, PreparingRebalance, Empty, …"""
    committed: Mapping[int, int] = field(default_factory=lambda: MappingProxyType({}))
    """Partition to the committed offset, where there is one."""
    starts: Mapping[int, int] = field(default_factory=lambda: MappingProxyType({}))
    """Partition to the offset of its oldest record."""
    ends: Mapping[int, int] = field(default_factory=lambda: MappingProxyType({}))
    topic_id: str = ""
    """Kafka's id of the topic, another one for a topic made anew; empty if the broker has none."""
    unread: Unread | None = None
    """How near the unread messages are to their deletion; None where this look did not ask."""

    @property
    def total(self) -> int:
        return sum(self.lag.values())

    @property
    def beyond(self) -> dict[int, int]:
        """Partition to a committed offset that the topic has not reached: it was made anew."""
        return {n: at for n, at in self.committed.items() if at > self.ends.get(n, at)}

    @property
    def is_shared_out(self) -> bool:
        """Whether every partition has an owner, so that a member without one is a standby."""
        return self.state == "Stable" and bool(self.lag) and self.owners.keys() >= self.lag.keys()


class StandingReader(Protocol):
    def read(self) -> Mapping[str, Standing]: ...
    def claim(self, standings: Mapping[str, Standing]) -> None: ...
    def close(self) -> None: ...


def positions_of(
    starts: Mapping[TopicPartition, int],
    ends: Mapping[TopicPartition, int],
    committed: Mapping[TopicPartition, int],
) -> dict[TopicPartition, int]:
    """Where a group reads on, in every partition.

    The oldest record is next for a group without an offset, for one whose next record has expired,
    and for one whose offset is beyond the end.
    """
    positions = {}
    for tp, end in ends.items():
        at = committed.get(tp, starts[tp])
        positions[tp] = starts[tp] if at > end else max(at, starts[tp])
    return positions


def standing_of(
    starts: Mapping[TopicPartition, int],
    ends: Mapping[TopicPartition, int],
    committed: Mapping[TopicPartition, int],
    described: Mapping[str, Any],
    unread: Unread | None = None,
    topic_id: str = "",
) -> Standing:
    """Put Kafka's answers together; ``described`` is the group as its coordinator tells it.

    They are read in the order of the parameters starts, committed, ends, so that a commit in
    between is neither a loss nor beyond the end.
    """
    positions = positions_of(starts, ends, committed)
    # A new group begins at the oldest record: nothing is lost to it. One that has positions has
    # claimed all partitions, so a partition without one had no record then.
    is_new = committed.keys().isdisjoint(ends)
    claimed = {tp: committed.get(tp, starts[tp] if is_new else 0) for tp in ends}
    owners: dict[int, str] = {}
    members = described.get("members") or []
    topics = {tp.topic for tp in ends}
    for member in members:
        assignment = member.get("member_assignment")
        held = assignment.get("assigned_partitions") if isinstance(assignment, Mapping) else None
        for entry in held or ():
            if entry["topic"] in topics:
                owners |= dict.fromkeys(entry["partitions"], str(member["member_id"]))
    return Standing(
        lag={tp.partition: max(0, end - positions[tp]) for tp, end in ends.items()},
        expired={tp.partition: max(0, starts[tp] - claimed[tp]) for tp in ends},
        members=len(members),
        owners=owners,
        state=str(described.get("group_state") or "unknown"),
        committed={tp.partition: committed[tp] for tp in ends if tp in committed},
        starts={tp.partition: start for tp, start in starts.items()},
        ends={tp.partition: end for tp, end in ends.items()},
        topic_id=topic_id,
        unread=unread,
    )


_ANSWER: dict[str, Any] = {"request_timeout_ms": 8_000}
"""Shorter than the clients' own 30 seconds: readiness tells soon that Kafka is away."""
_ONE_RECORD: dict[str, Any] = {"max_partition_fetch_bytes": 2**16, "fetch_max_bytes": 2**20}
"""Kafka returns one batch of records, however large; more is not needed."""
AGES_EVERY_S = 60.0
"""Ages are read more rarely than positions: they cost a record a partition."""


class KafkaStandings:
    """Reads the standing of groups over connections of its own; for one thread."""

    def __init__(
        self,
        settings: KafkaSettings,
        topic: str,
        groups: Sequence[str],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._topic = settings.topic_prefix + topic
        self._groups = {settings.group_prefix + group: group for group in groups}
        self._consumer: KafkaConsumer | None = None
        self._admin: KafkaAdminClient | None = None
        self._ages = UnreadReader(self._topic)
        self._monotonic = monotonic
        self._next_ages = monotonic()

    def read(self) -> Mapping[str, Standing]:
        """Group (without the prefix) to its standing; raises ``TocsinError`` without Kafka."""
        with kafka.kafka_errors(self._settings):
            if self._consumer is None:
                options = {**_ANSWER, **_ONE_RECORD}
                self._consumer = kafka.consumer(self._settings, "standing", None, **options)
            if self._admin is None:
                self._admin = kafka.admin_client(self._settings, **_ANSWER)
            partitions = partitions_of(self._consumer, self._topic)
            # In this order: a commit in between is neither a loss nor beyond the end.
            starts = self._consumer.beginning_offsets(partitions)
            committed = {name: self._committed(name) for name in self._groups}
            ends = self._consumer.end_offsets(partitions)
            unread = self._unread(starts, ends, committed)
            topic_id = self._topic_id()
            return {
                short: standing_of(
                    starts,
                    ends,
                    committed[name],
                    self._described(name),
                    unread.get(name),
                    topic_id,
                )
                for name, short in self._groups.items()
            }

    def claim(self, standings: Mapping[str, Standing]) -> None:
        """Commit the oldest offsets for groups without members, where they have no position.

        A group begins there in any case. With the position, what expires before it reads its first
        record of a partition is a loss that can be counted.
        """
        assert self._admin is not None
        with kafka.kafka_errors(self._settings):
            for name, short in self._groups.items():
                standing = standings[short]
                missing = standing.starts.keys() - standing.committed.keys()
                if missing and not standing.members:
                    # Kafka refuses it where a member has joined meanwhile, which commits itself.
                    offsets = {
                        TopicPartition(self._topic, partition): OffsetAndMetadata(
                            standing.starts[partition], "", -1
                        )
                        for partition in sorted(missing)
                    }
                    self._admin.alter_group_offsets(name, offsets)

    def _topic_id(self) -> str:
        assert self._admin is not None
        (described,) = self._admin.describe_topics([self._topic])
        return str(described.get("topic_id") or "")

    def _unread(
        self,
        starts: Mapping[TopicPartition, int],
        ends: Mapping[TopicPartition, int],
        committed: Mapping[str, Mapping[TopicPartition, int]],
    ) -> dict[str, Unread]:
        now = self._monotonic()
        if now < self._next_ages:
            return {}
        self._next_ages = now + AGES_EVERY_S
        assert self._consumer is not None and self._admin is not None
        positions = [positions_of(starts, ends, offsets) for offsets in committed.values()]
        found = self._ages.read(self._consumer, self._admin, starts, ends, positions)
        return dict(zip(committed, found, strict=True))

    def _committed(self, group: str) -> dict[TopicPartition, int]:
        assert self._admin is not None
        offsets = self._admin.list_group_offsets([group]).get(group, {})
        return {tp: entry.offset for tp, entry in offsets.items() if entry.offset >= 0}

    def _described(self, group: str) -> Mapping[str, Any]:
        assert self._admin is not None
        described: Mapping[str, Any] = self._admin.describe_groups([group]).get(group) or {}
        return described

    def close(self) -> None:
        for client in (self._consumer, self._admin):
            if client is not None:
                client.close()
        self._consumer = self._admin = None


def reason_without_partitions(standing: Standing | None, group: str, topic: str) -> str | None:
    """Why a member of ``group`` has no partitions, or None if it is a standby."""
    if standing is None:
        return f"none of {topic} yet; waiting for the group {group}"
    if standing.is_shared_out:
        return None
    waiting = f", while {standing.total} messages wait" if standing.total else ""
    return (
        f"none of {topic}{waiting}: the group {group} is {standing.state} with "
        f"{standing.members} members"
    )
