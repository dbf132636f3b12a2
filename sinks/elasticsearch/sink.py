"""Writes mentions to Elasticsearch; refused documents go to dead-letters.

The loop and its invariants are :mod:`runtime.kafka.consumer`. Here:

1. A record is handled once its state is in the index, superseded there, or a dead letter.
2. Operations on one post are written in order, also within a batch.
3. An index that takes no writes holds back its own messages only, unless it is that of the current
   month: see :mod:`sinks.elasticsearch.writes.index_blocks`.
4. No index is created that our template does not shape. It is asked of Elasticsearch before the
   first write to each index.
"""

import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from threading import Event
from typing import TypeVar

from elastic_transport import TransportError
from elasticsearch import ApiError, Elasticsearch

from runtime import metrics
from runtime.backoff import Busy, JitteredBackoff
from runtime.clock import Clock, utc_now
from runtime.collector import paused_collector
from runtime.crash_points import reached
from runtime.health import Health
from runtime.kafka.consumer import BatchLimits, PausingConsumer
from runtime.kafka.dead_letters import Brake
from runtime.kafka.membership import Membership
from runtime.kafka.protocols import Consumer, Producer, Record
from runtime.logs import get_logger
from runtime.settings import SinkSettings
from schemas.codec import MENTION_EVENT
from schemas.dead_letter import Reason
from schemas.errors import InvalidMessage
from schemas.mention import MentionErasure, MentionEvent, MentionUpsert
from sinks.elasticsearch import erasure
from sinks.elasticsearch.connection import reason
from sinks.elasticsearch.documents import Operation, removal
from sinks.elasticsearch.indices.index_shape import check_index
from sinks.elasticsearch.indices.mappings import IndexNames
from sinks.elasticsearch.lookup import Lookup
from sinks.elasticsearch.placement import is_superseded, settle
from sinks.elasticsearch.plan import Plan, Step, plan
from sinks.elasticsearch.writes.bulk import Outcome, RequestSize, takes_writes, write
from sinks.elasticsearch.writes.index_blocks import BlockedWrites

NAME = "elasticsearch"
SERVICE = "sink-elasticsearch"
GROUP = "sink-elasticsearch"
TOPIC = "mentions"
log = get_logger("sink")
Result = TypeVar("Result")
Rejected = list[tuple[Operation, str]]
"""Operations that Elasticsearch refuses for good, each with the reason."""
MAX_ITEM_FAILURES = 8
"""How often one document may fail alone (5xx) while its shard takes other writes."""
KNOWN_S = 60.0
"""How long what is known of posts and authors counts while the cluster takes no writes."""
_FOR_GOOD = (400, 413, 414, 422)
"""Answers to a whole request that a repeat does not change."""


