"""No record's own time, no step of a clock and no outage hides a crisis from a detector process."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from processors.detector.backtest import replay
from processors.detector.snapshots import Ledger, ledger_snapshot
from runtime import metrics
from schemas.activity import Activity
from schemas.alert import Alert
from schemas.codec import DETECTOR_STATE
from tests.processors.detector.detector_process import (
    BRANDS,
    PARTITION_OF,
    Kafka,
    Process,
    in_a_loop,
)
from tests.processors.detector.storms import START, calm, record, storm, together

STORM = START + timedelta(hours=8)
RECORDS = together(calm(10, per_minute=3), storm(8, 60, per_minute=30))
END = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


def opened(alerts: Sequence[Alert], brand: str = "velmora") -> list[tuple[str, bool]]:
    """The alerts that were opened, by the minute, and whether they were found afterwards."""
    return [
        (f"{alert.raised_at:%d %H:%M}", alert.found_afterwards)
        for alert in alerts
        if alert.kind == "crisis" and alert.status == "open" and alert.brand == brand
    ]


async def lived(
    kafka: Kafka,
    arrivals: Sequence[tuple[datetime, Activity]],
    steps: dict[int, timedelta] | None = None,
    hours: float = 10.5,
    **process: Any,
) -> Process:
    """A process whose records arrive at their times; ``steps`` of its wall clock, by minute."""
    made = Process(kafka, [0, 1], START, snapshot_interval_s=30, **process)
    await made.worker._producer.start()
    ordered = sorted(arrivals, key=lambda arrival: arrival[0])
    number = 0
    for minute in range(int(hours * 60)):
        made.stepped = (steps or {}).get(minute, made.stepped)
        made.now = START + timedelta(minutes=minute + 1) + made.stepped
        before = number
        while number < len(ordered) and ordered[number][0] < made.now - made.stepped:
            one = ordered[number][1]
            kafka.activity[PARTITION_OF[one.brand]].append(one)
            number += 1
        if number > before:
            await made.read(made.generation)
        await made.tick_once()
    return made


def on_time(records: Sequence[Activity]) -> list[tuple[datetime, Activity]]:
    return [(one.ingested_at, one) for one in records]


CLEAN = [("02 08:02", False)]


@pytest.mark.parametrize(
    ("brand", "ahead"),
    [
        ("corvo", timedelta(hours=23, minutes=59)),
        ("corvo", timedelta(hours=3)),
        ("velmora", timedelta(hours=23, minutes=59)),
        ("velmora", timedelta(minutes=30)),
    ],
)
def test_a_record_that_claims_a_later_time_hides_no_storm(brand: str, ahead: timedelta) -> None:
    async def test(kafka: Kafka) -> None:
        at = STORM - timedelta(minutes=10)
        evil = record("evil", at + ahead, ingested_at=at, brand=brand)
        before = metrics.DETECTOR_AHEAD._value.get()
        await lived(kafka, on_time([*RECORDS, evil]))
        assert metrics.DETECTOR_AHEAD._value.get() == before + 1
        told = [alert for alert in kafka.alerts if alert.brand == "velmora"]
        clean = replay(RECORDS, BRANDS.values())
        assert opened(told) == opened(clean)
        assert {one.status for one in told} == {one.status for one in clean}

    in_a_loop(test)()


@in_a_loop
async def test_an_ingestion_that_claims_to_be_ahead_of_our_clock_hides_no_storm(
    kafka: Kafka,
) -> None:
    at = STORM - timedelta(minutes=10)
    evil = record("evil", END, ingested_at=END, brand="velmora")
    await lived(kafka, [*on_time(RECORDS), (at, evil)])
    assert opened(kafka.alerts) == opened(replay(RECORDS, BRANDS.values()))


@pytest.mark.parametrize(
    "steps",
    [
        {420: timedelta(hours=5), 422: timedelta(0)},
        {420: timedelta(hours=5)},
        {420: timedelta(hours=25)},
        {420: timedelta(hours=-1)},
        {420: timedelta(hours=-1), 425: timedelta(0)},
    ],
    ids=["5 h for two minutes", "5 h", "25 h", "an hour back", "back and forth"],
)
def test_a_step_of_the_wall_clock_changes_no_alert_and_no_saving(
    steps: dict[int, timedelta],
) -> None:
    async def test(kafka: Kafka) -> None:
        await lived(kafka, on_time(RECORDS), steps, hours=10)
        assert opened(kafka.alerts) == opened(replay(RECORDS, BRANDS.values()))
        assert [alert for alert in kafka.alerts if alert.kind == "blind"] == []
        assert kafka.committed[0] == len(kafka.activity[0])

    in_a_loop(test)()


@pytest.mark.parametrize("other", [False, True], ids=["alone", "while another source speaks"])
def test_a_storm_within_an_outage_that_is_made_up_is_told(other: bool) -> None:
    async def test(kafka: Kafka) -> None:
        first, end = STORM - timedelta(hours=1), STORM + timedelta(hours=2)
        arrivals = [(end if first <= one.at < end else one.at, one) for one in RECORDS]
        if other:
            of_other = [
                record(f"o{n}", START + timedelta(minutes=2 * n), source="y") for n in range(320)
            ]
            arrivals += on_time(of_other)
        before = metrics.DETECTOR_MADE_UP._value.get()
        await lived(kafka, arrivals, hours=11)
        told = opened(kafka.alerts)
        assert [afterwards for _, afterwards in told] == [True]
        assert "02 08:00" <= told[0][0] <= "02 08:06"
        (alert,) = [one for one in kafka.alerts if one.status == "open" and one.kind == "crisis"]
        assert alert.title.endswith(", found afterwards")
        assert metrics.DETECTOR_MADE_UP._value.get() > before

    in_a_loop(test)()


@in_a_loop
async def test_a_time_at_the_end_of_the_calendar_ends_no_process_not_even_when_saved(
    kafka: Kafka,
) -> None:
    kafka.activity[0].append(record("evil", END, ingested_at=START))
    ledger = ledger_snapshot(0, Ledger(newest=END), START)
    kafka.states[b"partition:0"] = DETECTOR_STATE.encode(ledger)
    for number in range(3):
        process = Process(kafka, [0], START + timedelta(minutes=number))
        await process.read()
        process.now += timedelta(hours=1)
        await process.tick_once()
    assert kafka.committed[0] == 1
    assert kafka.letters == []


@in_a_loop
async def test_time_does_not_go_on_while_records_wait_in_kafka(kafka: Kafka) -> None:
    storms = [one for one in RECORDS if one.at >= STORM]
    lag = timedelta(minutes=8)
    process = await lived(kafka, on_time([one for one in RECORDS if one.at < STORM]), hours=8)
    kafka.activity[0] += [one for one in storms if one.at < STORM + lag]
    process.now += lag
    await process.tick_once()
    assert kafka.alerts == []
    await process.read()
    await process.tick_once()
    assert opened(kafka.alerts) == opened(replay(RECORDS, BRANDS.values()))


@in_a_loop
async def test_a_crisis_does_not_end_while_nothing_can_be_heard(kafka: Kafka) -> None:
    """The sources are away: that no mention comes says nothing of the crisis."""
    heard = [one for one in RECORDS if one.at < STORM + timedelta(minutes=30)]
    process = await lived(kafka, on_time(heard), hours=8.5)
    for _ in range(180):
        process.now += timedelta(minutes=1)
        await process.tick_once()
    crisis = [one for one in kafka.alerts if one.kind == "crisis"]
    assert "open" in {one.status for one in crisis}
    assert "close" not in {one.status for one in crisis}
