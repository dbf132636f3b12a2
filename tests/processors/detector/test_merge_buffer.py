"""A backlog is put into the order of event time, whatever order its partitions are read in."""

import random
from collections.abc import Sequence
from datetime import timedelta

import pytest

from processors.detector.backtest import replay
from processors.detector.merge_buffer import HOLD_S, OLD, QUIET_S, MergeBuffer
from processors.faust.messages import Incoming
from schemas.activity import Activity
from schemas.alert import Alert
from tests.processors.detector.detector_process import BRANDS, Kafka, Process, in_a_loop
from tests.processors.detector.storms import START, calm, record, storm, together

NOW = START + timedelta(days=1)
RECORDS = together(calm(30, per_minute=1), storm(26, 45, 12))
MESSAGE = Incoming("activity", 0, 0, b"", b"")


def held(buffer: MergeBuffer, minutes_ago: float, passed_s: float, brand: str = "velmora") -> bool:
    one = record(f"{minutes_ago}", NOW - timedelta(minutes=minutes_ago), brand=brand)
    return buffer.take(one, MESSAGE, NOW, passed_s)


def released(buffer: MergeBuffer, passed_s: float) -> list[float]:
    return [(NOW - w.record.at) / timedelta(minutes=1) for w in buffer.due(passed_s)]


def test_live_records_pass_and_old_ones_wait_until_no_more_come() -> None:
    buffer = MergeBuffer()
    assert not held(buffer, OLD / timedelta(minutes=1), 0)
    for minutes_ago in (60, 20, 40, 1):
        assert held(buffer, minutes_ago, 1)
    assert not held(buffer, 1, 1, brand="corvo")
    assert ("velmora" in buffer, "corvo" in buffer, len(buffer)) == (True, False, 4)
    assert released(buffer, QUIET_S) == []
    assert released(buffer, 1 + QUIET_S) == [60, 40, 20, 1]
    assert (len(buffer), "velmora" in buffer) == (0, False)
    assert not held(buffer, 1, 2)


def test_a_record_waits_no_longer_than_its_time_though_more_come() -> None:
    buffer = MergeBuffer()
    held(buffer, 60, 0)
    held(buffer, 30, HOLD_S - 1)
    held(buffer, 90, HOLD_S)
    assert released(buffer, HOLD_S) == [90, 60]
    assert len(buffer) == 1


def in_partitions(records: Sequence[Activity], count: int, chunk: int) -> list[Activity]:
    """As a processor reads them that takes so many of each partition in turn."""
    pick = random.Random(count)
    partitions: list[list[Activity]] = [[] for _ in range(count)]
    for one in records:
        pick.choice(partitions).append(one)
    read = []
    while any(partitions):
        for partition in partitions:
            read += partition[:chunk]
            del partition[:chunk]
    return read


def states(alerts: Sequence[Alert]) -> list[tuple[str, int, str, int]]:
    return [
        (alert.id, alert.version, alert.status, alert.severity)
        for alert in alerts
        if alert.kind == "crisis"
    ]


@pytest.mark.parametrize(("partitions", "chunk"), [(1, 500), (4, 10), (4, 10_000), (12, 300)])
def test_a_backlog_gives_the_alerts_of_the_ordered_run(partitions: int, chunk: int) -> None:
    async def test(kafka: Kafka) -> None:
        process = Process(kafka, [0], START + timedelta(days=4000), snapshot_interval_s=30)
        backlog = in_partitions(RECORDS, partitions, chunk)
        for first in range(0, len(backlog), 500):
            kafka.activity[0] = backlog[: first + 500]
            await process.read()
            process.now += timedelta(seconds=0.5)
            await process.tick_once()
        process.now += timedelta(seconds=60)
        await process.tick_once()
        ordered = states(replay(RECORDS, BRANDS.values()))
        # The detector lives on: it does not close what is open at the end of the records.
        assert states(kafka.alerts) == ordered[: len(kafka.alerts)]
        assert [status for _, _, status, _ in states(kafka.alerts)].count("open") == 1
        assert all(alert.found_afterwards for alert in kafka.alerts if alert.kind == "crisis")
        assert process.worker._detectors.tally["lost"] == 0
        assert kafka.committed[0] == len(RECORDS)

    in_a_loop(test)()


@in_a_loop
async def test_a_process_that_is_killed_while_records_wait_reads_them_again(kafka: Kafka) -> None:
    kafka.activity[0] = in_partitions(RECORDS, 4, 300)
    now = START + timedelta(days=4000)
    gone = Process(kafka, [0], now, snapshot_interval_s=30)
    assert not await gone.read()
    again = Process(kafka, [0], now, snapshot_interval_s=30)
    await again.read()
    again.now += timedelta(seconds=60)
    await again.tick_once()
    counted = again.worker._detectors.detector("velmora").snapshot()
    assert counted.baseline.mentions > 0
    assert kafka.committed[0] == len(RECORDS)
    ordered = states(replay(RECORDS, BRANDS.values()))
    assert states(kafka.alerts) == ordered[: len(kafka.alerts)]


@in_a_loop
async def test_what_waits_is_counted_before_it_is_acknowledged(kafka: Kafka) -> None:
    kafka.activity[0] = [record(n, START + timedelta(seconds=n)) for n in range(100)]
    process = Process(kafka, [0], START + timedelta(days=1), snapshot_interval_s=30)
    assert not await process.read()
    await process.worker.stop()
    assert kafka.committed[0] == 100
    saved = kafka.recover(None, BRANDS, [0]).detectors.detector("velmora").snapshot()
    assert sum(minute.mentions for minute in saved.counts.every()) == 100


def test_a_replay_puts_its_records_into_order() -> None:
    assert states(replay(in_partitions(RECORDS, 4, 700), BRANDS.values())) == states(
        replay(RECORDS, BRANDS.values())
    )