class _Outdated(Exception):
    """The cluster took no writes for so long that authors may have been erased meanwhile."""


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
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.client = client
        self.names = names
        self.health = health
        self._clock = clock
        self._monotonic = monotonic
        self._on_written = on_written
        self._held: frozenset[int] = frozenset()
        self._busy = False
        self.membership = Membership(health, GROUP, TOPIC, _set_lag)
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
            on_poison=self._on_poison,
            on_gap=self.membership.skipped,
            on_moved=lambda: self._lookup.forget(),
        )
        self._size = RequestSize(settings.batch_bytes)
        self._blocked = BlockedWrites(
            client,
            names,
            self._consumer,
            self._size,
            sink=NAME,
            wait_s=settings.blocked_wait_s,
            clock=clock,
            insist=self._insist,
            count=self._count,
            expect=self._expect,
            outdated=self._outdated,
            monotonic=monotonic,
        )
        self._lookup = Lookup(client, names, waiting=self._blocked.waiting, monotonic=monotonic)
        self._shaped: set[str] = set()
        """The indices whose shape was looked at."""
        metrics.SINK_PAUSED.labels(NAME).set(0)

    def run(self, stop: Event) -> None:
        """Consume until ``stop`` is set; raises if a person has to act."""
        self._consumer.run(TOPIC, stop)

    def begin(self) -> None:
        self.health.clear("start")

    def beat(self) -> None:
        self.health.beat()
        consumer = self._consumer
        self.membership.holds(consumer.lag(), consumer.held, consumer.positions)
        held = frozenset(self._consumer.held)
        if not held <= self._held:
            self._lookup.forget()
        self._held = held

    @property
    def leads(self) -> bool:
        """Whether this process does the housekeeping of its group: it has the first partition."""
        return 0 in self._held

    def handle(self, records: Sequence[Record]) -> int:
        self._blocked.retry_due()
        with self._blocked.undone():
            dead = self._write_batch(records) if records else 0
        self._blocked.measure()
        self.health.note("blocked indices", self._blocked.told())
        return dead

    def _write_batch(self, records: Sequence[Record]) -> int:
        with paused_collector():
            work = plan(records)
        rejected: Rejected = []
        for step in work.steps:
            rejected += self._take_step(step, work)
        reached("sink_written")
        dead = self._dead_letters(work, rejected)
        self._observe(work, rejected)
        return dead

    def _take_step(self, step: Step, work: Plan) -> Rejected:
        failures: Counter[tuple[str, str]] = Counter()
        while True:
            try:
                with self._blocked.undone():
                    return self._write_step(step, work, failures)
            except _Outdated:
                self._lookup.forget()

    def _write_step(self, step: Step, work: Plan, failures: Counter[tuple[str, str]]) -> Rejected:
        known = self._insist(lambda: self._lookup.known(step.events))
        # A batch makes some 50 objects a mention, none of them in a cycle.
        with paused_collector():
            settled = settle(step.events, known, self.names)
        until = self._monotonic() + KNOWN_S
        rejected = self._write(settled.operations, work, until, failures)
        self._expect([operation.id for operation, _ in rejected if operation.kind == "upsert"])
        self._lookup.wrote(known)
        metrics.SINK_ITEMS.labels(NAME, "superseded").inc(settled.superseded)
        metrics.SINK_STRANGERS.labels(NAME).inc(settled.strangers)
        if step.erase is not None:
            self._erase(step.erase)
        return rejected

    def _outdated(self, records: Sequence[Record]) -> list[bool]:
        """Which upserts, after a wait, are covered by a later state, a delete or an erasure."""
        events = [MENTION_EVENT.decode(record.value or b"") for record in records]
        upserts = [event for event in events if isinstance(event, MentionUpsert)]
        known = self._insist(lambda: self._lookup.known(upserts))
        return [is_superseded(event, known) for event in upserts]

    def _on_poison(self, record: Record) -> None:
        metrics.SINK_ITEMS.labels(NAME, "dead").inc()
        with suppress(InvalidMessage):
            event = MENTION_EVENT.decode(record.value or b"")
            if isinstance(event, MentionUpsert):
                self._expect([event.id])

    def _expect(self, ids: Sequence[str]) -> None:
        """A letter of a post may be replayed after a delete of it, which must then be known."""
        pending = [removal(id_, 0, self.names, self._clock()) for id_ in ids]

        def attempt() -> None:
            nonlocal pending
            outcome = write(self.client, pending, self._size)
            pending = [*outcome.retry, *(operation for operation, _ in outcome.blocked)]
            if pending:
                raise Busy(outcome.why or outcome.blocked[0][1], outcome.cause or "index_blocked")

        if pending:
            self._insist(attempt)

    def _write(
        self,
        operations: Sequence[Operation],
        work: Plan,
        until: float,
        failures: Counter[tuple[str, str]],
    ) -> Rejected:
        """Retry until each operation is written, refused or parked; returns the refused ones.

        ``failures``: how often each document has failed alone. Raises :class:`_Outdated` if some
        are left at ``until``, monotonic.
        """
        self._look_at({operation.index for operation in operations})
        rejected: Rejected = []
        pending = []
        for operation in operations:
            if self._blocked.is_blocked(operation.index):
                self._park(operation, work)
            else:
                pending.append(operation)

        def attempt() -> None:
            nonlocal pending
            self.beat()
            if self._monotonic() > until:
                raise _Outdated
            outcome = write(self.client, pending, self._size)
            pending = []
            self._set_apart(outcome, work)
            self._count(outcome)
            rejected.extend(outcome.rejected)
            pending = outcome.retry
            failures.update(outcome.failing.keys())
            for key, why in outcome.failing.items():
                if failures[key] >= MAX_ITEM_FAILURES and takes_writes(self.client, *key) is None:
                    refused = [each for each in pending if (each.index, each.id) == key]
                    rejected.extend((each, f"{why} ({failures[key]} times)") for each in refused)
                    pending = [each for each in pending if each not in refused]
            if pending:
                raise Busy(outcome.why, outcome.cause)

        self._insist(attempt)
        return rejected

    def _look_at(self, indices: set[str]) -> None:
        """Before the first write to an index: that it has, or would get, our shape."""
        for index in sorted(indices - self._shaped):
            self._insist(
                partial(
                    check_index,
                    self.client,
                    self.names,
                    index,
                    existing=self._blocked.is_current(index),
                )
            )
            self._shaped.add(index)

    def _set_apart(self, outcome: Outcome, work: Plan) -> None:
        """Park what is for a blocked index; the current month is waited for instead."""
        for operation, why in outcome.blocked:
            if self._blocked.is_current(operation.index):
                outcome.retry.append(operation)
                outcome.why, outcome.cause = outcome.why or why, outcome.cause or "index_blocked"
            else:
                self._park(operation, work, why)

    def _park(self, operation: Operation, work: Plan, why: str | None = None) -> None:
        self._blocked.park(operation, work.records[operation.origin], why)

    def _insist(self, action: Callable[[], Result]) -> Result:
        """Retry ``action`` until the cluster takes it.

        Raises :class:`InvalidMessage` if it never will, so that the loop finds the record.
        """

        def attempt() -> Result:
            try:
                return action()
            except ApiError as error:
                why = f"{error.status_code}: {reason(error)}"
                if error.status_code in _FOR_GOOD:
                    raise InvalidMessage("index_rejected", why) from None
                raise Busy(why, f"status_{error.status_code}") from None
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
        written = sum(len(operation.document) for operation in outcome.written)
        metrics.SINK_BYTES.labels(NAME).inc(written)
        metrics.SINK_ITEMS.labels(NAME, "deleted").inc(kinds["tombstone"])
        metrics.SINK_ITEMS.labels(NAME, "written").inc(kinds["upsert"])
        metrics.SINK_ITEMS.labels(NAME, "superseded").inc(len(outcome.superseded))

    def _observe(self, work: Plan, rejected: Rejected) -> None:
        now = self._clock()
        metrics.SINK_LAST_WRITE.labels(NAME).set(now.timestamp())
        refused = {operation.id for operation, _ in rejected}
        blocked = self._blocked.indices
        event_latency = metrics.SINK_EVENT_LATENCY.labels(NAME)
        ingest_latency = metrics.SINK_INGEST_LATENCY.labels(NAME)
        newest = None
        for event in work.events:
            if not isinstance(event, MentionUpsert) or event.id in refused:
                continue
            if blocked and self.names.index_of(event) in blocked:
                continue
            event_latency.observe(max(0.0, (now - event.mention.post.created_at).total_seconds()))
            ingest_latency.observe(max(0.0, (now - event.ingested_at).total_seconds()))
            newest = event
        if newest is not None:
            self._on_written(newest)
