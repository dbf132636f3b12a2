"""The consumer loop of every sink: poll a batch, hand it to the sink, commit it.

Invariants:

1. An offset is committed only after the sink has handled the records before it: each is in the
   store, needs no write, or is in dead-letters and acknowledged by Kafka. A record that the sink
   holds (:meth:`PausingConsumer.hold`) is not handled yet, though later ones may be.
2. While the store is busy, the partitions are paused and the same attempt is repeated after a
   jittered back-off. The consumer goes on polling to stay in its group. A partition that was just
   assigned may deliver before it is paused: its records are carried over.
3. Records of a partition are handled in order, and batches do not overlap.
4. A rebalance loses nothing. A record whose partition has moved is neither handled nor committed.
   Its new owner handles it, perhaps again, so a sink's writes must be idempotent. A partition that
   comes back has a new owner, too: this one, from the first uncommitted record.
5. The brake is applied after the commit, so it neither loses nor repeats a dead letter.
6. A stop during a back-off ends the loop without a commit: the batch is delivered again.
7. A record that makes the sink raise anything becomes a dead letter. Halves of the batch find it.
8. A commit that Kafka does not take in time is repeated with the next one. No call waits for ever.
"""

import contextlib
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from threading import Event
from typing import NamedTuple, Protocol, TypeVar

from kafka.errors import (
    CommitFailedError,
    KafkaError,
    KafkaTimeoutError,
    RebalanceInProgressError,
    UnsupportedCodecError,
)
from kafka.structs import OffsetAndMetadata, TopicPartition

from runtime import metrics
from runtime.backoff import Busy, JitteredBackoff
from runtime.clock import Clock
from runtime.crash_points import reached
from runtime.kafka.client import deliver, told
from runtime.kafka.dead_letters import TOPIC as DEAD_LETTERS
from runtime.kafka.dead_letters import Brake, dead_letter_of, internal_error, letter_key
from runtime.kafka.offset_holds import Hold, Uncommitted, partition_of
from runtime.kafka.protocols import Consumer, OutgoingRecord, Producer, Record
from runtime.kafka.topic_configs import unreadable_compression
from runtime.logs import get_logger
from schemas.dead_letter import Reason
from schemas.errors import ConfigurationError, InvalidMessage, ServiceUnavailable, TocsinError

MAX_RETRY_AFTER_S = 300.0
"""Bounds the wait that a store may ask for."""
_POLL_S = 0.5
COMMIT_S = 5.0
"""Bounds the wait for one commit; a stop may take 7.5 s."""
_CLOSE_S = 2.0
_POSITION_MS = 1_000
log = get_logger("consumer")
Result = TypeVar("Result")


class Stopped(Exception):
    """The stop came during a back-off; the uncommitted batch is delivered again."""


