"""A detector process: it begins with what was saved, without a record too, and saves in order."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from brands.registry import BrandRegistry
from processors.detector.coverage import LEARNT, MIN_SILENCE
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
from schemas.codec import ACTIVITY, ALERT, DETECTOR_STATE
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
    asked: int = 0
    """How often a process looked at what all of them have saved."""

    def latest_values(self, *_: Any) -> dict[bytes, bytes]:
        self.asked += 1
        return dict(self.states)

    def take(self, message: Outgoing) -> None:
        if message.topic == "alerts":
            self.alerts.append(ALERT.decode(message.value))
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
    def __init__(self) -> None:
        super().__init__(KafkaSettings(), matching=False)
        self.filled.set()

    def brands(self) -> dict[str, Brand]:
        return BRANDS

    def start(self, on_failure: Any) -> None: ...


@dataclass
class Process:
    """A detector with some partitions, whose clock and generation the test sets."""

    kafka: Kafka
    partitions: list[int]
    now: datetime
    generation: int = 1
    snapshot_interval_s: float = 0.001
    worker: DetectorWorker = field(init=False)

    def __post_init__(self) -> None:
        self.worker = DetectorWorker(
            KafkaSettings(),
            DetectorSettings(tick_interval_s=0.001, snapshot_interval_s=self.snapshot_interval_s),
            Health("detector"),
            self._states,
            lambda: self.generation,
            lambda: self.now,
            registry=Registry(),
            producer=Producer(self.kafka),
            recover_states=self.kafka.recover,
            latest_values=self.kafka.latest_values,
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


def blind(kafka: Kafka) -> set[tuple[str, int, str]]:
    return {(a.id, a.version, a.status) for a in kafka.alerts if a.kind == "blind"}


@in_a_loop
async def test_a_source_that_died_while_the_detector_was_down_is_called_blind(kafka: Kafka) -> None:
    last = spoken(kafka, "velmora", LEARNT + 1)
    await learnt(kafka, [0], last)
    async with running(kafka, [0], last + 4 * MIN_SILENCE):
        await eventually(lambda: bool(blind(kafka)))
    (alert,) = [one for one in kafka.alerts if one.kind == "blind"]
    assert alert.began_at == last.replace(second=0)
    back = last + 5 * MIN_SILENCE
    kafka.activity[0].append(record("back", back))
    await learnt(kafka, [0], back)
    assert {status for _, _, status in blind(kafka)} == {"open", "close"}
    assert len({id for id, _, _ in blind(kafka)}) == 1


@in_a_loop
async def test_a_source_that_another_process_hears_is_not_blind(kafka: Kafka) -> None:
    last = spoken(kafka, "velmora", LEARNT + 1)
    spoken(kafka, "corvo", 2 * LEARNT)
    later = last + 2 * MIN_SILENCE
    heard = later - timedelta(minutes=1)
    kafka.activity[1].append(record("later", heard, brand="corvo"))
    await learnt(kafka, [0], last)
    await learnt(kafka, [1], later)
    async with running(kafka, [0], later):
        await eventually(lambda: kafka.asked > 0)
    assert blind(kafka) == set()
    async with running(kafka, [0], later + 2 * MIN_SILENCE):
        await eventually(lambda: bool(blind(kafka)))
    assert {id for id, _, _ in blind(kafka)} == {f"blind-x-{heard:%Y-%m-%dT%H:%MZ}"}


@in_a_loop
async def test_two_processes_tell_the_same_alert_of_a_source(kafka: Kafka) -> None:
    last = spoken(kafka, "velmora", LEARNT + 1)
    spoken(kafka, "corvo", 3 * LEARNT)
    await learnt(kafka, [0], last)
    await learnt(kafka, [1], last + timedelta(seconds=2 * LEARNT))
    for partition in (0, 1):
        told = len(kafka.alerts)
        async with running(kafka, [partition], last + (4 + partition) * MIN_SILENCE):
            await eventually(lambda told=told: len(kafka.alerts) > told)  # type: ignore[misc]
    assert len([one for one in kafka.alerts if one.kind == "blind"]) == 2
    assert len(blind(kafka)) == 1


@in_a_loop
async def test_states_are_written_before_the_ledger_and_both_before_the_acknowledgement(
    kafka: Kafka,
) -> None:
    process = Process(kafka, [0], spoken(kafka, "velmora", 10), snapshot_interval_s=60)
    assert not await process.read()
    assert kafka.written == []
    process.now += timedelta(seconds=61)
    spoken(kafka, "velmora", 1)
    assert await process.read()
    assert kafka.written == ["brand", "partition"]


@in_a_loop
async def test_partitions_as_they_were_are_left_to_come_again_and_not_saved(kafka: Kafka) -> None:
    last = spoken(kafka, "velmora", 10)
    gone = Process(kafka, [0], last, snapshot_interval_s=60)
    assert not await gone.read()
    gone.generation = 2
    await gone.worker.stop()
    process = Process(kafka, [0], last, generation=2)
    process.now += timedelta(seconds=1)
    assert not await process.read(generation=1)
    assert kafka.written == []
    assert await process.read(generation=2)
