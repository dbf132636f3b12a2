"""Drives one source and delivers what it reads to Kafka.

Invariants:

1. A checkpoint is sent only after Kafka acknowledged every event and dead letter before it.
2. Everything that a source returns is sent: as an event, or as a dead letter with its reason.
3. Backpressure: with ``buffer_events`` events and dead letters in flight, the source is not read.
4. What Kafka will never take is given up, and the rest goes on: an event or a letter that is too
   large for a topic or a broker, however they are set, and one that the broker calls invalid.
5. A source's own exception, whatever it is, ends the process with the checkpoint where it was: what
   was read since is read again. Of a source that cannot resume, what it received is sent first.
6. What is told of the source's coverage neither holds nor ends the reading of its posts.
7. On SIGTERM and on a :class:`SourceError`, the source is closed, received items are sent, messages
   in flight are awaited, and the checkpoint is saved. All of this ends with the drain time-out (and
   one send's own). What Kafka has not acknowledged by then is read again after the restart.
"""

import contextlib
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from threading import Event
from types import MappingProxyType
from typing import Any

from kafka.errors import KafkaError, KafkaTimeoutError

from ingestors.checkpoints import TOPIC as CHECKPOINTS
from ingestors.coverage_teller import CoverageTeller, Put, nowhere
from ingestors.sender import Message, Sender
from ingestors.source import Acknowledged, Batch, Position, Source, SourceError
from runtime import metrics
from runtime.clock import Clock, utc_now
from runtime.crash_points import reached
from runtime.health import Health
from runtime.kafka.client import told
from runtime.kafka.native_producer import NativeProducer
from runtime.logs import get_logger
from runtime.settings import IngestSettings
from schemas.checkpoint import Checkpoint
from schemas.codec import CHECKPOINT
from schemas.errors import ServiceUnavailable
from schemas.post import PostUpsert

MAX_SHOWN = 300
"""Letters of an exception that are told."""
SLOW_AFTER_S = 10.0
"""Kafka that acknowledges nothing for so long is told by ``/readyz``."""
log = get_logger("ingest")


@dataclass(slots=True)
class _Sent:
    messages: list[Message]
    position: Position | None
    events: int
    at: float
    """When it was sent, monotonic seconds."""


