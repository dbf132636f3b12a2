"""A detector process: it begins with what was saved, without a record too, and saves in order."""

from datetime import timedelta
from functools import partial

from processors.detector.silence import LEARNT, MIN_SILENCE
from processors.detector.worker import MAX_HELD
from processors.faust.messages import Incoming
from schemas.codec import ACTIVITY
from tests.processors.detector.detector_process import (
    Kafka,
    Process,
    eventually,
    in_a_loop,
    learnt,
    running,
    spoken,
)
from tests.processors.detector.storms import record


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
    # The same fact as a record of coverage, opened and closed under one id.
    newest = {one.id: one for one in sorted(kafka.coverage, key=lambda one: one.version)}
    (found,) = newest.values()
    assert (found.source, found.state, found.told_by) == ("x", "blind", "detector")
    assert (found.from_, found.to) == (alert.began_at, back)
    assert any(one.to is None for one in kafka.coverage)


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
    assert len({(one.id, one.version) for one in kafka.coverage}) == 1


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


@in_a_loop
async def test_what_is_held_is_saved_at_its_limit_before_the_interval(kafka: Kafka) -> None:
    process = Process(kafka, [0], spoken(kafka, "velmora", 1), snapshot_interval_s=90)
    value = ACTIVITY.encode(kafka.activity[0][0])
    again = Incoming("activity", 0, 0, b"", value)
    acknowledged: list[int] = []
    for part in (MAX_HELD - 1, 1):
        assert (kafka.written, acknowledged) == ([], [])
        await process.worker.take([again] * part, 1, partial(acknowledged.append, part))
    assert kafka.written == ["brand", "partition"]
    assert acknowledged == [MAX_HELD - 1, 1]
