"""Processes, delivers and counts batches, and bounds what the encoder reads; or ends the process.

An exception must never leave a Faust agent: it would acknowledge in ``finally`` and lose data.
On a fatal error the process ends without acknowledging, and Kafka delivers the batch again.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence, Set
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple, Protocol

from brands.brand_matcher import BrandMatcher
from brands.registry import BrandRegistry
from processors.enrichment.annotator_table import build_enricher
from processors.enrichment.batch import SERVICE, Processed, process, too_slow
from processors.enrichment.encoder_budget import EncoderBudget
from processors.enrichment.encoder_choice import BrandShares, Choice
from processors.enrichment.enricher import Enricher
from processors.faust.messages import Outgoing, end_process, forever
from processors.faust.producer import BatchProducer
from runtime import metrics
from runtime.clock import Clock, utc_now
from runtime.collector import leave_loaded
from runtime.crash_points import reached
from runtime.health import Health
from runtime.kafka.attempts import MAX_TRIES, Attempts, AttemptStore, GroupAttempts
from runtime.kafka.dead_letters import Brake
from runtime.kafka.protocols import Record
from runtime.logs import get_logger
from runtime.settings import KafkaSettings, ProcessSettings
from schemas.errors import ServiceUnavailable, TocsinError

log = get_logger(SERVICE)


class Brands(Protocol):
    """The part of :class:`BrandRegistry` that a worker uses."""

    @property
    def filled(self) -> Any: ...
    def matcher(self) -> BrandMatcher: ...
    def start(self, on_failure: Callable[[Exception], None]) -> None: ...
    def stop(self) -> None: ...


class Delivers(Protocol):
    """The part of :class:`BatchProducer` that a worker uses."""

    async def start(self) -> None: ...
    async def send(self, outgoing: Sequence[Outgoing]) -> Awaitable[None]: ...
    async def stop(self) -> None: ...


@dataclass(frozen=True)
class Parts:
    """What a worker is made of; tests hand in others."""

    brands: Brands
    producer: Delivers
    attempts: AttemptStore
    enricher: Enricher | None = None
    """None: that of the settings, loaded at the start."""
    end: Callable[[BaseException], Any] = end_process

    @classmethod
    def of(cls, kafka: KafkaSettings, clock: Clock) -> "Parts":
        attempts = GroupAttempts(kafka, SERVICE, "posts")
        return cls(BrandRegistry(kafka, clock), BatchProducer(kafka), attempts)


class _Slice(NamedTuple):
    messages: Sequence[Record]
    acknowledge: Callable[[], None]
    alone: bool


class _Sent(NamedTuple):
    """A slice that is enriched, on its way to Kafka."""

    piece: _Slice
    result: Processed
    delivered: Awaitable[None]
    began: float
    """Monotonic seconds."""


def slices(batch: Sequence[Record], alone: Set[int], max_bytes: int) -> Iterator[tuple[int, int]]:
    """First and end of the slices of a batch: at most ``max_bytes`` together, or one message.

    A message at a place in ``alone`` is a slice of its own.
    """
    first = size = 0
    for place, message in enumerate(batch):
        own = len(message.value or b"") + len(message.key or b"")
        if place > first and (size + own > max_bytes or place in alone or place - 1 in alone):
            yield first, place
            first, size = place, 0
        size += own
    if batch:
        yield first, len(batch)


class EnrichmentWorker:
    """The state of one processor: its brands, models, producer and brake."""

    def __init__(
        self,
        kafka: KafkaSettings,
        settings: ProcessSettings,
        health: Health,
        lag: Callable[[], int] = lambda: 0,
        clock: Clock = utc_now,
        parts: Parts | None = None,
    ) -> None:
        parts = parts or Parts.of(kafka, clock)
        self.health = health
        self.settings = settings
        self.book = parts.brands
        self._clock = clock
        self._lag = lag
        self._budget = EncoderBudget(settings.tier, settings.encoder_share, settings.fast_above_lag)
        self._shares = BrandShares()
        self._delivery = parts.producer
        self._attempts = Attempts(parts.attempts)
        self._enricher = parts.enricher
        self._end = parts.end
        self._tasks: list[asyncio.Task[None]] = []
        # One waits, one is enriched, three are delivered: five slices in memory.
        self._slices: asyncio.Queue[_Slice] = asyncio.Queue(maxsize=1)
        self._sent: asyncio.Queue[_Sent] = asyncio.Queue(maxsize=2)
        self._brake = Brake.of(settings)

    @property
    def holding(self) -> bool:
        """Whether it waits for brands."""
        return not self.book.filled.is_set()

    def load(self) -> None:
        """Load the models; :meth:`start` does, if nobody has."""
        self.health.hinder("start", "loading models")
        self._enricher = build_enricher(self.settings, self.book.matcher)
        self._enricher.warm()
        leave_loaded()
        self.health.hinder("start", "connecting to Kafka")

    async def start(self) -> None:
        """Load the models, connect, and wait for the first brand."""
        try:
            if self._enricher is None:
                await asyncio.to_thread(self.load)
            await self._delivery.start()
        except TocsinError as error:
            self._end(error)
            raise
        self.book.start(on_failure=self._end)
        self._tasks = [
            forever(self._handle_slices(), "enrichment of posts", self._end),
            forever(self._finish_slices(), "delivery of enriched posts", self._end),
            forever(self._beat(), "heartbeat", self._end),
        ]
        self.health.clear("start")
        await self._wait_for_brands()

    async def _beat(self) -> None:
        while not any(task.done() for task in self._tasks):  # /healthz must not outlive the work
            self.health.beat()
            await asyncio.sleep(5)

    async def _wait_for_brands(self) -> None:
        """Reading without brands would drop the whole stream as unmatched."""
        while self.holding:
            self.health.hinder("brands", "there are none; run 'tocsin brands apply brands.yaml'")
            await asyncio.sleep(0.2)
        self.health.clear("brands")

    async def take(self, batch: Sequence[Record], acknowledge: Callable[[int, int], None]) -> None:
        """Queue a batch in slices, each as soon as there is room; returns once the last is begun.

        A rebalance waits for all batches that were taken, so no batch waits behind another here.
        Slices are delivered in the order of messages; ``acknowledge(first, end)`` is called after
        the delivery of the messages at these places of the batch.
        """
        alone = await asyncio.to_thread(self._alone, batch)
        for first, end in slices(batch, alone, self.settings.batch_bytes):
            await self._slices.put(
                _Slice(batch[first:end], partial(acknowledge, first, end), first in alone)
            )
        await self._slices.join()

    def _alone(self, batch: Sequence[Record]) -> set[int]:
        """The places of the messages that are handled one at a time."""
        attempts = self._attempts
        return {
            place
            for place, message in enumerate(batch)
            if attempts.is_alone(message.partition, message.offset)
        }

    async def _handle_slices(self) -> None:
        """Enrich slices and send them, in order; never returns."""
        while True:
            piece = await self._slices.get()
            self._slices.task_done()
            if self.holding:
                # Waiting here would block a rebalance; after a restart, start() waits.
                raise ServiceUnavailable(
                    "the last brand was removed; run 'tocsin brands apply brands.yaml'"
                )
            began = time.perf_counter()
            result = await self._result(piece)
            self._budget.spend(result.accurate, result.accurate_s)
            self._shares.count(result.brands.items())
            reached("process_enriched")
            delivered = await self._delivery.send(result.outgoing)
            await self._sent.put(_Sent(piece, result, delivered, began))

    async def _result(self, piece: "_Slice") -> Processed:
        """The enriched slice. In a thread, so heartbeats and fetches go on meanwhile."""
        assert self._enricher is not None, "start() comes first"
        work = partial(process, piece.messages, self._enricher, self._clock, self._choose())
        if not piece.alone:
            return await asyncio.to_thread(work)
        (message,) = piece.messages
        place, budget_s = (message.partition, message.offset), self.settings.message_budget_s
        if not await asyncio.to_thread(self._attempts.begin, *place):
            detail = (
                f"{MAX_TRIES} processes ended while they enriched it alone, or after {budget_s:g} s"
            )
            return too_slow(message, detail, self._clock())
        try:
            result = await asyncio.wait_for(asyncio.to_thread(work), budget_s)
        except TimeoutError:
            raise TocsinError(
                f"the post at offset {message.offset} of partition {message.partition} takes more "
                f"than {budget_s:g} s; ending, since it cannot be interrupted"
            ) from None
        await asyncio.to_thread(self._attempts.finish, *place)
        return result

    def _choose(self) -> Choice:
        budget, lag = self._budget, self._lag()
        before = budget.fallen_back
        choice = budget.choice(lag, time.monotonic(), self._shares.rising())
        if budget.fallen_back != before:
            log.warning("the encoder reads less" if not before else "the encoder reads", lag=lag)
        metrics.PROCESS_FAST_FALLBACK.set(budget.fallen_back)
        metrics.PROCESS_ENCODER_CORE.set(budget.share_at(lag))
        return choice

    async def _finish_slices(self) -> None:
        """Acknowledge slices in order, each after its delivery; never returns."""
        while True:
            piece, result, delivered, began = await self._sent.get()
            await delivered
            reached("process_delivered")
            piece.acknowledge()
            for op, count in result.mentions.items():
                metrics.PROCESS_MENTIONS.labels(op).inc(count)
            metrics.PROCESS_UNMATCHED.inc(result.unmatched)
            metrics.PROCESS_BATCH_SECONDS.observe(time.perf_counter() - began)
            self._brake.record(result.good, result.bad)

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        self.book.stop()
        await self._delivery.stop()
