"""Operations that wait for an index that takes no writes, apart from all others. No input/output.

Each index has a queue in the order of the topic. What comes for the index later joins the queue, so
states of one post stay in order. Order is not needed for safety: under ``external_gte`` an older
state that comes after a newer one is superseded.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from runtime.backoff import exponential
from runtime.kafka.offset_holds import Hold
from runtime.kafka.protocols import Record
from sinks.elasticsearch.documents import Operation

MAX_PARKED = 10_000
"""Operations that wait, over all indices. Above it the longest queue is given up at once."""
MAX_PARKED_BYTES = 64 * 2**20
_FIRST_RETRY_S = 1.0
_MAX_RETRY_S = 15.0


class Parked(NamedTuple):
    """An operation, and the record that it came from with its hold on the offset."""

    operation: Operation
    record: Record
    hold: Hold


@dataclass(slots=True)
class Queue:
    """What waits for one index; times are monotonic, in seconds."""

    index: str
    since: float
    next_try: float
    why: str = ""
    failures: int = 1
    parked: list[Parked] = field(default_factory=list)

    def bytes(self) -> int:
        return sum(parked.operation.size() for parked in self.parked)


class BlockedQueues:
    """The queues by index. An index is blocked until it takes a write, also while nothing waits."""

    def __init__(self, wait_s: float, monotonic: Callable[[], float]) -> None:
        self._wait_s = wait_s
        self._monotonic = monotonic
        self.by_index: dict[str, Queue] = {}

    def park(self, parked: Parked, why: str | None = None) -> None:
        """Queue an operation; ``why`` is the answer, if it was tried."""
        index, now = parked.operation.index, self._monotonic()
        queue = self.by_index.get(index)
        if queue is None:
            queue = self.by_index[index] = Queue(index, now, now + _FIRST_RETRY_S)
        queue.why = queue.why if why is None else why
        queue.parked.append(parked)

    def due(self) -> list[Queue]:
        """The indices to try now; one without a queue is tried with its next operation."""
        now = self._monotonic()
        return [queue for queue in self.by_index.values() if queue.parked and now >= queue.next_try]

    def failed(self, queue: Queue, why: str) -> bool:
        """The index was tried and still takes no writes; returns whether its time is over."""
        now = self._monotonic()
        queue.why = why
        queue.next_try = now + exponential(queue.failures, _FIRST_RETRY_S, _MAX_RETRY_S)
        queue.failures += 1
        return now - queue.since >= self._wait_s

    def begin_anew(self, queue: Queue) -> None:
        """Try the index now, and count its time from now."""
        queue.since = queue.next_try = self._monotonic()
        queue.failures = 1

    def cleared(self, queue: Queue) -> None:
        """The index takes writes again, and its queue is written."""
        del self.by_index[queue.index]

    def longest_if_full(self) -> Queue | None:
        """The longest queue if too much waits, for memory is finite."""
        queues = self.by_index.values()
        count = sum(len(queue.parked) for queue in queues)
        if count <= MAX_PARKED and sum(queue.bytes() for queue in queues) <= MAX_PARKED_BYTES:
            return None
        return max(queues, key=lambda queue: queue.bytes())

    def told(self) -> str | None:
        """One sentence for ``/readyz``; None if no index is blocked."""
        if not self.by_index:
            return None
        waiting = sum(len(queue.parked) for queue in self.by_index.values())
        whys = "; ".join(queue.why for queue in self.by_index.values())
        return f"{waiting} messages wait for indices that take no writes: {whys[:500]}"
