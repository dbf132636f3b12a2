"""What the detector's agent does with a batch, and with time that passes without one.

Alerts leave at once. Records are acknowledged only when the state that holds them is on the topic
``detector-state``: a process that is killed earlier reads them again and writes the same alerts
under the same ids. Never raises: where going on would be wrong, the process ends without
acknowledging.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from brands.registry import BrandRegistry
from processors.detector.brand_detectors import BrandDetectors
from processors.detector.coverage import Coverage
from processors.detector.recovery import SERVICE, STATE, recover
from processors.detector.snapshots import Ledger, Recovered, ledger_snapshot, ledgers
from processors.faust.messages import Incoming, Outgoing, end_process, forever, given_up
from processors.faust.producer import BatchProducer
from processors.faust.watchdog import PartitionState
from runtime import metrics
from runtime.clock import Clock, utc_now
from runtime.health import Health
from runtime.kafka.dead_letters import Brake
from runtime.kafka.reader import latest_values
from runtime.logs import get_logger
from runtime.settings import DetectorSettings, KafkaSettings
from schemas.alert import Alert
from schemas.codec import ACTIVITY, ALERT, DETECTOR_STATE
from schemas.detector_state import DetectorSnapshot
from schemas.errors import InvalidMessage

log = get_logger(SERVICE)


class DetectorWorker:
    """The state of one detector process.

    ``partitions``: the assigned ones with their offsets; ``generation``: that of the consumer
    group, 0 or None before the first. ``recover_states`` and ``latest_values`` read the snapshots.
    """

    def __init__(
        self,
        settings: KafkaSettings,
        detector: DetectorSettings,
        health: Health,
        partitions: Callable[[], list[PartitionState]],
        generation: Callable[[], int | None],
        clock: Clock = utc_now,
        *,
        registry: BrandRegistry | None = None,
        producer: BatchProducer | None = None,
        recover_states: Callable[..., Recovered] = recover,
        latest_values: Callable[..., Mapping[bytes, bytes]] = latest_values,
    ) -> None:
        self.health = health
        self._registry = registry or BrandRegistry(settings, clock, matching=False)
        self._producer = producer or BatchProducer(settings)
        self._recover_states = recover_states
        self._latest_values = latest_values
        self._kafka = settings
        self._settings = detector
        self._partitions = partitions
        self._generation_now = generation
        self._clock = clock
        self._brake = Brake.of(detector)
        self._detectors, self._coverage = BrandDetectors(), Coverage()
        self._generation: int | None = None
        self._mine: list[int] = []
        self._unsaved = False
        self._read: dict[int, int] = {}
        self._held: list[Callable[[], None]] = []
        self._saved = clock()
        self._newest: tuple[datetime, datetime] | None = None
        self.is_recovering = False
        """Whether it reads states, or waits for brands: nothing is committed meanwhile."""
        # Batches and ticks take turns: both change the states.
        self._turn = asyncio.Lock()
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        try:
            await self._producer.start()
        except Exception as error:  # noqa: BLE001
            end_process(error)
        self._registry.start(on_failure=end_process)
        self._tasks = [forever(self._tick(), "ticks of the detector")]
        self.health.clear("start")

    async def take(
        self, batch: Sequence[Incoming], generation: int | None, acknowledge: Callable[[], None]
    ) -> None:
        """Take a batch; one of an earlier generation is ignored, since it is read again."""
        async with self._turn:
            if not await self._is_recovered() or generation != self._generation:
                return
            outgoing, bad = self._observe(batch)
            self._held.append(acknowledge)
            await self._producer.deliver(outgoing)
            self._brake.record(len(batch) - bad, bad)
            await self._save_if_due()

    async def _is_recovered(self) -> bool:
        generation = self._generation_now()
        if not generation:
            return False
        if generation != self._generation:
            self.is_recovering = True
            await self._recover(generation)
            self.is_recovering = False
        return self._generation_now() == self._generation

    async def _recover(self, generation: int) -> None:
        while not self._registry.filled.is_set():
            # The first minutes need the brands' policies.
            self.health.hinder("brands", "there are none; run 'tocsin brands apply brands.yaml'")
            self.health.beat()
            await asyncio.sleep(0.2)
        self.health.clear("brands")
        self.health.hinder("states", "reading them, or rebuilding them from activity")
        mine = sorted(state.partition for state in self._partitions())
        recovered = await asyncio.to_thread(
            self._recover_states,
            self._kafka,
            self._registry.brands(),
            mine,
            self._settings.rebuild_records,
            self.health.beat,
        )
        self._detectors, self._coverage = recovered.detectors, recovered.coverage
        metrics.DETECTOR_BRANDS.set(len(self._detectors))
        newest = recovered.newest
        if newest is not None and (self._newest is None or newest > self._newest[0]):
            # Without this an open alert would stay open until the next record.
            self._newest = (newest, self._clock())
        self._generation, self._mine, self._unsaved = generation, mine, True
        self._held, self._read = [], dict(recovered.positions)
        self.health.clear("states")

    def _observe(self, batch: Sequence[Incoming]) -> tuple[list[Outgoing], int]:
        outgoing: list[Outgoing] = []
        bad = 0
        self._detectors.set_brands(self._registry.brands())
        self._unsaved = True
        for message in batch:
            self._read[message.partition] = message.offset + 1
            try:
                record = ACTIVITY.decode(message.value or b"")
            except InvalidMessage as error:
                bad += 1
                at = self._clock()
                outgoing.append(given_up(SERVICE, message, error.reason, error.detail, at))
                continue
            if self._newest is None or record.at > self._newest[0]:
                self._newest = (record.at, self._clock())
            alerts = self._detectors.observe(record, message.partition, message.offset + 1)
            alerts += self._coverage.observe(record.source, record.ingested_at)
            outgoing += self._alerts(alerts)
        metrics.DETECTOR_RECORDS.inc(len(batch) - bad)
        metrics.DETECTOR_LATE.set(self._detectors.late)
        metrics.DETECTOR_BRANDS.set(len(self._detectors))
        return outgoing, bad

    def _alerts(self, alerts: Sequence[Alert]) -> list[Outgoing]:
        for alert in alerts:
            metrics.DETECTOR_ALERTS.labels(alert.kind, alert.status, str(alert.severity)).inc()
            log.info("alert", id=alert.id, status=alert.status, severity=alert.severity)
        return [Outgoing("alerts", alert.brand.encode(), ALERT.encode(alert)) for alert in alerts]

    async def _tick(self) -> None:
        """Advance event time without records; never returns, never raises."""
        try:
            while True:
                await asyncio.sleep(self._settings.tick_interval_s)
                self.health.beat()
                async with self._turn:
                    if not await self._is_recovered():
                        continue
                    if self._is_caught_up():
                        await self._producer.deliver(self._alerts(await self._advance()))
                    await self._save_if_due()
        except Exception as error:  # noqa: BLE001
            end_process(error)

    async def _advance(self) -> list[Alert]:
        """Event time goes on from the newest record at the clock's pace, also in a replay."""
        now = self._clock()
        alerts: list[Alert] = []
        if self._newest is not None:
            newest, read_at = self._newest
            # Records of the same time may still arrive in other partitions.
            passed = now - read_at - timedelta(seconds=self._settings.grace_s)
            alerts = self._detectors.advance(newest + passed)
        return alerts + await self._listen(now)

    async def _listen(self, now: datetime) -> list[Alert]:
        """The alerts of silent sources, once the ledgers of the other processes are read."""
        alerts: list[Alert] = []
        if self._coverage.silent(now):
            values = await asyncio.to_thread(self._latest_values, self._kafka, SERVICE, STATE)
            others = ledgers(values.values())
            alerts = self._coverage.hear(ledger.coverage for ledger in others.values())
        alerts += self._coverage.advance(now)
        self._unsaved = self._unsaved or bool(alerts)
        metrics.DETECTOR_BLIND.clear()
        for source in self._coverage.sources:
            metrics.DETECTOR_BLIND.labels(source).set(source in self._coverage.blind)
        return alerts

    def _is_caught_up(self) -> bool:
        """Whether there is no consumer lag: otherwise silence may only be our lag."""
        return all(
            state.end is not None
            and state.end <= max(self._read.get(state.partition, 0), state.committed or 0)
            for state in self._partitions()
        )

    async def _save_if_due(self) -> None:
        now = self._clock()
        if (now - self._saved).total_seconds() >= self._settings.snapshot_interval_s:
            await self._save(now)

    async def _save(self, now: datetime) -> None:
        self._saved = now
        await self._deliver_states(self._detectors.snapshots(now))
        if self._unsaved:
            # After the states: a ledger never claims more than was saved.
            await self._deliver_states(self._ledgers(now))
            self._unsaved = False
        held, self._held = self._held, []
        for acknowledge in held:
            acknowledge()
        metrics.DETECTOR_SNAPSHOT.set(now.timestamp())

    def _ledgers(self, now: datetime) -> Iterator[DetectorSnapshot]:
        newest = None if self._newest is None else self._newest[0]
        for partition in self._mine:
            offsets = self._detectors.offsets(partition)
            ledger = Ledger(offsets=offsets, coverage=self._coverage, newest=newest)
            yield ledger_snapshot(partition, ledger, now)

    async def _deliver_states(self, states: Iterable[DetectorSnapshot]) -> None:
        await self._producer.deliver(
            [Outgoing(STATE, s.brand.encode(), DETECTOR_STATE.encode(s)) for s in states]
        )

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        async with self._turn:
            if self._generation and self._generation == self._generation_now():
                await self._save(self._clock())
        self._registry.stop()
        await self._producer.stop()