class Sink(Protocol):
    """The loop's callbacks, all on the thread of :meth:`PausingConsumer.run`.

    - ``begin``: once, before the first poll.
    - ``handle``: write a batch to the store; returns how many records became dead letters by their
      own fault. The batch is empty if nothing came for half a second. If it raises, it gets halves
      of the batch.
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
    """A batch ends at the first of these limits; seconds count from its first poll.

    ``max_bytes`` may be exceeded by one record that is larger alone.
    """

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
    poison_reason: Reason = "index_rejected"
    """The reason of the letter of a record that makes the sink raise."""
    on_poison: Callable[[Record], None] = lambda record: None
    """Called before such a letter."""
    on_gap: Callable[[int, int, int], None] = lambda partition, first, after: None
    """Takes a partition, the first offset that Kafka skipped, and the one after the last."""
    on_moved: Callable[[], None] = lambda: None
    """Called when partitions were taken away, also if they came back at once."""
    held: Sequence[int] = field(default=(), init=False)
    """The partitions of the last look at the lag."""
    _stop: Event = field(default_factory=Event, init=False)
    _carried: deque[Record] = field(default_factory=deque, init=False)
    _uncommitted: Uncommitted = field(default_factory=Uncommitted, init=False)
    _moved: set[TopicPartition] = field(default_factory=set, init=False)
    """Partitions that were taken away since the batch was read."""

    def run(self, topic: str, stop: Event) -> None:
        """Consume ``topic`` (named without the prefix) until ``stop`` is set.

        Raises :class:`ServiceUnavailable` if Kafka fails, :class:`BrakeTripped` on too many dead
        letters, and the sink's own errors.
        """
        self._stop = stop
        self.consumer.subscribe([self.topic_prefix + topic], listener=self._uncommitted)
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
            self.consumer.close(timeout_ms=int(_CLOSE_S * 1000))

    def _gather(self) -> list[Record]:
        """Records up to the limits of a batch, carried-over records first."""
        max_records, max_bytes, max_s = self.limits
        self._moved.clear()
        records: list[Record] = []
        deadline = time.monotonic() + max_s
        while True:
            left = deadline - time.monotonic()
            if not self._carried and not (records and left <= 0):
                timeout_s = left if records else _POLL_S
                self._poll(timeout_s, max_records - len(records))
                # Of a partition that was taken away, only what came after it counts.
                records = self._kept(records)
                self._moved.clear()
            polled = bool(self._carried)
            size = sum(len(record.value or b"") for record in records)
            while self._carried and len(records) < max_records and size < max_bytes:
                size += len(self._carried[0].value or b"")
                if records and size > max_bytes:
                    break
                records.append(self._carried.popleft())
            if self._carried or not polled or len(records) >= max_records or size >= max_bytes:
                break
        ours = self.consumer.assignment()
        return [record for record in records if partition_of(record) in ours]

    def _poll(self, timeout_s: float, max_records: int | None = None) -> None:
        """Add the next records to those that are carried over."""
        polled = self.consumer.poll(
            timeout_ms=max(1, int(timeout_s * 1000)), max_records=max_records
        )
        again = self._forget_revoked()
        for tp, records in polled.items():
            if tp not in again:
                self._read(tp, records)
                self._carried.extend(records)

    def _read(self, tp: TopicPartition, records: Sequence[Record]) -> None:
        if tp not in self._uncommitted.positions:
            # What expired since the last commit of its owner before is a gap, too.
            with contextlib.suppress(KafkaTimeoutError):
                began = self.consumer.committed(tp, timeout_ms=_POSITION_MS)
                if began is not None:
                    self._uncommitted.positions[tp] = began
        for first, after in self._uncommitted.read(tp, records):
            self.on_gap(tp.partition, first, after)

    def _forget_revoked(self) -> set[TopicPartition]:
        """Returns the partitions that are ours again, from the first uncommitted record on."""
        moved = self._uncommitted.forget_revoked()
        if not moved:
            return set()
        self._moved |= moved.keys()
        self.on_moved()
        self._carried = deque(self._kept(self._carried))
        return {tp for tp, first in moved.items() if first is not None and self._rewind(tp, first)}

    def _rewind(self, tp: TopicPartition, offset: int) -> bool:
        """Go back in a partition that came back: the client goes on after what it has delivered."""
        try:
            self.consumer.seek(tp, offset)
        except ValueError:  # it is another consumer's now
            return False
        return True

    def _kept(self, records: Iterable[Record]) -> list[Record]:
        return [record for record in records if partition_of(record) not in self._moved]

    def _take(self, records: Sequence[Record]) -> None:
        began, held = time.perf_counter(), self._uncommitted.held()
        dead = self._handle(records)
        self._forget_revoked()
        self._uncommitted.handled(self._kept(records))
        if records:
            reached("consumer_handled")
        self._commit()
        if records:
            reached("consumer_committed")
            self.on_committed(time.perf_counter() - began)
            # What is held is neither good nor bad yet.
            held = max(0, self._uncommitted.held() - held)
            self.brake.record(max(0, len(records) - dead - held), dead)

    def _handle(self, records: Sequence[Record]) -> int:
        """Returns how many became dead letters; halves a batch that raises, to find the record."""
        try:
            return self.sink.handle(records)
        except InvalidMessage as error:
            if len(records) == 1:
                return self._poison(records[0], error.reason, error.detail)
            if not records:
                raise
        except (Stopped, TocsinError, KafkaError, KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # a panic of a library in Rust is no Exception
            if not records:
                raise
            if len(records) == 1:
                return self._poison(records[0], self.poison_reason, internal_error(error))
        middle = len(records) // 2
        dead = self._handle(records[:middle])
        # Their new owner handles what has moved meanwhile.
        rest = self._kept(records[middle:])
        return dead + (self._handle(rest) if rest else 0)

    def _poison(self, record: Record, reason: Reason, detail: str) -> int:
        log.error("record given up", sink=self.name, offset=record.offset, why=detail)
        self.on_poison(record)
        self.dead_letter([(record, reason, detail)])
        return 1

    def _commit(self) -> None:
        """Commit offsets, not positions: carried-over records have been polled too."""
        offsets = self._uncommitted.to_commit(self.consumer.assignment())
        if not offsets:
            return
        entries = {tp: OffsetAndMetadata(offset, "", -1) for tp, offset in offsets.items()}
        try:
            self.consumer.commit(entries, timeout_ms=int(COMMIT_S * 1000))
        except (CommitFailedError, RebalanceInProgressError):
            # The new owner handles the records again, which changes nothing.
            log.info("partitions moved before the commit", sink=self.name)
        except KafkaTimeoutError:
            log.warning("Kafka takes no commit; it is repeated with the next", sink=self.name)
        else:
            self._uncommitted.committed(offsets)

    def hold(self, record: Record) -> Hold:
        """Commit nothing from this record on until :meth:`release`; later records are handled."""
        hold = self._uncommitted.hold(record)
        if hold.tp in self._moved:
            self._uncommitted.release(hold)
        return hold

    def is_held(self, hold: Hold) -> bool:
        """Whether the record is still this consumer's: its partition has not been taken away."""
        return self._uncommitted.is_held(hold)

    def release(self, hold: Hold) -> None:
        """The record is handled. Its offset is committed with the batch under way."""
        self._uncommitted.release(hold)

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
            self._poll(min(left, _POLL_S))
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

    @property
    def positions(self) -> dict[int, int]:
        """Partition to the offset after the last record that was read, as far as any was."""
        return {tp.partition: offset for tp, offset in self._uncommitted.positions.items()}

    def lag(self) -> dict[int, int]:
        """Uncommitted records by assigned partition, where the end offset is known."""
        lags = {}
        assignment = self.consumer.assignment()
        self.held = [tp.partition for tp in assignment]
        for tp in assignment:
            if (end := self.consumer.highwater(tp)) is None:
                continue
            offset = self._uncommitted.first(tp)
            if offset is None:
                offset = self.consumer.position(tp, timeout_ms=_POSITION_MS)
            if offset is not None:
                lags[tp.partition] = max(0, end - offset)
        return lags
