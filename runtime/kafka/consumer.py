"""The consumer loop of every sink: poll a batch, hand it to the sink, commit it.

Invariants:

1. An offset is committed only after the sink has handled the records before it: each is in the
   store, needs no write, or is in dead-letters and acknowledged by Kafka.
2. While the store is busy, the partitions are paused and the same attempt is repeated after a
   jittered back-off. The consumer goes on polling to stay in its group. A partition that was just
   assigned may deliver before it is paused: its records are carried over.
3. Records of a partition are handled in order, and batches do not overlap.
4. A rebalance loses nothing. A record whose partition has moved is neither handled nor committed.
   Its new owner handles it, perhaps again, so a sink's writes must be idempotent.
5. The brake is applied after the commit, so it neither loses nor repeats a dead letter.
6. A stop during a back-off ends the loop without a commit: the batch is delivered again.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Event
from typing import NamedTuple, Protocol, TypeVar

from kafka.errors import (
    CommitFailedError,
    KafkaError,
    RebalanceInProgressError,
    UnsupportedCodecError,
)
from kafka.structs import OffsetAndMetadata, TopicPartition

from runtime import metrics
from runtime.backoff import Busy, JitteredBackoff
from runtime.clock import Clock
from runtime.crash_points import reached
from runtime.kafka.client import deliver, told, unreadable_compression
from runtime.kafka.dead_letters import TOPIC as DEAD_LETTERS
from runtime.kafka.dead_letters import Brake, dead_letter_of, letter_key
from runtime.kafka.protocols import Consumer, OutgoingRecord, Producer, Record
from runtime.logs import get_logger
from schemas.dead_letter import Reason
from schemas.errors import ConfigurationError, ServiceUnavailable

MAX_RETRY_AFTER_S = 300.0
"""Bounds the wait that a store may ask for."""
_POLL_S = 0.5
log = get_logger("consumer")
Result = TypeVar("Result")


class Stopped(Exception):
    """The stop came during a back-off; the uncommitted batch is delivered again."""


class Sink(Protocol):
    """The loop's callbacks, all on the thread of :meth:`PausingConsumer.run`.

    - ``begin``: once, before the first poll.
    - ``handle``: write a batch to the store; returns how many records became dead letters. The
      batch is empty if nothing came for half a second.
    - ``beat``: once a batch, and at least every half second of a back-off.
    - ``busy``: an attempt failed and will be repeated; ``cause`` is a metric label.
    - ``free``: an attempt succeeded, whether or not one failed before it.
    """

    def begin(self) -> None: ...
    def handle(self, records: Sequence[Record]) -> int: ...
    def beat(self) -> None: ...
    def busy(self, why: str, cause: str) -> None: ...
    def free(self) -> None: ...


class BatchLimits(NamedTuple):
    """A batch ends at the first of these limits; seconds count from its first poll."""

    max_records: int = 1
    max_bytes: int = 2**30
    max_s: float = 0.0


@dataclass(kw_only=True)
class PausingConsumer:
    """Feeds one sink until a stop event. One thread; more processes share the partitions.

    ``name``: the sink's name in errors and logs. ``service``: its name in dead letters.
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
    """Takes the seconds that a batch needed from its poll to its commit."""
    held: Sequence[int] = field(default=(), init=False)
    """The partitions of the last look at the lag."""
    _stop: Event = field(default_factory=Event, init=False)
    _batch: Sequence[Record] = field(default=(), init=False)
    _carried: list[Record] = field(default_factory=list, init=False)

    def run(self, topic: str, stop: Event) -> None:
        """Consume ``topic`` (named without the prefix) until ``stop`` is set.

        Raises :class:`ServiceUnavailable` if Kafka fails, :class:`BrakeTripped` on too many dead
        letters, and the sink's own errors.
        """
        self._stop = stop
        self.consumer.subscribe([self.topic_prefix + topic])
        try:
            self.sink.begin()
            while not stop.is_set():
                self.sink.beat()
                self._take(self._gather())
        except Stopped:
            log.info("stopped during a back-off; the batch is delivered again", sink=self.name)
        except UnsupportedCodecError as error:
            raise ConfigurationError(unreadable_compression(error)) from None
        except KafkaError as error:
            raise ServiceUnavailable(
                f"Kafka does not serve {self.name} ({told(error)}); no record is lost, restart it"
            ) from None
        finally:
            self.consumer.close()

    def _gather(self) -> list[Record]:
        """Records up to the limits of a batch, carried-over records first."""
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
            reached("consumer_handled")
            self._commit(records)
            reached("consumer_committed")
            self._batch = ()
            self.on_committed(time.perf_counter() - began)
            self.brake.record(len(records) - dead, dead)

    def _commit(self, records: Sequence[Record]) -> None:
        """Commit offsets, not positions: carried-over records have been polled too."""
        ours = self.consumer.assignment()
        offsets = {
            tp: OffsetAndMetadata(record.offset + 1, "", -1)
            for record in records
            if (tp := TopicPartition(record.topic, record.partition)) in ours
        }
        try:
            self.consumer.commit(offsets)
        except (CommitFailedError, RebalanceInProgressError):
            # The new owner handles the records again, which changes nothing.
            log.info("partitions moved before the commit", sink=self.name)

    def insist(self, action: Callable[[], Result]) -> Result:
        """Repeat ``action`` while it raises :class:`Busy`; returns its result.

        Raises :class:`Stopped` on a stop during a back-off; :meth:`run` handles it.
        """
        self.backoff.healthy()
        while True:
            try:
                result = action()
            except Busy as busy:
                self.sink.busy(busy.why, busy.cause)
                self._wait(max(self.backoff.failed(), min(busy.after_s or 0.0, MAX_RETRY_AFTER_S)))
            else:
                self.sink.free()
                return result

    def _wait(self, wait_s: float) -> None:
        """Wait with the partitions paused, and stay in the group."""
        deadline = time.monotonic() + wait_s
        while (left := deadline - time.monotonic()) > 0 and not self._stop.is_set():
            self.sink.beat()
            self.consumer.pause(*self.consumer.assignment())
            self._carried += self._poll(min(left, _POLL_S))
        if self._stop.is_set():
            raise Stopped
        self.consumer.resume(*self.consumer.paused())

    def dead_letter(self, letters: Sequence[tuple[Record, Reason, str]]) -> None:
        """Deliver records, each with a reason and a detail; waits for all acknowledgements."""
        topic, service, at = self.topic_prefix + DEAD_LETTERS, self.service, self.clock()
        outgoing = []
        for record, reason, detail in letters:
            letter = dead_letter_of(record, service=service, reason=reason, detail=detail, at=at)
            outgoing.append(OutgoingRecord(topic, letter_key(record.key), letter))
        deliver(self.producer, outgoing)
        reached("consumer_letters_sent")
        for _, reason, _ in letters:
            metrics.DEAD_LETTERS.labels(service, reason).inc()

    def lag(self) -> dict[int, int]:
        """Unhandled records by assigned partition, where the end offset is known."""
        polled = (*self._batch, *self._carried)
        unhandled = {(record.topic, record.partition): record.offset for record in reversed(polled)}
        lags = {}
        assignment = self.consumer.assignment()
        self.held = [tp.partition for tp in assignment]
        for tp in assignment:
            if (end := self.consumer.highwater(tp)) is None:
                continue
            offset = unhandled.get(tp, self.consumer.position(tp, timeout_ms=1_000))
            if offset is not None:
                lags[tp.partition] = max(0, end - offset)
        return lags
