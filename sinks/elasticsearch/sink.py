"""Writes mentions to Elasticsearch; refused documents go to dead-letters.

The loop and its invariants are :mod:`runtime.kafka.consumer`. Here:

1. A record is handled once its state is in the index, superseded there, or a dead letter.
2. Operations on one post are written in order, also within a batch.
"""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from threading import Event
from typing import TypeVar

from elastic_transport import TransportError
from elasticsearch import ApiError, Elasticsearch

from runtime import metrics
from runtime.backoff import Busy, JitteredBackoff
from runtime.clock import Clock, utc_now
from runtime.crash_points import reached
from runtime.health import Health
from runtime.kafka.consumer import BatchLimits, PausingConsumer
from runtime.kafka.dead_letters import Brake
from runtime.kafka.membership import Membership
from runtime.kafka.protocols import Consumer, Producer, Record
from runtime.logs import get_logger
from runtime.settings import SinkSettings
from schemas.dead_letter import Reason
from schemas.mention import MentionErasure, MentionEvent, MentionUpsert
from sinks.elasticsearch import erasure
from sinks.elasticsearch.bulk import Outcome, write
from sinks.elasticsearch.documents import Operation, removal
from sinks.elasticsearch.lookup import Lookup
from sinks.elasticsearch.mappings import IndexNames
from sinks.elasticsearch.placement import settle
from sinks.elasticsearch.plan import Plan, Step, plan

NAME = "elasticsearch"
SERVICE = "sink-elasticsearch"
GROUP = "sink-elasticsearch"
TOPIC = "mentions"
log = get_logger("sink")
Result = TypeVar("Result")
Rejected = list[tuple[Operation, str]]
"""Operations that Elasticsearch refuses for good, each with the reason."""


def _set_lag(partition: int, messages: int) -> None:
    metrics.SINK_LAG.labels(NAME, str(partition)).set(messages)