class Runner:
    """Reads one source on one thread, until it ends or the runner is stopped."""

    def __init__(
        self,
        source: Source,
        producer: NativeProducer,
        *,
        topic_prefix: str,
        settings: IngestSettings,
        health: Health,
        clock: Clock = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
        limits: Mapping[str, int] = MappingProxyType({}),
        tell_coverage: Put = nowhere,
    ) -> None:
        self.source = source
        self.producer = producer
        self.settings = settings
        self.health = health
        self._prefix = topic_prefix
        self._clock = clock
        self._monotonic = monotonic
        self._sender = Sender(source.source_id, self._produce, clock, limits)
        self._coverage = CoverageTeller(source, tell_coverage, clock, settings.coverage_interval_s)
        self._sent: deque[_Sent] = deque()
        self._in_flight = 0
        self._acknowledged = 0
        self._position: Position | None = None
        self._saved: Position | None = None
        self._checkpoint_due = monotonic()
        self._checkpoint_sent: Any = None
        self._kafka_away = False
        self._stop = Event()
        self._deadline: float | None = None
        """End of the drain; None while the source is being read."""

    def run(self, stop: Event, checkpoint: Checkpoint | None) -> int:
        """Run until the source ends or ``stop`` is set; return the count of acknowledged events."""
        source_id = self.source.source_id
        if checkpoint is not None:
            self._position = self._saved = checkpoint.position
            self._acknowledged = checkpoint.posts
        before = self._acknowledged
        self._stop, self._deadline = stop, None
        self.source.open(None if checkpoint is None else checkpoint.position)
        self.health.hinder("source", f"{source_id} has not been heard yet")
        self.health.clear("start")
        self._coverage.start(checkpoint)
        log.info("reading", source=source_id, resumed=checkpoint is not None)
        failure: BaseException | None = None
        is_finished = False
        try:
            is_finished = self._read()
        except ServiceUnavailable:
            raise
        except BaseException as error:  # noqa: BLE001 - raised again below
            failure = error
            self._tell_end(error)
        finally:
            self.source.close()
        self._tell_coverage_end(is_finished, failure)
        self._drain(failure)
        log.info("stopped", source=source_id, events=self._acknowledged - before)
        if failure is not None:
            raise failure
        return self._acknowledged - before

    def _tell_coverage_end(self, is_finished: bool, failure: BaseException | None) -> None:
        if failure is None:
            self._coverage.stop(None if is_finished else "stopped")
            return
        # The words of any other error may be those of a post.
        is_ours = isinstance(failure, SourceError)
        self._coverage.stop("failed", str(failure) if is_ours else type(failure).__name__)

    def _tell_end(self, failure: BaseException) -> None:
        why = str(failure) if isinstance(failure, SourceError) else repr(failure)[:MAX_SHOWN]
        self.health.hinder("source", f"{self.source.source_id} has ended: {why}")
        if not isinstance(failure, SourceError):
            log.error("the source failed", source=self.source.source_id, error=why)

    def _read(self) -> bool:
        """Returns whether the source has come to its end."""
        while not self._stop.is_set():
            self._wait_for_room()
            batch = self.source.next_batch()
            self.health.beat()
            self._tell(batch.obstacle)
            self._coverage.read(batch)
            self._send(batch)
            reached("ingest_sent")
            self._settle()
            self._save_checkpoint()
            if batch.finished:
                return True
        return False

    def _tell(self, obstacle: str | None) -> None:
        if obstacle is None:
            self.health.clear("source")
        else:
            self.health.hinder("source", f"{self.source.source_id}: {obstacle}")

    def _drain_deadline(self) -> float:
        """The end of the drain, which begins with the first call."""
        if self._deadline is None:
            self._deadline = self._monotonic() + self.settings.drain_timeout_s
        return self._deadline

    def _out_of_time(self) -> bool:
        draining = self._deadline is not None or self._stop.is_set()
        return draining and self._monotonic() >= self._drain_deadline()

    def _send(self, batch: Batch) -> None:
        if not batch.events and not batch.unreadable and batch.position is None:
            return
        messages = [self._sender.event(event) for event in batch.events]
        messages += [self._sender.unreadable(item) for item in batch.unreadable]
        sent = _Sent(messages, batch.position, len(batch.events), self._monotonic())
        self._sent.append(sent)
        self._in_flight += len(messages)
        metrics.INGEST_IN_FLIGHT.labels(self.source.source_id).set(self._in_flight)
        if batch.events:
            self._count(batch)

    def _count(self, batch: Batch) -> None:
        source = self.source.source_id
        upserts = [event.post for event in batch.events if isinstance(event, PostUpsert)]
        metrics.INGEST_EVENTS.labels(source, "upsert").inc(len(upserts))
        for event in batch.events:
            if not isinstance(event, PostUpsert):
                metrics.INGEST_EVENTS.labels(source, event.op).inc()
        metrics.INGEST_LAST_RECEIVED.labels(source).set(self._clock().timestamp())
        if upserts:
            # Authors can date their posts as they like; none was written after it was read.
            newest = min(max(post.created_at for post in upserts), self._clock())
            metrics.INGEST_LAST_EVENT.labels(source).set(newest.timestamp())
        for post in upserts:
            if post.truncated:
                metrics.INGEST_TRUNCATED.labels(source).inc()
            if post.claimed_at is not None:
                metrics.INGEST_IMPLAUSIBLE_DATES.labels(source).inc()

    def _produce(self, topic: str, key: bytes | None, value: bytes) -> Any:
        """Send one message; while Kafka gives no metadata, wait and report it."""
        while True:
            try:
                return self.producer.send(self._prefix + topic, value=value, key=key)
            except KafkaTimeoutError as error:
                if self._out_of_time():
                    raise ServiceUnavailable(
                        f"Kafka did not answer within {self.settings.drain_timeout_s:.0f} s of the "
                        "stop; unacknowledged posts will be read again from the last checkpoint"
                    ) from None
                self.health.beat()
                self.health.hinder("kafka", told(error))
                self._coverage.held_up(told(error))
                metrics.RETRIES.labels("ingest", "kafka").inc()
                if not self._kafka_away:
                    log.warning("kafka does not answer; the source waits", error=told(error))
                self._kafka_away = True

    def _is_settled(self, sent: _Sent) -> bool:
        """Whether Kafka has all messages of a batch; what it refused is sent otherwise."""
        if not all(message.future.is_done for message in sent.messages):
            return False
        for at, message in enumerate(sent.messages):
            if message.future.failed():
                sent.messages[at] = self._sender.instead_of(message)
        return all(message.future.succeeded() for message in sent.messages)

    def _settle(self) -> None:
        settled = events = 0
        while self._sent and self._is_settled(self._sent[0]):
            sent = self._sent.popleft()
            settled += len(sent.messages)
            events += sent.events
            if sent.position is not None:
                self._position = sent.position
                if isinstance(self.source, Acknowledged):
                    self.source.acknowledged(sent.position)
        if settled:
            if self._kafka_away:
                log.info("kafka answers again")
            self._kafka_away = False
            self.health.clear("kafka")
            self._in_flight -= settled
            self._acknowledged += events
            reached("ingest_acknowledged")
            metrics.INGEST_ACKNOWLEDGED.labels(self.source.source_id).inc(events)
            metrics.INGEST_IN_FLIGHT.labels(self.source.source_id).set(self._in_flight)
        elif self._sent and self._monotonic() - self._sent[0].at > SLOW_AFTER_S:
            why = f"it has acknowledged nothing for {self._monotonic() - self._sent[0].at:.0f} s"
            self.health.hinder("kafka", why)

    def _wait_for_room(self) -> None:
        if self._in_flight < self.settings.buffer_events:
            return
        began = self._monotonic()
        while self._in_flight >= self.settings.buffer_events and not self._stop.is_set():
            self._stop.wait(0.002)
            self.health.beat()
            self._settle()
            if self._monotonic() - began > 5:
                self.health.hinder("kafka", "slow; the source is not being read")
                self._coverage.held_up("Kafka is slow; the source is not being read")
        waited = self._monotonic() - began
        metrics.INGEST_BACKPRESSURE_SECONDS.labels(self.source.source_id).inc(waited)

    def _save_checkpoint(self, now: bool = False) -> None:
        self._check_checkpoint()
        if self._position is None:
            return
        if self._position == self._saved and not self._coverage.unsaved(final=now):
            return
        sending = self._checkpoint_sent is not None and not self._checkpoint_sent.is_done
        if not now and (sending or self._monotonic() < self._checkpoint_due):
            return
        self._checkpoint_due = self._monotonic() + self.settings.checkpoint_interval_s
        moment = self._clock()
        checkpoint = Checkpoint(
            source_id=self.source.source_id,
            position=dict(self._position),
            saved_at=moment,
            posts=self._acknowledged,
            coverage=self._coverage.to_save(moment),
        )
        future = self._produce(
            CHECKPOINTS, checkpoint.source_id.encode(), CHECKPOINT.encode(checkpoint)
        )
        gauge = metrics.INGEST_CHECKPOINT.labels(self.source.source_id)
        future.add_callback(lambda _: gauge.set(moment.timestamp()))
        self._checkpoint_sent, self._saved = future, self._position
        reached("ingest_checkpoint_sent")

    def _check_checkpoint(self) -> None:
        """Raise if Kafka refused the last checkpoint: a restart would read much again."""
        if self._checkpoint_sent is not None and self._checkpoint_sent.failed():
            raise ServiceUnavailable(
                f"Kafka refused a checkpoint ({told(self._checkpoint_sent.exception)}); make "
                f"the topic {self._prefix}{CHECKPOINTS} writable, then restart"
            )

    def _drain(self, failure: BaseException | None) -> None:
        deadline = self._drain_deadline()
        is_intact = failure is None or isinstance(failure, SourceError)
        try:
            self._send_received(is_intact)
        except SourceError:
            pass  # the source has nothing left
        except ServiceUnavailable:
            raise
        except BaseException as error:
            # It fails again: what it still holds is read again, if it can resume.
            if failure is None or not isinstance(error, Exception):
                raise
        while self._sent and not self._out_of_time():
            self.health.beat()
            self._settle()
            time.sleep(0.002)
        self._save_checkpoint(now=True)
        remaining = max(1.0, deadline - self._monotonic())
        with contextlib.suppress(KafkaError):  # missing acknowledgements raise below
            self.producer.flush(timeout=remaining)
        if self._sent:
            raise ServiceUnavailable(
                f"{self._in_flight} messages were not acknowledged by Kafka within "
                f"{self.settings.drain_timeout_s:.0f} s; they will be read again from the last "
                "checkpoint"
            )
        self._check_checkpoint()
        if self._checkpoint_sent is not None and not self._checkpoint_sent.is_done:
            raise ServiceUnavailable(
                "Kafka did not acknowledge the last checkpoint within "
                f"{self.settings.drain_timeout_s:.0f} s; posts after the previous one will be "
                "read again"
            )

    def _send_received(self, is_intact: bool) -> None:
        """Send what the closed source received before, until it has no more.

        Of a source that failed, the position may be beyond what it has handed over.
        """
        while not self._out_of_time():
            batch = self.source.next_batch()
            if not batch.events and not batch.unreadable:
                break
            self.health.beat()
            self._send(batch if is_intact else replace(batch, position=None))
            self._settle()
