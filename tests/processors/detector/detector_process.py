"""A detector process on as much of Kafka as it sees; the test sets its clock and its generation."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from brands.registry import BrandRegistry
from processors.detector.snapshots import Recovered, recovered
from processors.detector.worker import DetectorWorker
from processors.faust.messages import Incoming, Outgoing
from processors.faust.producer import BatchProducer
from processors.faust.watchdog import PartitionState
from runtime.health import Health
from runtime.settings import DetectorSettings, KafkaSettings
from schemas.activity import Activity
from schemas.alert import Alert
from schemas.brand import Brand
from schemas.codec import ACTIVITY, ALERT, DEAD_LETTER, DETECTOR_STATE
from schemas.coverage import CoverageInterval
from schemas.dead_letter import DeadLetter
from tests.processors.detector.storms import START, record

BRANDS = {"velmora": Brand(id="velmora", name="Velmora")}
PARTITION_OF = {"velmora": 0, "corvo": 1}


@dataclass
class Kafka:
    """As much of the topics as a detector sees, for several of them."""

    activity: dict[int, list[Activity]] = field(default_factory=lambda: {0: [], 1: []})
    committed: dict[int, int] = field(default_factory=lambda: {0: 0, 1: 0})
    states: dict[bytes, bytes] = field(default_factory=dict)
    alerts: list[Alert] = field(default_factory=list)
    written: list[str] = field(default_factory=list)
    letters: list[DeadLetter] = field(default_factory=list)
    coverage: list[CoverageInterval] = field(default_factory=list)
    asked: int = 0
    """How often a process looked at what all of them have saved."""

    def latest_values(self, *_: Any) -> dict[bytes, bytes]:
        self.asked += 1
        return dict(self.states)

    def take(self, message: Outgoing) -> None:
        if message.topic == "alerts":
            assert message.value is not None
            self.alerts.append(ALERT.decode(message.value))
        elif message.topic == "dead-letters":
            assert message.value is not None
            self.letters.append(DEAD_LETTER.decode(message.value))
        elif message.value is None:
            assert message.key is not None
            del self.states[message.key]
        else:
            assert message.key is not None
            self.written.append(DETECTOR_STATE.decode(message.value).kind)
            self.states[message.key] = message.value

    def recover(self, _: Any, brands: Any, partitions: Sequence[int], *__: Any) -> Recovered:
        ends = {partition: len(self.activity[partition]) for partition in partitions}
        saved = recovered(self.states.values(), ends, brands)
        saved.positions = {partition: self.committed[partition] for partition in partitions}
        return saved


class Producer(BatchProducer):
    def __init__(self, kafka: Kafka) -> None:
        super().__init__(KafkaSettings())
        self._kafka = kafka

    async def start(self) -> None: ...

    async def deliver(self, outgoing: Sequence[Outgoing]) -> None:
        for message in outgoing:
            self._kafka.take(message)


class Registry(BrandRegistry):
    def __init__(self, published: Mapping[str, datetime]) -> None:
        super().__init__(KafkaSettings(), matching=False)
        self.filled.set()
        self.known: dict[str, Brand] = BRANDS
        self._published_times = published

    def brands(self) -> dict[str, Brand]:
        return self.known

    def published_at(self, brand: str) -> datetime | None:
        return self._published_times.get(brand)

    def start(self, on_failure: Any) -> None: ...


@dataclass
class Process:
    """A detector with some partitions, whose clock and generation the test sets."""

    kafka: Kafka
    partitions: list[int]
    now: datetime
    generation: int = 1
    snapshot_interval_s: float = 0.001
    stepped: timedelta = timedelta(0)
    """How far the wall clock has stepped: ``now`` less this is what passed."""
    published: Mapping[str, datetime] = field(default_factory=dict)
    recover_states: Callable[..., Recovered] | None = None
    registry: Registry = field(init=False)
    worker: DetectorWorker = field(init=False)

    def __post_init__(self) -> None:
        self.registry = Registry(self.published)
        self.worker = DetectorWorker(
            KafkaSettings(),
            DetectorSettings(tick_interval_s=0.001, snapshot_interval_s=self.snapshot_interval_s),
            Health("detector"),
            self._states,
            lambda: self.generation,
            lambda: self.now,
            # Passing time is that of the test's clock, unless the clock steps.
            monotonic=lambda: (self.now - self.stepped).timestamp(),
            registry=self.registry,
            producer=Producer(self.kafka),
            recover_states=self.recover_states or self.kafka.recover,
            latest_values=self.kafka.latest_values,
            tell_coverage=self.kafka.coverage.append,
        )

    def _states(self) -> list[PartitionState]:
        activity, committed = self.kafka.activity, self.kafka.committed
        return [PartitionState(p, len(activity[p]), committed[p], 0) for p in self.partitions]

    async def read(self, generation: int = 1) -> bool:
        """Read what is new; says whether it was acknowledged."""
        committed = dict(self.kafka.committed)
        for partition in self.partitions:
            records, first = self.kafka.activity[partition], committed[partition]
            batch = [
                Incoming("activity", partition, offset, b"", ACTIVITY.encode(records[offset]))
                for offset in range(first, len(records))
            ]
            acknowledge = partial(self.kafka.committed.update, {partition: len(records)})
            await self.worker.take(batch, generation, acknowledge)
        return self.kafka.committed != committed

    async def tick_once(self) -> None:
        """What the worker does at each interval, once."""
        await self.worker.tick()


@asynccontextmanager
async def running(kafka: Kafka, partitions: list[int], now: datetime) -> AsyncIterator[Process]:
    process = Process(kafka, partitions, now)
    await process.worker.start()
    yield process
    await process.worker.stop()


def in_a_loop(test: Callable[[Kafka], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    return lambda: asyncio.run(test(Kafka()))


def spoken(kafka: Kafka, brand: str, records: int, source: str = "x") -> datetime:
    """Records of a source, a second apart; returns when the last one came."""
    kafka.activity[PARTITION_OF[brand]] += [
        record(f"{brand}{number}", START + timedelta(seconds=number), brand=brand, source=source)
        for number in range(records)
    ]
    return START + timedelta(seconds=records - 1)


async def eventually(condition: Callable[[], bool]) -> None:
    for _ in range(20_000):
        if condition():
            return
        await asyncio.sleep(0.001)
    raise AssertionError("waited in vain")


async def learnt(kafka: Kafka, partitions: list[int], now: datetime) -> None:
    """A process reads all there is, saves, and is gone."""
    process = Process(kafka, partitions, now)
    process.now += timedelta(seconds=1)
    assert await process.read()
    await process.worker.stop()