class ElasticsearchSink:
    """A :class:`runtime.kafka.consumer.Sink`; :meth:`run` owns the thread."""

    def __init__(
        self,
        consumer: Consumer,
        producer: Producer,
        client: Elasticsearch,
        *,
        names: IndexNames,
        topic_prefix: str,
        settings: SinkSettings,
        health: Health,
        clock: Clock = utc_now,
        on_written: Callable[[MentionEvent], None] = lambda event: None,
    ) -> None:
        self.client = client
        self.names = names
        self.health = health
        self._clock = clock
        self._on_written = on_written
        self._lookup = Lookup(client, names)
        self._held: frozenset[int] = frozenset()
        self._busy = False
        self._consumer = PausingConsumer(
            consumer=consumer,
            producer=producer,
            sink=self,
            name="the sink",
            service=SERVICE,
            topic_prefix=topic_prefix,
            limits=BatchLimits(settings.batch_size, settings.batch_bytes, settings.batch_within_s),
            backoff=JitteredBackoff(settings.retry_first_s, settings.retry_max_s, random.random),
            brake=Brake.of(settings),
            clock=clock,
            on_committed=metrics.SINK_BATCH_SECONDS.labels(NAME).observe,
        )
        self.membership = Membership(health, GROUP, TOPIC, _set_lag)
        metrics.SINK_PAUSED.labels(NAME).set(0)

    def run(self, stop: Event) -> None:
        """Consume until ``stop`` is set; raises if a person has to act."""
        self._consumer.run(TOPIC, stop)

    def begin(self) -> None:
        self.health.clear("start")

    def beat(self) -> None:
        self.health.beat()
        self.membership.holds(self._consumer.lag(), self._consumer.held)
        held = frozenset(self._consumer.held)
        if not held <= self._held:
            self._lookup.forget()
        self._held = held

    @property
    def leads(self) -> bool:
        """Whether this process does the housekeeping of its group: it has the first partition."""
        return 0 in self._held

    def handle(self, records: Sequence[Record]) -> int:
        if not records:
            return 0
        work = plan(records)
        rejected: Rejected = []
        for step in work.steps:
            rejected += self._take_step(step)
        reached("sink_written")
        dead = self._dead_letters(work, rejected)
        self._observe(work, rejected)
        return dead

    def _take_step(self, step: Step) -> Rejected:
        known = self._insist(lambda: self._lookup.known(step.events))
        settled = settle(step.events, known, self.names)
        rejected = self._write(settled.operations)
        # A dead letter may be replayed after a delete, which must then be known.
        self._write(
            [
                removal(operation.id, 0, self.names, self._clock())
                for operation, _ in rejected
                if operation.kind == "upsert"
            ]
        )
        self._lookup.wrote(known)
        metrics.SINK_ITEMS.labels(NAME, "superseded").inc(settled.superseded)
        metrics.SINK_STRANGERS.labels(NAME).inc(settled.strangers)
        if step.erase is not None:
            self._erase(step.erase)
        return rejected

    def _write(self, operations: Sequence[Operation]) -> Rejected:
        """Retry until each operation is written or refused; returns the refused ones."""
        rejected: Rejected = []
        pending = list(operations)

        def attempt() -> None:
            nonlocal pending
            outcome = write(self.client, pending)
            rejected.extend(outcome.rejected)
            self._count(outcome)
            pending = outcome.retry
            if pending:
                raise Busy(outcome.why, outcome.cause)

        self._consumer.insist(attempt)
        return rejected

    def _insist(self, action: Callable[[], Result]) -> Result:
        """Retry ``action`` until the cluster takes it."""

        def attempt() -> Result:
            try:
                return action()
            except ApiError as error:
                raise Busy(str(error.message), f"status_{error.status_code}") from None
            except (TransportError, erasure.ErasureIncomplete) as error:
                raise Busy(str(error), "connection") from None

        return self._consumer.insist(attempt)

    def _erase(self, event: MentionErasure) -> None:
        """Erase once; what an index does not take now is left to the housekeeping."""
        author = erasure.Erasure(event.source, event.author_id, event.version)
        since, now = event.ingested_at, self._clock()
        self._insist(lambda: erasure.remember(self.client, self.names, author, since))
        reached("sink_erasure_remembered")
        try:
            erased = erasure.carry_out(self.client, self.names, author, since, now)
        except (ApiError, TransportError, erasure.ErasureIncomplete) as error:
            log.error("erasure incomplete; it is repeated", source=event.source, why=str(error))
            return
        reached("sink_erased")
        metrics.SINK_ITEMS.labels(NAME, "deleted").inc(erased)
        log.info("author erased", source=event.source, posts=erased)

    def busy(self, why: str, cause: str) -> None:
        if not self._busy:
            log.warning("elasticsearch does not take writes; waiting", why=why)
        self._busy = True
        self.health.hinder("elasticsearch", why)
        metrics.RETRIES.labels(SERVICE, cause).inc()
        metrics.SINK_PAUSED.labels(NAME).set(1)

    def free(self) -> None:
        if self._busy:
            log.info("elasticsearch takes writes again")
        self._busy = False
        metrics.SINK_PAUSED.labels(NAME).set(0)
        self.health.clear("elasticsearch")

    def _dead_letters(self, work: Plan, rejected: Rejected) -> int:
        letters: list[tuple[Record, Reason, str]] = [
            (record, error.reason, error.detail) for record, error in work.invalid
        ]
        letters += [
            (work.records[operation.origin], "index_rejected", why) for operation, why in rejected
        ]
        self._consumer.dead_letter(letters)
        metrics.SINK_ITEMS.labels(NAME, "dead").inc(len(letters))
        return len(letters)

    def _count(self, outcome: Outcome) -> None:
        kinds = Counter(operation.kind for operation in outcome.written)
        metrics.SINK_ITEMS.labels(NAME, "deleted").inc(kinds["tombstone"])
        metrics.SINK_ITEMS.labels(NAME, "written").inc(kinds["upsert"])
        metrics.SINK_ITEMS.labels(NAME, "superseded").inc(len(outcome.superseded))

    def _observe(self, work: Plan, rejected: Rejected) -> None:
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
