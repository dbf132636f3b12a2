"""The consumer loop of every sink: poll a batch, hand it to the sink, commit it.

Invariants:

1. An offset is committed only after the sink has handled the records before it: each is in the
   store, needs no write, or is in dead-letters and acknowledged by Kafka.
2. While the store is busy, the partitions are paused and the same attempt is repeated after a
   jittered back-off. The consumer goes on polling, so that it stays in its group. A partition that
   was just assigned may deliver before it is paused: these records are carried over.
3. Records of a partition are handled in order, and batches do not overlap.
4. A rebalance loses nothing. A record whose partition has moved is neither handled nor committed;
   its new owner handles it, perhaps again, so what a sink writes must be idempotent.
5. The brake is applied after the commit, so that no dead letter is lost or written twice by it.
6. A stop during a back-off ends the loop without a commit: the batch comes again.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Event
from typing import NamedTuple, Protocol, TypeVar

from kafka.errors import CommitFailedError, KafkaError, RebalanceInProgressError
from kafka.structs import OffsetAndMetadata, TopicPartition

from runtime import metrics
from runtime.backoff import Busy, JitteredBackoff
from runtime.clock import Clock
from runtime.kafka.brake import Brake
from runtime.kafka.client import deliver
from runtime.kafka.dead_letters import TOPIC as DEAD_LETTERS
from runtime.kafka.dead_letters import dead_letter_of
from runtime.kafka.protocols import Consumer, OutgoingRecord, Producer, Record
from runtime.logs import get_logger
from schemas.dead_letter import Reason
from schemas.errors import ServiceUnavailable

MAX_ASKED_S = 300.0
"""However long a store asks to be left alone."""
_POLL_S = 0.5
log = get_logger("consumer")
Result = TypeVar("Result")


class Stopped(Exception):
    """The consumer was told to stop while it waited; what was not committed comes again."""


class Sink(Protocol):
    """What the loop calls, all from the thread of :meth:`PausingConsumer.run`."""

    def begin(self) -> None:
        """Called once, before the first poll."""

    def handle(self, records: Sequence[Record]) -> int:
        """Bring a batch into the store; returns how many records became dead letters.

        It is called with none, too, where nothing came for half a second.
        """

    def beat(self) -> None:
        """Called once a batch, and at least every half second of a back-off."""

    def busy(self, why: str, cause: str) -> None:
        """An attempt failed; ``cause`` is a metric label. It will be repeated."""

    def free(self) -> None:
        """An attempt succeeded, whether or not one failed before it."""


class BatchLimits(NamedTuple):
    """A batch ends at whichever comes first; seconds count from its first poll."""

    max_records: int = 1
    max_bytes: int = 2**30
    max_s: float = 0.0


@dataclass(kw_only=True)
class PausingConsumer:
    """Feeds one sink until told to stop. One thread; more processes share the partitions.

    ``name``: how errors and logs call the sink. ``service``: whose dead letters they are.
    """

    consumer: Consumer
    producer: Producer
    sink: Sink
    name: str
    service: str
    topic_prefix: str
    limits: BatchLimits
    backoff: JitteredBackoff
    brake: Brake
    clock: Clock
    on_committed: Callable[[float], None] = lambda seconds: None
    """Hears how many seconds a batch took from being polled to its commit."""
    _stop: Event = field(default_factory=Event, init=False)
    _batch: Sequence[Record] = field(default=(), init=False)
    _carried: list[Record] = field(default_factory=list, init=False)

    def run(self, topic: str, stop: Event) -> None:
        """Consume ``topic`` (named without the prefix) until ``stop`` is set.

        Raises :class:`ServiceUnavailable` where Kafka fails, :class:`BrakeTripped` where too many
        records became dead letters, and what the sink raises.
        """
        self._stop = stop
        self.consumer.subscribe([self.topic_prefix + topic])
        try:
            self.sink.begin()
            while not stop.is_set():
                self.sink.beat()
                self._take(self._gather())
        except Stopped:
            log.info("stopped while waiting; the batch comes again", sink=self.name)
        except KafkaError as error:
            raise ServiceUnavailable(
                f"Kafka does not serve {self.name} ({error!r}); nothing uncommitted is lost"
            ) from None
        finally:
            self.consumer.close()

    def _gather(self) -> list[Record]:
        """Records up to the limits of a batch, those that were carried over first."""
        max_records, max_bytes, max_s = self.limits
        records, self._carried = self._carried[:max_records], self._carried[max_records:]
        size = sum(len(record.value or b"") for record in records)
        deadline = time.monotonic() + max_s
        while len(records) < max_records and size < max_bytes:
            left = deadline - time.monotonic()
            if records and left <= 0:
                break
            polled = self._poll(left if records else _POLL_S, max_records - len(records))
            size += sum(len(record.value or b"") for record in polled)
            records += polled
            if not records:
                break
        ours = self.consumer.assignment()
        return [record for record in records if (record.topic, record.partition) in ours]

    def _poll(self, timeout_s: float, max_records: int | None = None) -> list[Record]:
        polled = self.consumer.poll(
            timeout_ms=max(1, int(timeout_s * 1000)), max_records=max_records
        )
        return [record for records in polled.values() for record in records]

    def _take(self, records: Sequence[Record]) -> None:
        began = time.perf_counter()
        self._batch = records
        dead = self.sink.handle(records)
        if records:
            self._commit(records)
            self._batch = ()
            self.on_committed(time.perf_counter() - began)
            self.brake.record(len(records) - dead, dead)

    def _commit(self, records: Sequence[Record]) -> None:
        """Commit offsets, not positions, since more may have been polled and carried over."""
        ours = self.consumer.assignment()
        offsets = {}
        for record in records:
            tp = TopicPartition(record.topic, record.partition)
            if tp in ours:
                offsets[tp] = OffsetAndMetadata(record.offset + 1, "", -1)
        try:
            self.consumer.commit(offsets)
        except (CommitFailedError, RebalanceInProgressError):
            # Their new owner handles the records again, which changes nothing.
            log.info("partitions moved before the commit", sink=self.name)

    def insist(self, action: Callable[[], Result]) -> Result:
        """Repeat ``action`` until it does not raise :class:`Busy`; returns or raises what it does.

        Raises :class:`Stopped` when told to stop meanwhile, for :meth:`run` to handle.
        """
        self.backoff.healthy()
        while True:
            try:
                result = action()
            except Busy as busy:
                self.sink.busy(busy.why, busy.cause)
                self._wait(max(self.backoff.failed(), min(busy.after_s or 0.0, MAX_ASKED_S)))
            else:
                self.sink.free()
                return result

    def _wait(self, wait_s: float) -> None:
        """Let time pass with the partitions paused, and remain in the group."""
        deadline = time.monotonic() + wait_s
        while (left := deadline - time.monotonic()) > 0 and not self._stop.is_set():
            self.sink.beat()
            self.consumer.pause(*self.consumer.assignment())
            self._carried += self._poll(min(left, _POLL_S))
        if self._stop.is_set():
            raise Stopped
        self.consumer.resume(*self.consumer.paused())

    def dead_letter(self, letters: Sequence[tuple[Record, Reason, str]]) -> None:
        """Deliver records, each with a reason and a detail; returns once Kafka has them all."""
        topic, service = self.topic_prefix + DEAD_LETTERS, self.service
        outgoing = []
        for record, reason, detail in letters:
            letter = dead_letter_of(
                record, service=service, reason=reason, detail=detail, at=self.clock()
            )
            outgoing.append(OutgoingRecord(topic, record.key, letter))
        deliver(self.producer, outgoing)
        for _, reason, _ in letters:
            metrics.DEAD_LETTERS.labels(service, reason).inc()

    def lag(self) -> dict[int, int]:
        """The records of each assigned partition that are not handled, where that is known."""
        unhandled: dict[tuple[str, int], int] = {}
        for record in (*self._batch, *self._carried):
            unhandled.setdefault((record.topic, record.partition), record.offset)
        lags = {}
        for tp in self.consumer.assignment():
            end = self.consumer.highwater(tp)
            if end is None:
                continue
            offset = unhandled.get(tp, self.consumer.position(tp, timeout_ms=1_000))
            if offset is not None:
                lags[tp.partition] = max(0, end - offset)
        return lags
