"""What the detector's agent does with a batch, and with time that passes without one.

Alerts leave at once. Records are acknowledged only when the state that holds them is on the topic
``detector-state``: a process that is killed earlier reads them again and writes the same alerts
under the same ids. Where going on would be wrong, the process ends without acknowledging.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from brands.registry import BrandRegistry
from processors.detector.afterwards import marked
from processors.detector.brand_detectors import BrandDetectors
from processors.detector.event_time import HeardTimes, believed, is_ahead
from processors.detector.merge_buffer import MergeBuffer
from processors.detector.recovery import SERVICE, STATE, recover
from processors.detector.silence import BlindRecords, Coverage
from processors.detector.snapshots import Recovered, RemovedBrands, in_slices, ledgers, ledgers_of
from processors.detector.state.counts import minute_of
from processors.faust.messages import Incoming, Outgoing, end_process, forever, given_up
from processors.faust.producer import BatchProducer
from processors.faust.watchdog import PartitionState
from runtime import metrics
from runtime.clock import Clock, SteadyClock, utc_now
from runtime.crash_points import reached
from runtime.health import Health
from runtime.kafka.dead_letters import Brake
from runtime.kafka.reader import latest_values
from runtime.logs import get_logger
from runtime.settings import DetectorSettings, KafkaSettings
from schemas.activity import Activity
from schemas.alert import Alert
from schemas.codec import ACTIVITY, ALERT, DETECTOR_STATE
from schemas.coverage import CoverageInterval
from schemas.detector_state import DetectorSnapshot
from schemas.errors import InvalidMessage

log = get_logger(SERVICE)

SLICE: Final = 10
"""Records, or states to save, between two turns of the event loop."""
SLICE_BYTES: Final = 500_000
"""Bytes of packed states between two turns: some 30 ms."""
FORGETS_AFTER_S: Final = 24 * 3600.0
"""Seconds without any record after which no state names posts: event time stands still."""
MAX_HELD: Final = 100_000
"""Records read and not acknowledged, from which the states are saved at once."""
_ENDS: Final = (KeyboardInterrupt, SystemExit, GeneratorExit, asyncio.CancelledError)
"""What ends a process or a task, and is no fault of a record."""
_Found = list[Outgoing] | Outgoing


class DetectorWorker:
    """The state of one detector process.

    ``partitions``: the assigned ones with their offsets; ``generation``: that of the consumer
    group, 0 or None before the first. ``recover_states`` and ``latest_values`` read the snapshots.
    ``monotonic`` measures what passes, in seconds: ``clock`` may step.
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
        monotonic: Callable[[], float] = time.monotonic,
        registry: BrandRegistry | None = None,
        producer: BatchProducer | None = None,
        recover_states: Callable[..., Recovered] = recover,
        latest_values: Callable[..., Mapping[bytes, bytes]] = latest_values,
        tell_coverage: Callable[[CoverageInterval], None] = lambda record: None,
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
        self._steady = SteadyClock(clock, monotonic)
        self._brake = Brake.of(detector)
        self._detectors, self._coverage = BrandDetectors(), Coverage()
        self._waiting, self._blind = MergeBuffer(), BlindRecords(tell_coverage)
        self._generation: int | None = None
        self._mine, self._unsaved, self._read = list[int](), False, dict[int, int]()
        self._held, self._held_records = list[Callable[[], None]](), 0
        self._saved_s, self._times = monotonic(), HeardTimes(self._steady)
        self._removed, self._counted = RemovedBrands(), Counter[str]()
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
            bad = await self._observe(batch)
            self._held.append(acknowledge)
            self._held_records += len(batch)
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
        while not self._registry.filled.is_set():  # the first minutes need their policies
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
        self._detectors.known_since = self._known_since
        self._counted = Counter(self._detectors.tally)
        metrics.DETECTOR_BRANDS.set(len(self._detectors))
        self._times.take_over(recovered.newest, recovered.heard_since)
        self._generation, self._mine, self._unsaved = generation, mine, True
        self._held, self._held_records, self._read = [], 0, dict(recovered.positions)
        self._waiting.clear()
        self.health.clear("states")

    def _known_since(self, brand: str) -> int | None:
        """The minute since which mentions of a brand would have been heard."""
        published, heard = self._registry.published_at(brand), self._times.heard_since
        return None if published is None or heard is None else minute_of(max(published, heard))

    async def _observe(self, batch: Sequence[Incoming]) -> int:
        """Take the records of a batch and deliver what they show; returns how many were bad."""
        for _ in self._detectors.setting_brands(self._registry.brands()):
            await asyncio.sleep(0)
        self._unsaved = True
        bad, outgoing = 0, list[Outgoing]()
        for number, message in enumerate(batch, 1):
            self._read[message.partition] = message.offset + 1
            found = self._take_message(message)
            bad += isinstance(found, Outgoing)
            outgoing += [found] if isinstance(found, Outgoing) else found
            if number % SLICE == 0:
                await asyncio.sleep(0)
        await self._tell(outgoing)
        bad += await self._count_waiting(every=self._waiting.is_full)
        metrics.DETECTOR_RECORDS.inc(len(batch) - bad)
        self._export()
        return bad

    def _take_message(self, message: Incoming) -> _Found:
        """The alerts of a record, or its dead letter."""
        try:
            claimed = ACTIVITY.decode(message.value or b"")
        except InvalidMessage as error:
            return given_up(SERVICE, message, error.reason, error.detail, self._clock())
        return self._alone(message, partial(self._take_record, claimed, message))

    def _alone(self, message: Incoming, take: Callable[[], list[Outgoing]]) -> _Found:
        """What ``take`` gives; a record that it cannot take costs itself alone."""
        try:
            return take()
        except _ENDS:
            raise
        except BaseException as error:  # noqa: BLE001 - a panic of a library is none of ours
            return given_up(SERVICE, message, "detect_failed", repr(error), self._clock())

    def _take_record(self, claimed: Activity, message: Incoming) -> list[Outgoing]:
        now, passed_s = self._steady.now(), self._steady.passed_s()
        record = believed(claimed, now)
        heard = record.ingested_at
        self._times.hear(heard)
        if not self._detectors.note(record.brand, message.partition, message.offset + 1):
            return self._alerts(self._coverage.observe(record.source, heard))
        metrics.DETECTOR_AHEAD.inc(is_ahead(claimed, now))
        if self._waiting.take(record, message, self._steady.earliest(), passed_s):
            return self._alerts(self._coverage.observe(record.source, heard))
        return self._count(record)

    def _count(self, record: Activity) -> list[Outgoing]:
        alerts = self._detectors.count(record, self._steady.now())
        alerts += self._coverage.observe(record.source, record.ingested_at)
        self._times.count(record.at)
        return self._alerts(alerts)

    async def _count_waiting(self, *, every: bool = False) -> int:
        """Count the held records whose time has come; returns how many were bad."""
        bad, outgoing = 0, list[Outgoing]()
        due = self._waiting.due(self._steady.passed_s(), every=every)
        for number, waiting in enumerate(due, 1):
            found = self._alone(waiting.message, partial(self._count, waiting.record))
            bad += isinstance(found, Outgoing)
            outgoing += [found] if isinstance(found, Outgoing) else found
            if number % SLICE == 0:
                await asyncio.sleep(0)
        if outgoing:
            await self._tell(outgoing)
        return bad

    async def _tell(self, outgoing: Sequence[Outgoing]) -> None:
        await self._producer.deliver(outgoing)
        reached("detector_alerted")

    def _export(self) -> None:
        tally, before = self._detectors.tally, self._counted
        metrics.DETECTOR_MADE_UP.inc(tally["made_up"] - before["made_up"])
        metrics.DETECTOR_UNCOUNTED.inc(tally["lost"] - before["lost"])
        metrics.DETECTOR_FAILED.inc(tally["failed"] - before["failed"])
        self._counted = Counter(tally)
        metrics.DETECTOR_LATE.set(self._detectors.late)
        metrics.DETECTOR_HELD.set(len(self._waiting))
        metrics.DETECTOR_BRANDS.set(len(self._detectors))
        for brand, error in self._detectors.failures.items():
            log.error("a look at a brand failed; the others go on", brand=brand, why=repr(error))
        self._detectors.failures.clear()

    def _alerts(self, alerts: Sequence[Alert]) -> list[Outgoing]:
        for alert in (alerts := marked(alerts, self._steady.earliest())):
            metrics.DETECTOR_ALERTS.labels(alert.kind, alert.status, str(alert.severity)).inc()
            log.info("alert", id=alert.id, status=alert.status, severity=alert.severity)
        self._blind.take(alerts)
        return [Outgoing("alerts", alert.brand.encode(), ALERT.encode(alert)) for alert in alerts]

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(self._settings.tick_interval_s)
            await self.tick()

    async def tick(self) -> None:
        """What is done at each interval, with or without records."""
        self.health.beat()
        async with self._turn:
            if not await self._is_recovered():
                return
            bad, look = await self._count_waiting(), None
            if self._is_caught_up():
                look = self._look()
        if look is not None:
            await self._advance(look)
        async with self._turn:
            if not await self._is_recovered():
                return
            if self._times.is_silent(FORGETS_AFTER_S):
                for _ in self._detectors.forgetting_posts():
                    await asyncio.sleep(0)
            self._export()
            if bad:
                self._brake.record(0, bad)
            await self._save_if_due()

    def _look(self) -> Iterator[list[Alert]]:
        """A look at all brands. Event time goes on from the newest record, also in a replay, up to
        where the quickest source would have been heard: the others may be away, and come later.
        """
        heard = self._times.event_time(self._coverage.horizon())
        if heard is None:
            return iter(())
        # Records of the same time may still arrive in other partitions.
        until = heard - timedelta(seconds=self._settings.grace_s)
        return self._detectors.advancing(until, self._waiting)

    async def _advance(self, parts: Iterator[list[Alert]]) -> None:
        """Take the parts of a look; between two brands batches have their turn."""
        detectors, goes_on = self._detectors, True
        while goes_on:
            async with self._turn:
                if detectors is not self._detectors or self._generation != self._generation_now():
                    return
                goes_on = False
                for alerts in parts:
                    if alerts:
                        await self._producer.deliver(self._alerts(alerts))
                    self.health.beat()
                    if goes_on := not detectors.is_amid_brand:
                        break
                    await asyncio.sleep(0)
                else:
                    silent = await self._listen(self._times.listening_at())
                    await self._producer.deliver(self._alerts(silent))
            await asyncio.sleep(0)

    async def _listen(self, now: datetime) -> list[Alert]:
        """The alerts of silent sources, once the ledgers of the other processes are read."""
        alerts = list[Alert]()
        if self._coverage.silent(now):
            values = await asyncio.to_thread(self._latest_values, self._kafka, SERVICE, STATE)
            others = ledgers(values.values()).values()
            alerts = self._coverage.hear(ledger.coverage for ledger in others)
        alerts += self._coverage.advance(now)
        self._blind.repeat(self._coverage, now)
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
        passed_s = self._steady.passed_s() - self._saved_s
        # To save is to count what waits for its order: better a little later.
        interval_s = self._settings.snapshot_interval_s * (2 if self._waiting else 1)
        if passed_s >= interval_s or self._held_records >= MAX_HELD:
            await self._save()

    async def _save(self) -> None:
        now = self._steady.now()
        self._saved_s = self._steady.passed_s()
        bad = await self._count_waiting(every=True)
        await self._forget_removed()
        await self._deliver_states(self._detectors.snapshots(now))
        reached("detector_states_saved")
        if self._unsaved:
            # After the states: a ledger never claims more than was saved.
            known = self._mine, self._detectors, self._coverage, self._times
            await self._deliver_states(ledgers_of(*known, now))
            self._unsaved = False
        reached("detector_ledger_saved")
        held, self._held, self._held_records = self._held, [], 0
        for acknowledge in held:
            acknowledge()
            await asyncio.sleep(0)
        metrics.DETECTOR_SNAPSHOT.set(now.timestamp())
        self._export()
        if bad:
            self._brake.record(0, bad)

    async def _forget_removed(self) -> None:
        """Drop the states of brands that were removed from the registry, here and on the topic."""
        brands, passed_s = self._registry.brands(), self._steady.passed_s()
        if not brands:
            return  # the registry itself may be lost
        gone = self._removed.due(self._detectors, brands, passed_s)
        if not gone:
            return
        self._unsaved = True
        log.info("states of removed brands are dropped", count=len(gone), brands=gone[:20])
        for name in gone:
            self._detectors.forget(name)
        await self._producer.deliver([Outgoing(STATE, name.encode(), None) for name in gone])

    async def _deliver_states(self, states: Iterable[DetectorSnapshot]) -> None:
        for part in in_slices(states, SLICE, SLICE_BYTES):
            await self._producer.deliver(
                [Outgoing(STATE, one.brand.encode(), DETECTOR_STATE.encode(one)) for one in part]
            )
            await asyncio.sleep(0)

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        async with self._turn:
            if self._generation and self._generation == self._generation_now():
                await self._save()
        self._registry.stop()
        await self._producer.stop()
