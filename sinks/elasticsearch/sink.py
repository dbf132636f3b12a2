"""The consumer loop: poll a batch, write it, dead-letter what is refused, then commit.

Invariants:

1. Offsets are committed only after each message before them is in the index, is superseded
   there, or is in dead-letters and acknowledged by Kafka.
2. While the cluster is busy or away, the partitions are paused and the same operations are tried
   again with jitter; nothing else is read, and the group membership is kept.
3. Messages of one post are written in order: a batch keeps it, and batches do not overlap.
"""

import random
import time
from collections.abc import Callable, Sequence
from functools import partial
from threading import Event
from typing import Any

from elastic_transport import TransportError
from elasticsearch import ApiError, Elasticsearch
from kafka import KafkaConsumer, KafkaProducer
from kafka.errors import CommitFailedError, KafkaError, RebalanceInProgressError
from kafka.structs import OffsetAndMetadata, TopicPartition

from runtime import metrics
from runtime.clock import Clock, utc_now
from runtime.health import Health
from runtime.kafka.brake import Brake
from runtime.kafka.dead_letters import TOPIC as DEAD_LETTERS
from runtime.kafka.dead_letters import dead_letter_of
from runtime.logs import get_logger
from runtime.settings import SinkSettings
from schemas.dead_letter import Reason
from schemas.errors import ServiceUnavailable
from schemas.mention import MentionErasure, MentionEvent, MentionUpsert
from sinks.elasticsearch import erasure
from sinks.elasticsearch.bulk import Outcome, write
from sinks.elasticsearch.documents import Operation
from sinks.elasticsearch.mappings import IndexNames
from sinks.elasticsearch.plan import Plan, Step, locate, located, plan, refresh

NAME = "elasticsearch"
SERVICE = "sink-elasticsearch"
GROUP = "sink-elasticsearch"
log = get_logger("sink")


class Stopped(Exception):
    """Told to stop while waiting; what was not committed comes again."""


