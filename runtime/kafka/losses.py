"""What a consumer group loses in Kafka: messages that expire unread, positions that change.

Kafka tells none of it to a consumer that resets to the oldest record, so positions are compared
with the topic here. One object a group and process; each look is compared with the one before.
Each expired offset is counted once.
"""

import math
from collections import deque
from collections.abc import Collection, Mapping
from typing import NamedTuple

from runtime import metrics
from runtime.kafka.group_positions import Standing
from runtime.kafka.unread_age import NEAR, Unread
from runtime.logs import get_logger

log = get_logger("group")


class _Gap(NamedTuple):
    """Offsets that a consumer of this process did not get: a range without its end."""

    partition: int
    first: int
    after: int
    is_new: bool = True


class Losses:
    """Counts and logs the losses of one group; for one thread, but for :meth:`skipped`.

    ``service``: the label of its metrics. ``topic``: without the prefix.
    """

    def __init__(self, service: str, topic: str) -> None:
        self._service = service
        self._topic = topic
        self._counted_to: dict[int, int] = {}
        """Partition to the offset below which every expired message is counted."""
        self._gaps: deque[_Gap] = deque()
        self._beyond: dict[int, int] = {}
        self._before: Standing | None = None
        self._was_near = False

    def skipped(self, partition: int, first: int, after: int) -> None:
        """A consumer got the record at ``after`` where it expected ``first``; from any thread.

        The next look counts what has expired of it: a transaction leaves gaps, too.
        """
        self._gaps.append(_Gap(partition, first, after))

    def look(
        self,
        standing: Standing,
        held: Collection[int] = (),
        positions: Mapping[int, int] | None = None,
    ) -> None:
        """Compare a standing with the one before.

        ``held``: the partitions of this process. ``positions``: up to where it has read them, as
        far as it has: what is in memory is not lost when Kafka deletes it.
        """
        self._expired_gaps(standing.starts)
        self._expiries(standing, held, positions or {})
        self._topic_anew(standing)
        if self._before is None:
            self._forgotten(standing)
        else:
            self._moved(self._before, standing)
        if standing.unread is not None:
            self._nearness(standing.unread)
        self._before = standing

    def _expired_gaps(self, starts: Mapping[int, int]) -> None:
        for _ in range(len(self._gaps)):
            gap = self._gaps.popleft()
            start = starts.get(gap.partition, 0)
            self._count(gap.partition, gap.first, min(gap.after, start))
            if gap.is_new and start < gap.after:
                # Perhaps it came after this look had read where the topic begins.
                self._gaps.append(gap._replace(is_new=False))

    def _expiries(
        self, standing: Standing, held: Collection[int], positions: Mapping[int, int]
    ) -> None:
        for partition, messages in standing.expired.items():
            start = standing.starts[partition]
            first = start - messages
            if partition in held:
                first = max(first, positions.get(partition, first))
            elif partition in standing.owners:
                continue  # its owner knows how far it has read
            self._count(partition, first, start)

    def _count(self, partition: int, first: int, after: int) -> None:
        new = after - max(first, self._counted_to.get(partition, 0))
        metrics.EXPIRED.labels(self._service, str(partition)).inc(max(0, new))
        if new > 0:
            self._counted_to[partition] = after
            log.error(
                "messages expired before they were read; lengthen the topic's retention",
                topic=self._topic,
                partition=partition,
                messages=new,
            )

    def _topic_anew(self, standing: Standing) -> None:
        """The group's offset is beyond the end, or the topic has another id than before."""
        beyond = standing.beyond
        ids = {"" if self._before is None else self._before.topic_id, standing.topic_id}
        is_another = len(ids - {""}) > 1
        for partition, start in standing.starts.items():
            is_new = partition in beyond and beyond[partition] != self._beyond.get(partition)
            if is_new or is_another:
                self._reset("topic_anew")
                self._counted_to.pop(partition, None)
                log.error(
                    "the topic was made anew or truncated: what it held before is lost to the "
                    "group, which begins at the oldest record",
                    topic=self._topic,
                    partition=partition,
                    position=standing.committed.get(partition),
                    begins=start,
                    ends=standing.ends.get(partition),
                )
        self._beyond = beyond

    def _forgotten(self, standing: Standing) -> None:
        """A group without any position on a topic whose first messages are gone already."""
        late = [start for start in standing.starts.values() if start > 0]
        if late and not standing.committed:
            self._reset("forgotten")
            log.warning(
                "the group has no position, so it is new or Kafka has forgotten it (after "
                "offsets.retention.minutes without members); it begins at the oldest record",
                topic=self._topic,
                deleted_before=sum(late),
            )

    def _moved(self, before: Standing, standing: Standing) -> None:
        """A position changed while the group had no member: somebody has set it."""
        if before.members or standing.members:
            return
        for partition, at in standing.committed.items():
            by = at - before.committed.get(partition, at)
            if by:
                self._reset("moved")
                log.error(
                    "the group's position was set by hand"
                    + ("; the messages in between are skipped" if by > 0 else ""),
                    topic=self._topic,
                    partition=partition,
                    moved_by=by,
                )

    def _nearness(self, unread: Unread) -> None:
        for partition, age in unread.age_s.items():
            metrics.OLDEST_UNREAD.labels(self._service, str(partition)).set(age)
        for partition, share in unread.bytes_share.items():
            metrics.UNREAD_BYTES.labels(self._service, str(partition)).set(share)
        kept = None if unread.retention is None else unread.retention.seconds
        if unread.retention is None:
            metrics.WATCH_FAILURES.labels(self._service, "retention").inc()
        else:
            metrics.RETENTION.labels(self._service).set(math.inf if kept is None else kept)
        is_near = unread.nearness >= NEAR
        if is_near and not self._was_near:
            log.error(
                "unread messages are near their deletion by Kafka; lengthen the topic's retention",
                topic=self._topic,
                share_of_retention=round(unread.nearness, 2),
                oldest_s=round(max(unread.age_s.values(), default=0.0)),
                kept_s=kept,
            )
        self._was_near = is_near

    def _reset(self, cause: str) -> None:
        metrics.POSITION_RESETS.labels(self._service, cause).inc()
