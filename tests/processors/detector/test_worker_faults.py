"""What one record, one brand or a removed brand costs a detector process: itself alone."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from msgspec.structs import replace

from processors.detector.brand_detectors import BrandDetectors
from processors.detector.snapshots import REMOVED_AFTER_S, Recovered
from runtime import metrics
from schemas.activity import Activity
from schemas.alert import Alert
from schemas.brand import AlertPolicy, Brand
from tests.processors.detector.detector_process import (
    PARTITION_OF,
    Kafka,
    Process,
    in_a_loop,
)
from tests.processors.detector.storms import START, calm, record, storm, together


class Panic(BaseException):
    """As the libraries raise it that are written in Rust."""


class Panicking(BrandDetectors):
    panics = 0

    def count(self, record: Activity, now: datetime | None = None) -> list[Alert]:
        if record.post_id == "x:bad":
            self.panics += 1
            raise Panic("at the disco")
        return super().count(record, now)


@in_a_loop
async def test_a_record_that_breaks_the_detector_becomes_a_letter_and_the_rest_counts(
    kafka: Kafka,
) -> None:
    detectors = Panicking()

    def recover(_: Any, __: Any, partitions: Sequence[int], *___: Any) -> Recovered:
        return Recovered(detectors, positions=dict.fromkeys(partitions, 0))

    process = Process(kafka, [0], START + timedelta(minutes=5), recover_states=recover)
    kafka.activity[0] += [record(name, START) for name in (1, "bad", 2)]
    process.now += timedelta(seconds=1)
    assert await process.read()
    assert detectors.panics == 1
    (letter,) = kafka.letters
    assert (letter.reason, letter.offset, letter.partition) == ("detect_failed", 1, 0)
    assert "at the disco" in letter.detail
    counted = detectors.detector("velmora").snapshot().counts.every()
    assert [minute.mentions for minute in counted] == [2]
    assert kafka.committed[0] == 3


@in_a_loop
async def test_a_policy_that_breaks_silences_its_brand_alone(kafka: Kafka) -> None:
    records = together(calm(10, per_minute=3), storm(8, 30, per_minute=30))
    kafka.activity[0] += records
    kafka.activity[1] += [
        replace(one, brand="corvo", post_id=f"{one.post_id}-corvo") for one in records
    ]
    process = Process(kafka, [0, 1], records[-1].at)
    broken = AlertPolicy(quiet_hours="whenever")
    process.registry.known = {
        "velmora": Brand(id="velmora", name="Velmora"),
        "corvo": Brand(id="corvo", name="Corvo", alerts=broken),
    }
    failed = metrics.DETECTOR_FAILED._value.get()
    process.now += timedelta(seconds=1)
    await process.read()
    await process.worker.stop()
    assert metrics.DETECTOR_FAILED._value.get() > failed
    assert {alert.brand for alert in kafka.alerts} == {"velmora"}
    assert kafka.letters == []
    assert kafka.committed == {0: len(records), 1: len(records)}


@in_a_loop
async def test_the_state_of_a_brand_that_was_removed_is_dropped_an_hour_later(
    kafka: Kafka,
) -> None:
    process = Process(kafka, [0, 1], START + timedelta(minutes=5))
    for brand, partition in PARTITION_OF.items():
        kafka.activity[partition].append(record(brand, START, brand=brand))
    process.registry.known = {name: Brand(id=name, name=name) for name in PARTITION_OF}
    process.now += timedelta(seconds=1)
    assert await process.read()
    process.now += timedelta(seconds=1)
    await process.tick_once()
    assert {b"corvo", b"velmora"} <= kafka.states.keys()
    process.registry.known = {"velmora": process.registry.known["velmora"]}
    for seconds in (1, REMOVED_AFTER_S / 2):
        process.now += timedelta(seconds=seconds)
        await process.tick_once()
        assert b"corvo" in kafka.states
    process.now += timedelta(seconds=REMOVED_AFTER_S)
    await process.tick_once()
    assert {b"velmora", b"partition:0", b"partition:1"} == kafka.states.keys()
    again = Process(kafka, [0, 1], process.now)
    await again.tick_once()
    assert kafka.recover(None, {}, [0, 1]).missing == {}


@in_a_loop
async def test_an_empty_registry_drops_no_state(kafka: Kafka) -> None:
    process = Process(kafka, [0], START + timedelta(minutes=5))
    kafka.activity[0].append(record(1, START))
    process.now += timedelta(seconds=1)
    await process.read()
    process.registry.known = {}
    for _ in range(2):
        process.now += timedelta(seconds=2 * REMOVED_AFTER_S)
        await process.tick_once()
    assert b"velmora" in kafka.states
