"""Many brands: what is done between two turns of the event loop, and what a silent brand keeps."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from processors.detector import worker
from processors.detector.brand_detectors import (
    LOOKING,
    MAX_IDLE_MINUTES,
    MAX_STATE_BYTES,
    PACKING,
    SLICE,
    BrandDetectors,
)
from processors.detector.snapshots import in_slices
from processors.detector.state.brand_state import DetectorState, unpack
from processors.detector.state.counts import DETAILED, LATENESS
from processors.faust.messages import Outgoing
from schemas.detector_state import DetectorSnapshot
from tests.processors.detector.detector_process import Kafka, Process, Producer, in_a_loop
from tests.processors.detector.storms import START, VELMORA, calm, record, said

BRANDS = 230


class Counting(BrandDetectors):
    """Counts the states that were packed since it was asked last."""

    packed = 0

    def _pack(self, name: str, packed: bytes) -> None:
        self.packed += 1
        super()._pack(name, packed)


def test_a_look_at_all_brands_comes_in_slices_of_bounded_work() -> None:
    detectors = Counting()
    for number in range(BRANDS):
        detectors.observe(record(number, START, brand=f"b{number}"))
    slices = 0
    for _ in detectors.advancing(START + timedelta(minutes=20)):
        assert PACKING * detectors.packed <= SLICE + PACKING
        detectors.packed = 0
        slices += 1
    assert detectors.idle == BRANDS
    assert slices >= BRANDS * PACKING / SLICE


class Looking(BrandDetectors):
    """Counts the windows whose signals were computed since it was asked last."""

    def looks(self) -> int:
        return sum(detector.looks for detector in self._loaded.values())


def test_a_look_at_brands_that_are_talked_of_comes_in_smaller_slices() -> None:
    detectors = Looking()
    brands = 3 * SLICE // LOOKING
    for number in range(brands):
        for post in range(31):
            at = START + timedelta(hours=5 if post else 0)
            mention = record(f"{number}-{post}", at, brand=f"b{number}", **said("negative"))
            detectors.observe(mention)
    before, most, total = detectors.looks(), 0, 0
    for _ in detectors.advancing(START + timedelta(hours=5, minutes=1)):
        done = detectors.looks() - before
        before, most, total = before + done, max(most, done), total + done
    assert total == brands
    assert LOOKING * most <= SLICE + LOOKING


def test_late_windows_of_one_brand_come_in_slices_too() -> None:
    detectors = Looking()
    for minute in range(12 * 60):
        detectors.observe(record(minute, START + timedelta(minutes=minute)))
    for number in range(20 * 200):
        at = START + timedelta(hours=6, seconds=3 * number)
        detectors.observe(record(f"late-{number}", at, **said("negative")))
    before, most, total = detectors.looks(), 0, 0
    for _ in detectors.advancing(START + timedelta(hours=12, minutes=2)):
        done = detectors.looks() - before
        before, most, total = before + done, max(most, done), total + done
    assert total > 200
    assert LOOKING * most <= 2 * SLICE


class Parts(Producer):
    parts: list[int]

    async def deliver(self, outgoing: Sequence[Outgoing]) -> None:
        states = [one for one in outgoing if one.topic == "detector-state"]
        self.parts.append(len(states))
        await super().deliver(outgoing)


@in_a_loop
async def test_a_save_comes_in_slices_and_the_states_before_the_ledger(kafka: Kafka) -> None:
    process = Process(kafka, [0], START + timedelta(minutes=1))
    producer = Parts(kafka)
    producer.parts = []
    process.worker._producer = producer
    kafka.activity[0] = [record(n, START, brand=f"b{n}") for n in range(BRANDS)]
    process.now += timedelta(seconds=1)
    assert await process.read()
    assert max(producer.parts) <= worker.SLICE
    assert sum(producer.parts) == BRANDS + 1
    assert kafka.written == ["brand"] * BRANDS + ["partition"]


@in_a_loop
async def test_a_batch_is_taken_between_two_parts_of_a_look(kafka: Kafka) -> None:
    process = Process(kafka, [0], START + timedelta(minutes=21))
    later = START + timedelta(minutes=20)
    kafka.activity[0] = [record(n, START, brand=f"b{n}") for n in range(BRANDS)]
    kafka.activity[0].append(record("later", later, brand="last"))
    process.now += timedelta(seconds=1)
    assert await process.read()
    look = asyncio.create_task(process.tick_once())
    await asyncio.sleep(0)
    kafka.activity[0].append(record("new", later, brand="b0"))
    process.now += timedelta(seconds=1)
    assert await process.read()
    assert not look.done()
    await look
    assert process.worker._detectors.idle >= BRANDS - 1


def test_states_are_delivered_in_slices_of_their_size() -> None:
    def state(size: int) -> DetectorSnapshot:
        return DetectorSnapshot(
            brand="b", partition=0, offset=0, saved_at=START, format=1, state=b"x" * size
        )

    sizes = [10, 10, 10, 400, 700, 10, 300, 300, 10]
    parts = list(in_slices(map(state, sizes), count=3, max_bytes=500))
    assert [len(one.state) for part in parts for one in part] == sizes
    assert [len(part) for part in parts] == [3, 2, 3, 1]
    assert max(sum(len(one.state) for one in part[:-1]) for part in parts) < 500
    assert worker.SLICE_BYTES < MAX_STATE_BYTES


def posts_of(snapshots: Sequence[DetectorSnapshot]) -> int:
    (snapshot,) = snapshots
    state = unpack(snapshot.state, DetectorState)
    assert state is not None
    return sum(len(minute.posts) + len(minute.authors) for minute in state.counts.every())


def test_a_brand_that_falls_silent_is_saved_once_more_without_its_posts() -> None:
    detectors = BrandDetectors({"velmora": VELMORA})
    for one in calm(4, per_minute=0.5):
        detectors.observe(one)
    assert posts_of(list(detectors.snapshots(START))) > 0
    end = one.at
    saved = []
    for minute in range(MAX_IDLE_MINUTES):
        detectors.advance(end + timedelta(minutes=minute))
        saved += [(minute, snapshot) for snapshot in detectors.snapshots(START)]
    assert len(saved) == 1
    assert saved[0][0] <= DETAILED + LATENESS + 2
    assert posts_of([saved[0][1]]) == 0
    assert posts_of(list(detectors.snapshots(START, every=True))) == 0


def test_a_brand_that_is_talked_of_keeps_no_posts_older_than_the_evidence() -> None:
    detectors = BrandDetectors({"velmora": VELMORA})
    for one in calm(4, per_minute=1):
        detectors.observe(one)
    (snapshot,) = detectors.snapshots(START)
    state = unpack(snapshot.state, DetectorState)
    assert state is not None
    oldest = min(post.at for minute in state.counts.every() for post in minute.posts)
    assert one.at - oldest <= timedelta(minutes=DETAILED + LATENESS + 1)
