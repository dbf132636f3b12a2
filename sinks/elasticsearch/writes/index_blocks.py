"""Keeps one blocked index from stopping the others: parks its writes, and gives them up in the end.

Invariants:

1. A parked record is held: nothing from it on is committed until it is written, superseded or a
   dead letter. A restart reads it again, and what was written after it, which changes nothing.
2. It becomes a dead letter (``index_blocked``) only while the current month takes writes: if that
   is blocked too, the fault is the cluster's, and the sink waits.
3. An index is tried again after at most 15 s, with one operation first.
4. What waited is written only if no later state, delete or erasure covers it by then.
5. The sink also waits for the index of removals, which decides about all posts.
"""

import contextlib
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import timedelta

from elasticsearch import Elasticsearch

from runtime import metrics
from runtime.backoff import Busy
from runtime.clock import Clock
from runtime.kafka.consumer import PausingConsumer
from runtime.kafka.protocols import Record
from runtime.logs import get_logger
from schemas.dead_letter import Reason
from schemas.errors import InvalidMessage
from sinks.elasticsearch.documents import Operation
from sinks.elasticsearch.indices.mappings import IndexNames
from sinks.elasticsearch.writes.bulk import Outcome, RequestSize, takes_writes, write
from sinks.elasticsearch.writes.index_queues import BlockedQueues, Parked, Queue

_CHUNK = 1_000
_PROBE_WAIT_S = 1
_DAY = timedelta(days=1)
log = get_logger("sink")


def blocked_detail(index: str, why: str) -> str:
    """The detail of a letter: what is wrong, and what to do."""
    return (
        f"index {index} takes no writes ({why[:200]}); lift its block (index.blocks.write and "
        f"index.blocks.read_only to false), open it, or bring its shards back; then 'tocsin "
        "dead-letters replay --reason index_blocked' writes this"
    )


