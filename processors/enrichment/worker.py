"""Processes, delivers and counts batches, and chooses the tier of each; or ends the process.

An exception must never leave a Faust agent: it would acknowledge in ``finally`` and lose data.
On a fatal error the process ends without acknowledging, and Kafka delivers the batch again.
"""

import asyncio
import time
from collections.abc import Callable, Sequence

from brands.registry import BrandRegistry
from processors.enrichment.annotator_table import build_enricher
from processors.enrichment.batch import SERVICE, Processed, process
from processors.enrichment.enricher import Enricher
from processors.enrichment.tiers import TierChooser
from processors.faust.messages import Incoming, end_process
from processors.faust.producer import BatchProducer
from runtime import metrics
from runtime.clock import Clock, utc_now
from runtime.crash_points import reached
from runtime.health import Health
from runtime.kafka.dead_letters import Brake
from runtime.logs import get_logger
from runtime.settings import KafkaSettings, ProcessSettings
from schemas.errors import ServiceUnavailable, TocsinError
from schemas.types import Tier

log = get_logger(SERVICE)


class EnrichmentWorker:
    """The state of one processor: its brands, models, producer and brake."""

    def __init__(
        self,
        kafka: KafkaSettings,
        settings: ProcessSettings,
        health: Health,
        lag: Callable[[], int] = lambda: 0,
        clock: Clock = utc_now,
        *,
        registry: BrandRegistry | None = None,
        producer: BatchProducer | None = None,
        end: Callable[[Exception], None] = end_process,
    ) -> None:
        self.health = health
        self.settings = settings
        self.book = registry or BrandRegistry(kafka, clock)
        self._end = end
        self._clock = clock
        self._lag = lag
        self._tiers = TierChooser(settings.tier, settings.fast_above_lag)
        self._delivery = producer or BatchProducer(kafka)
        self._enricher: Enricher | None = None
        self._tasks: list[asyncio.Task[None]] = []
        # One waits, one is enriched, one is delivered: three batches in memory.
        self._batches: asyncio.Queue[tuple[Sequence[Incoming], Callable[[], None]]] = asyncio.Queue(
            maxsize=1
        )
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
        self.health.hinder("start", "connecting to Kafka")

    async def start(self) -> None:
        """Load the models, connect, and wait for the first brand."""
        try:
            if self._enricher is None:
                await asyncio.to_thread(self.load)
            await self._delivery.start()
        except TocsinError as error:
            end_process(error)
        self.book.start(on_failure=end_process)
        self._tasks = [asyncio.create_task(work) for work in (self._beat(), self._handle_batches())]
        self.health.clear("start")
        await self._wait_for_brands()

    async def _beat(self) -> None:
        while True:
            self.health.beat()
            await asyncio.sleep(5)

    async def _wait_for_brands(self) -> None:
        """Reading without brands would drop the whole stream as unmatched."""
        while self.holding:
            self.health.hinder("brands", "there are none; run 'tocsin brands apply brands.yaml'")
            await asyncio.sleep(0.2)
        self.health.clear("brands")

    async def take(self, batch: Sequence[Incoming], acknowledge: Callable[[], None]) -> None:
        """Queue a batch, as soon as there is room. Batches are delivered in the order of calls;
        ``acknowledge`` is called after delivery."""
        await self._batches.put((batch, acknowledge))

    async def _handle_batches(self) -> None:
        """Enrich batches in order; never returns, never raises."""
        delivery: asyncio.Task[None] | None = None
        try:
            while True:
                batch, acknowledge = await self._batches.get()
                if self.holding:
                    # Waiting here would block a rebalance; after a restart, start() waits.
                    raise ServiceUnavailable(
                        "the last brand was removed; run 'tocsin brands apply brands.yaml'"
                    )
                began = time.perf_counter()
                assert self._enricher is not None, "start() comes first"
                # In a thread, so heartbeats and fetches go on meanwhile.
                tier = self._choose_tier()
                result = await asyncio.to_thread(process, batch, self._enricher, self._clock, tier)
                if delivery is not None:
                    await delivery
                reached("process_enriched")
                delivery = asyncio.create_task(self._finish(result, acknowledge, began))
        except Exception as error:  # noqa: BLE001
            self._end(error)

    def _choose_tier(self) -> Tier:
        before = self._tiers.fallen_back
        tier = self._tiers.choose(lag := self._lag())
        if self._tiers.fallen_back != before:
            log.warning("tier changed", tier=tier, lag=lag)
        metrics.PROCESS_FAST_FALLBACK.set(self._tiers.fallen_back)
        return tier

    async def _finish(
        self, result: Processed, acknowledge: Callable[[], None], began: float
    ) -> None:
        try:
            await self._delivery.deliver(result.outgoing)
            reached("process_delivered")
            acknowledge()
            for op, count in result.mentions.items():
                metrics.PROCESS_MENTIONS.labels(op).inc(count)
            metrics.PROCESS_UNMATCHED.inc(result.unmatched)
            metrics.PROCESS_BATCH_SECONDS.observe(time.perf_counter() - began)
            self._brake.record(result.good, result.bad)
        except Exception as error:  # noqa: BLE001
            self._end(error)

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        self.book.stop()
        await self._delivery.stop()