class ElasticsearchSink:
    """Writes mentions until told to stop. One thread; more processes share the partitions."""

    def __init__(
        self,
        consumer: KafkaConsumer,
        producer: KafkaProducer,
        client: Elasticsearch,
        *,
        names: IndexNames,
        topic_prefix: str,
        settings: SinkSettings,
        health: Health,
        clock: Clock = utc_now,
        on_written: Callable[[MentionEvent], None] = lambda event: None,
    ) -> None:
        self.consumer = consumer
        self.producer = producer
        self.client = client
        self.names = names
        self.settings = settings
        self.health = health
        self._prefix = topic_prefix
        self._clock = clock
        self._on_written = on_written
        self._locate = partial(locate, client, names)
        self._carried: list[Any] = []
        self._brake = Brake.of(settings)

    def run(self, stop: Event) -> None:
        """Consume until ``stop`` is set; raises when a person has to act."""
        self.consumer.subscribe([self._prefix + "mentions"])
        self.health.clear("start")
        try:
            while not stop.is_set():
                self.health.beat()
                records = self._gather()
                if records:
                    self._handle(records, stop)
        except Stopped:
            log.info("stopped while waiting; the batch comes again")
        except KafkaError as error:
            raise ServiceUnavailable(
                f"Kafka does not serve the sink ({error!r}); nothing uncommitted is lost"
            ) from None
        finally:
            self.consumer.close()

    # --- one batch -------------------------------------------------------------------------

    def _gather(self) -> list[Any]:
        """Records up to the batch's size in messages, bytes or time."""
        records, self._carried = self._carried, []
        size = sum(len(record.value or b"") for record in records)
        deadline = time.monotonic() + self.settings.batch_within_s
        while len(records) < self.settings.batch_size and size < self.settings.batch_bytes:
            left = deadline - time.monotonic()
            if records and left <= 0:
                break
            wait_ms = 500 if not records else max(1, int(left * 1000))
            polled = self.consumer.poll(
                timeout_ms=wait_ms, max_records=self.settings.batch_size - len(records)
            )
            for part in polled.values():
                records.extend(part)
                size += sum(len(record.value or b"") for record in part)
            if not records:
                self._export_lag()
                break
        return records

    def _handle(self, records: Sequence[Any], stop: Event) -> None:
        began = time.perf_counter()
        work = plan(records, self.names)
        rejected: list[tuple[Operation, str]] = []
        for step in work.steps:
            rejected += self._take_step(step, stop)
        dead = self._dead_letters(work, rejected)
        self._commit(records)
        self._observe(work, rejected)
        metrics.SINK_BATCH_SECONDS.labels(NAME).observe(time.perf_counter() - began)
        self._brake.record(len(records) - dead, dead)

    def _take_step(self, step: Step, stop: Event) -> list[tuple[Operation, str]]:
        rejected = self._write(step.operations, stop)
        if step.to_locate:
            if any(self.names.index_of(event) is None for event in step.to_locate):
                # The post may be a second old, and the search is all that can find it. Where the
                # month is known, the search is for a copy under a date that a client made up.
                self._insist(lambda: refresh(self.client, self.names), stop)
            operations = self._insist(lambda: located(step, self._locate), stop)
            rejected += self._write(operations, stop)
        if step.erase is not None:
            self._erase(step.erase, stop)
        return rejected

    def _write(self, operations: Sequence[Operation], stop: Event) -> list[tuple[Operation, str]]:
        """Write until each operation is done or refused; returns the refused ones."""
        rejected: list[tuple[Operation, str]] = []
        pending, attempt = list(operations), 0
        while pending:
            outcome = write(self.client, pending)
            rejected += outcome.rejected
            self._count(outcome)
            pending = outcome.retry
            if pending:
                self._wait(attempt, outcome.why, outcome.cause, stop)
                attempt += 1
        self._recovered()
        return rejected

    def _insist(self, action: Callable[[], Any], stop: Event) -> Any:
        """Do ``action`` until the cluster lets it."""
        attempt = 0
        while True:
            try:
                result = action()
            except ApiError as error:
                self._wait(attempt, str(error.message), f"status_{error.status_code}", stop)
            except (TransportError, erasure.ErasureIncomplete) as error:
                self._wait(attempt, str(error), "connection", stop)
            else:
                self._recovered()
                return result
            attempt += 1

    def _erase(self, event: MentionErasure, stop: Event) -> None:
        author, at = event.author_id, self._clock()

        def action() -> int:
            erasure.remember(
                self.client, self.names, event.source, author, event.version, event.enriched_at
            )
            return erasure.erase(self.client, self.names, event.source, author, event.version, at)

        erased = self._insist(action, stop)
        metrics.SINK_ITEMS.labels(NAME, "deleted").inc(erased)
        log.info("author erased", source=event.source, posts=erased)

    # --- waiting ---------------------------------------------------------------------------

    def _wait(self, attempt: int, why: str, cause: str, stop: Event) -> None:
        """Backpressure: pause the partitions and wait with jitter, keeping the membership."""
        if attempt == 0:
            log.warning("elasticsearch does not take writes; waiting", why=why)
        self.health.hinder("elasticsearch", why)
        metrics.RETRIES.labels(SERVICE, cause).inc()
        metrics.SINK_PAUSED.labels(NAME).set(1)
        most = min(self.settings.retry_max_s, self.settings.retry_first_s * 2 ** min(attempt, 20))
        deadline = time.monotonic() + random.uniform(most / 2, most)
        while (left := deadline - time.monotonic()) > 0:
            if stop.is_set():
                raise Stopped
            self.health.beat()
            self.consumer.pause(*self.consumer.assignment())
            polled = self.consumer.poll(timeout_ms=int(min(left, 0.5) * 1000) + 1)
            # A partition that was just assigned may deliver before it is paused.
            self._carried += [record for part in polled.values() for record in part]

    def _recovered(self) -> None:
        paused = self.consumer.paused()
        if paused:
            self.consumer.resume(*paused)
            log.info("elasticsearch takes writes again")
        metrics.SINK_PAUSED.labels(NAME).set(0)
        self.health.clear("elasticsearch")

    # --- after the writes ------------------------------------------------------------------

    def _dead_letters(self, work: Plan, rejected: Sequence[tuple[Operation, str]]) -> int:
        """Deliver the dead letters and wait for Kafka; returns how many there were."""
        letters: list[tuple[Any, Reason, str]] = [
            (record, error.reason, error.detail) for record, error in work.invalid
        ]
        letters += [
            (work.records[operation.id, operation.version], "index_rejected", why)
            for operation, why in rejected
        ]
        futures = []
        for record, reason, detail in letters:
            value = dead_letter_of(
                record, service=SERVICE, reason=reason, detail=detail, at=self._clock()
            )
            futures.append(
                self.producer.send(self._prefix + DEAD_LETTERS, value=value, key=record.key)
            )
            metrics.DEAD_LETTERS.labels(SERVICE, reason).inc()
        for future in futures:
            future.get(timeout=60)
        metrics.SINK_ITEMS.labels(NAME, "dead").inc(len(letters))
        return len(letters)

    def _commit(self, records: Sequence[Any]) -> None:
        """Commit behind the batch; offsets, not positions, since more may have been carried."""
        ours = {(tp.topic, tp.partition) for tp in self.consumer.assignment()}
        offsets = {}
        for record in records:
            if (record.topic, record.partition) in ours:
                offsets[record.topic, record.partition] = record.offset + 1
        try:
            self.consumer.commit(commit_offsets(offsets))
        except (CommitFailedError, RebalanceInProgressError):
            # The partitions went to another sink, which writes them again: that changes nothing.
            log.info("partitions moved before the commit")
        self._export_lag()

    def _count(self, outcome: Outcome) -> None:
        deleted = sum(operation.deletes for operation in outcome.written)
        metrics.SINK_ITEMS.labels(NAME, "deleted").inc(deleted)
        metrics.SINK_ITEMS.labels(NAME, "written").inc(len(outcome.written) - deleted)
        metrics.SINK_ITEMS.labels(NAME, "superseded").inc(len(outcome.superseded))

    def _observe(self, work: Plan, rejected: Sequence[tuple[Operation, str]]) -> None:
        now = self._clock()
        metrics.SINK_LAST_WRITE.labels(NAME).set(now.timestamp())
        refused = {operation.id for operation, _ in rejected}
        event_latency = metrics.SINK_EVENT_LATENCY.labels(NAME)
        ingest_latency = metrics.SINK_INGEST_LATENCY.labels(NAME)
        newest = None
        for event in work.events:
            if not isinstance(event, MentionUpsert) or event.id in refused:
                continue
            event_latency.observe(max(0.0, (now - event.mention.post.created_at).total_seconds()))
            ingest_latency.observe(max(0.0, (now - event.ingested_at).total_seconds()))
            newest = event
        if newest is not None:
            self._on_written(newest)

    def _export_lag(self) -> None:
        gauge = metrics.SINK_LAG
        gauge.clear()
        for tp in self.consumer.assignment():
            end = self.consumer.highwater(tp)
            if end is not None:
                lag = max(0, end - self.consumer.position(tp))
                gauge.labels(NAME, str(tp.partition)).set(lag)


def commit_offsets(offsets: dict[tuple[str, int], int]) -> dict[Any, Any]:
    """kafka-python's form of ``{(topic, partition): offset}``."""
    return {
        TopicPartition(topic, partition): OffsetAndMetadata(offset, "", -1)
        for (topic, partition), offset in offsets.items()
    }