class BlockedWrites:
    """Used on the thread of the sink only.

    ``insist`` repeats an action until the cluster takes it. ``count`` takes each outcome, and
    ``expect`` the ids of posts that are about to become letters. ``outdated`` tells of the records
    of upserts which are covered by now; it raises :class:`InvalidMessage` if that cannot be known.
    """

    def __init__(
        self,
        client: Elasticsearch,
        names: IndexNames,
        consumer: PausingConsumer,
        size: RequestSize,
        *,
        sink: str,
        wait_s: float,
        clock: Clock,
        insist: Callable[[Callable[[], None]], None],
        count: Callable[[Outcome], None],
        expect: Callable[[Sequence[str]], None],
        outdated: Callable[[Sequence[Record]], Sequence[bool]],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._names = names
        self._consumer = consumer
        self._size = size
        self._sink = sink
        self._clock = clock
        self._insist = insist
        self._count = count
        self._expect = expect
        self._outdated = outdated
        self._queues = BlockedQueues(wait_s, monotonic)
        self._parked: list[Parked] | None = None
        """What was parked since the innermost :meth:`undone` began; None outside of it."""
        self._waited = False
        """Whether the current month took no writes when it was asked."""
        metrics.SINK_BLOCKED.labels(sink).set(0)

    def is_current(self, index: str) -> bool:
        """Whether it is the index of posts of now, or of removals: if blocked, the sink waits."""
        if index == self._names.removals:
            return True
        now = self._clock()
        # A day either way: clocks differ, and a month ends somewhere else first.
        return index in {self._names.mentions_of(at) for at in (now - _DAY, now, now + _DAY)}

    def is_blocked(self, index: str) -> bool:
        return index in self._queues.by_index

    @property
    def indices(self) -> Collection[str]:
        """The blocked ones."""
        return self._queues.by_index.keys()

    def park(self, operation: Operation, record: Record, why: str | None = None) -> None:
        """Let an operation wait; ``why`` is the answer if it was tried."""
        if not self.is_blocked(operation.index):
            log.warning("an index takes no writes; its messages wait apart", why=why)
        parked = Parked(operation, record, self._consumer.hold(record))
        if self._parked is not None:
            self._parked.append(parked)
        self._queues.park(parked, why)

    @contextlib.contextmanager
    def undone(self) -> Iterator[None]:
        """What raises is done again, so what it parked is held no more. May be nested."""
        before, parked = self._parked, list[Parked]()
        self._parked = parked
        try:
            yield
        except BaseException:
            for each in parked:
                self._consumer.release(each.hold)
            raise
        else:
            if before is not None:
                before += parked
        finally:
            self._parked = before

    def waiting(self) -> set[str]:
        """The ids of the documents that wait and are still this consumer's."""
        return {
            each.operation.id
            for queue in self._queues.by_index.values()
            for each in queue.parked
            if self._consumer.is_held(each.hold)
        }

    def told(self) -> str | None:
        """One sentence for ``/readyz``; None if no index is blocked."""
        return self._queues.told()

    def retry_due(self) -> None:
        """Try the indices whose time has come, and give up those whose time is over."""
        for queue in self._queues.due():
            self._drop_moved(queue)
            self._try(queue)
        if (longest := self._queues.longest_if_full()) is not None:
            self._give_up(longest)
        self.measure()

    def measure(self) -> None:
        """Set the gauges; an index that is not blocked any more has none."""
        gauge = metrics.SINK_PARKED
        queues = self._queues.by_index
        for queue in queues.values():
            gauge.labels(self._sink, queue.index).set(len(queue.parked))
        metrics.SINK_BLOCKED.labels(self._sink).set(len(queues))

    def _drop_moved(self, queue: Queue) -> None:
        """What moved to another consumer is read again by that one; what was undone, by us."""
        queue.parked = [each for each in queue.parked if self._consumer.is_held(each.hold)]

    def _try(self, queue: Queue) -> None:
        takes = False
        while queue.parked:
            try:
                due = self._still_due(queue, queue.parked[:_CHUNK])
            except InvalidMessage as error:
                if self._queues.failed(queue, f"{queue.index}: {error.detail}"):
                    self._give_up(queue)
                return
            if not due:
                continue
            outcome = write(self._client, due if takes else due[:1], self._size, _PROBE_WAIT_S)
            self._count(outcome)
            self._settle(queue, outcome)
            if outcome.blocked:
                if self._queues.failed(queue, outcome.blocked[0][1]):
                    self._give_up(queue)
                return
            if outcome.retry:  # the cluster is busy, which is not this index's fault
                self._queues.failed(queue, outcome.why)
                return
            takes = True
        if not takes:  # all that waited is covered: the next operation tells
            return
        self._queues.cleared(queue)
        metrics.SINK_PARKED.remove(self._sink, queue.index)
        log.info("an index takes writes again", index=queue.index)

    def _still_due(self, queue: Queue, first: Sequence[Parked]) -> list[Operation]:
        """The operations of ``first`` that nothing covers; the others are settled."""
        upserts = [each for each in first if each.operation.kind == "upsert"]
        flags = self._outdated([each.record for each in upserts]) if upserts else ()
        covered = [each.operation for each, flag in zip(upserts, flags, strict=True) if flag]
        if covered:
            outcome = Outcome(superseded=covered)
            self._count(outcome)
            self._settle(queue, outcome)
        left = {id(operation) for operation in covered}
        return [each.operation for each in first if id(each.operation) not in left]

    def _settle(self, queue: Queue, outcome: Outcome) -> None:
        """Release what was written or superseded; refused documents become letters."""
        refused = {id(operation): why for operation, why in outcome.rejected}
        done = {id(operation) for operation in (*outcome.written, *outcome.superseded)}
        settled = [each for each in queue.parked if id(each.operation) in done | refused.keys()]
        self._letters(
            [each for each in settled if id(each.operation) in refused],
            "index_rejected",
            lambda each: refused[id(each.operation)],
        )
        kept = {id(each) for each in settled}
        queue.parked = [each for each in queue.parked if id(each) not in kept]
        for each in settled:
            self._consumer.release(each.hold)

    def _give_up(self, queue: Queue) -> None:
        self._insist(self._current_month_takes_writes)
        if self._waited:
            # The cluster as a whole was blocked, so the time of this index begins anew.
            self._waited = False
            self._queues.begin_anew(queue)
            return
        self._drop_moved(queue)
        upserts = [each.operation for each in queue.parked if each.operation.kind == "upsert"]
        self._expect([operation.id for operation in upserts])
        detail = blocked_detail(queue.index, queue.why)
        self._letters(queue.parked, "index_blocked", lambda each: detail)
        metrics.SINK_ITEMS.labels(self._sink, "blocked").inc(len(queue.parked))
        log.error(
            "messages of a blocked index went to dead-letters",
            index=queue.index,
            messages=len(queue.parked),
            why=queue.why,
        )
        for each in queue.parked:
            self._consumer.release(each.hold)
        queue.parked = []

    def _current_month_takes_writes(self) -> None:
        if (why := takes_writes(self._client, self._names.mentions_of(self._clock()))) is not None:
            self._waited = True
            raise Busy(why, "index_blocked")

    def _letters(
        self, given_up: Sequence[Parked], reason: Reason, detail: Callable[[Parked], str]
    ) -> None:
        """One letter a record, though it may have an operation in several indices."""
        by_record = {(each.record.partition, each.record.offset): each for each in given_up}
        letters = [(each.record, reason, detail(each)) for each in by_record.values()]
        if letters:
            self._consumer.dead_letter(letters)
