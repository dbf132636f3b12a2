"""A detector process: it begins with what was saved, without a record too, and saves in order."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Event
from typing import Any

import pytest

from processors.detector import worker as detect_worker
from processors.detector.coverage import LEARNT, MIN_SILENCE
from processors.detector.snapshots import Recovered, recovered
from processors.detector.worker import DetectorWorker
from processors.faust.messages import Incoming, Outgoing
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
PATIENCE = 20_000
"""Looks at a condition before a test fails."""


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
        ends = {one: len(self.activity[one]) for one in partitions}
        found = recovered(self.states.values(), ends, brands)
        found.positions = {one: self.committed[one] for one in partitions}
        return found


class Delivery:
    """Delivers at once."""

    def __init__(self, kafka: Kafka) -> None:
        self._kafka = kafka

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def deliver(self, outgoing: Sequence[Outgoing]) -> None:
        for message in outgoing:
            self._kafka.take(message)


class Book:
    """Knows the brands from the first moment."""

    def __init__(self, *_: Any, **__: Any) -> None:
        self.filled = Event()
        self.filled.set()

    def brands(self) -> dict[str, Brand]:
        return BRANDS

    def start(self, on_failure: Any) -> None: ...

    def stop(self) -> None: ...


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
        )

    def _states(self) -> list[PartitionState]:
        ends = {one: len(self.kafka.activity[one]) for one in self.partitions}
        return [PartitionState(one, end, self.kafka.committed[one], 0) for one, end in ends.items()]

    async def read(self, generation: int = 1) -> bool:
        """Read what is new; says whether it was acknowledged."""
        done = False
        for partition in self.partitions:
            records = self.kafka.activity[partition]
            first = self.kafka.committed[partition]
            batch = [
                Incoming("activity", partition, first + at, b"", ACTIVITY.encode(one))
                for at, one in enumerate(records[first:])
            ]

            def acknowledge(partition: int = partition, end: int = len(records)) -> None:
                nonlocal done
                done = True
                self.kafka.committed[partition] = end

            await self.worker.take(batch, generation, acknowledge)
        return done


@pytest.fixture
def kafka(monkeypatch: pytest.MonkeyPatch) -> Kafka:
    made = Kafka()
    monkeypatch.setattr(detect_worker, "BatchProducer", lambda _: Delivery(made))
    monkeypatch.setattr(detect_worker, "BrandRegistry", Book)
    monkeypatch.setattr(detect_worker, "recover", made.recover)
    monkeypatch.setattr("processors.detector.worker.latest_values", made.latest_values)
    return made


def spoken(kafka: Kafka, brand: str, records: int, source: str = "x") -> datetime:
    """Records of a source, a second apart; returns when the last one came."""
    kafka.activity[PARTITION_OF[brand]] += [
        record(f"{brand}{number}", START + timedelta(seconds=number), brand=brand, source=source)
        for number in range(records)
    ]
    return START + timedelta(seconds=records - 1)


async def eventually(condition: Callable[[], bool]) -> None:
    for _ in range(PATIENCE):
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
    return {(one.id, one.version, one.status) for one in kafka.alerts if one.kind == "blind"}


def test_a_source_that_died_while_the_detector_was_down_is_called_blind(kafka: Kafka) -> None:
    last = spoken(kafka, "velmora", LEARNT + 1)

    async def scenario() -> None:
        await learnt(kafka, [0], last)
        restarted = Process(kafka, [0], last + 4 * MIN_SILENCE)
        await restarted.worker.start()
        await eventually(lambda: bool(blind(kafka)))
        await restarted.worker.stop()

    asyncio.run(scenario())
    (alert,) = [one for one in kafka.alerts if one.kind == "blind"]
    assert alert.began_at == last.replace(second=0)

    async def again() -> None:
        third = Process(kafka, [0], last + 5 * MIN_SILENCE)
        kafka.activity[0].append(record("back", third.now))
        third.now += timedelta(seconds=1)
        assert await third.read()
        await third.worker.stop()

    asyncio.run(again())
    assert {status for _, _, status in blind(kafka)} == {"open", "close"}
    assert len({id for id, _, _ in blind(kafka)}) == 1


def test_a_source_that_another_process_hears_is_not_blind(kafka: Kafka) -> None:
    last = spoken(kafka, "velmora", LEARNT + 1)
    spoken(kafka, "corvo", 2 * LEARNT)
    later = last + 2 * MIN_SILENCE
    kafka.activity[1].append(record("later", later - timedelta(minutes=1), brand="corvo"))

    async def scenario() -> None:
        await learnt(kafka, [0], last)
        await learnt(kafka, [1], later)
        first = Process(kafka, [0], later)
        await first.worker.start()
        await eventually(lambda: kafka.asked > 0)
        await first.worker.stop()
        assert blind(kafka) == set()
        second = Process(kafka, [0], later + 2 * MIN_SILENCE)
        await second.worker.start()
        await eventually(lambda: bool(blind(kafka)))
        await second.worker.stop()

    asyncio.run(scenario())
    heard = later - timedelta(minutes=1)
    assert {id for id, _, _ in blind(kafka)} == {f"blind-x-{heard:%Y-%m-%dT%H:%MZ}"}


def test_two_processes_tell_the_same_alert_of_a_source(kafka: Kafka) -> None:
    last = spoken(kafka, "velmora", LEARNT + 1)
    spoken(kafka, "corvo", 3 * LEARNT)

    async def scenario() -> None:
        await learnt(kafka, [0], last)
        await learnt(kafka, [1], last + timedelta(seconds=2 * LEARNT))
        for partition in (0, 1):
            told = len(kafka.alerts)
            process = Process(kafka, [partition], last + (4 + partition) * MIN_SILENCE)
            await process.worker.start()
            await eventually(lambda told=told: len(kafka.alerts) > told)  # type: ignore[misc]
            await process.worker.stop()

    asyncio.run(scenario())
    assert len([one for one in kafka.alerts if one.kind == "blind"]) == 2
    assert len(blind(kafka)) == 1


def test_states_are_written_before_the_ledger_and_both_before_the_acknowledgement(
    kafka: Kafka,
) -> None:
    last = spoken(kafka, "velmora", 10)

    async def scenario() -> None:
        process = Process(kafka, [0], last, snapshot_interval_s=60)
        assert not await process.read()
        assert kafka.written == []
        process.now += timedelta(seconds=61)
        spoken(kafka, "velmora", 1)
        assert await process.read()

    asyncio.run(scenario())
    assert kafka.written == ["brand", "partition"]


def test_a_batch_of_partitions_as_they_were_is_left_to_come_again(kafka: Kafka) -> None:
    last = spoken(kafka, "velmora", 10)

    async def scenario() -> None:
        process = Process(kafka, [0], last, generation=2)
        process.now += timedelta(seconds=1)
        assert not await process.read(generation=1)
        assert kafka.written == []
        assert await process.read(generation=2)

    asyncio.run(scenario())


def test_what_went_to_another_process_is_not_saved_any_more(kafka: Kafka) -> None:
    last = spoken(kafka, "velmora", 10)

    async def scenario() -> None:
        process = Process(kafka, [0], last, snapshot_interval_s=60)
        assert not await process.read()
        process.generation = 2
        await process.worker.stop()

    asyncio.run(scenario())
    assert kafka.written == []
