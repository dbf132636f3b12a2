"""Records that come for minutes that were looked at: they count, and their alerts are told once."""

import random
from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from processors.detector.backtest import backtest_alerts, replay
from processors.detector.brand_detectors import MAX_STATE_BYTES, BrandDetectors
from processors.detector.state.brand_state import pack
from processors.detector.state.late_counts import MAX_LATE_MINUTES
from schemas.activity import Activity
from schemas.alert import Alert
from schemas.codec import DETECTOR_STATE
from tests.processors.detector.storms import START, VELMORA, calm, record, storm, together

CALM = list(calm(30, per_minute=2))
STORM = list(storm(26, 40, per_minute=20))
BRANDS = {"velmora": VELMORA}


def played(
    arrivals: Sequence[tuple[float, Activity]], restart: float | None = None
) -> tuple[list[Alert], BrandDetectors]:
    """The alerts of records that arrive at a minute; event time goes on minute by minute."""
    detectors, alerts = BrandDetectors(BRANDS), list[Alert]()
    ordered = sorted(arrivals, key=lambda arrival: arrival[0])
    number = 0
    for minute in range(int(ordered[-1][0]) + 90):
        if restart == minute:
            kept = list(detectors.snapshots(START, every=True))
            detectors = BrandDetectors(BRANDS)
            detectors.restore(kept)
        while number < len(ordered) and ordered[number][0] < minute:
            alerts += detectors.observe(ordered[number][1], 0, number + 1)
            number += 1
        alerts += detectors.advance(START + timedelta(minutes=minute))
    return alerts, detectors


def minute(one: Activity) -> float:
    return (one.at - START).total_seconds() / 60


def late_by(hours: float) -> list[tuple[float, Activity]]:
    """Calm hours in time, and a storm whose mentions all come so many hours late."""
    end = minute(STORM[-1])
    return [(minute(one), one) for one in CALM] + [
        (max(end + 60 * hours - 40, minute(one)), one) for one in STORM
    ]


@pytest.mark.parametrize("hours", [1, 2, 3.5])
def test_a_storm_that_comes_late_is_told_once_as_found_afterwards(hours: float) -> None:
    alerts, detectors = played(late_by(hours))
    assert [alert.status for alert in alerts].count("open") == 1
    assert alerts[-1].status == "close"
    assert alerts[0].found_afterwards
    assert alerts[0].title.endswith("found afterwards")
    assert len({alert.id for alert in alerts}) == 1
    versions = [alert.version for alert in alerts]
    assert versions == sorted(set(versions))
    (in_time,) = backtest_alerts(replay([*CALM, *STORM], [VELMORA]))
    (found,) = backtest_alerts(alerts)
    assert abs(found.opened_at - in_time.opened_at) <= timedelta(minutes=5)
    assert abs(found.severity - in_time.severity) <= 1
    assert found.states[0].evidence.shown[0].role == "first"
    assert detectors.tally["made_up"] >= 0.9 * len(STORM)


def test_a_storm_that_was_told_is_not_told_again_when_it_is_read_again() -> None:
    # On the second day: what is usual at that hour is known, and the same at both looks.
    once = list(storm(28, 40, per_minute=26))
    again = [(minute(one) + 120, one) for one in once]
    alerts, _ = played([(minute(one), one) for one in [*calm(32, per_minute=2), *once]] + again)
    assert [alert.status for alert in alerts].count("open") == 1
    assert not any(alert.found_afterwards for alert in alerts)


def test_a_storm_that_comes_late_in_two_halves_is_told_once() -> None:
    end = minute(STORM[-1])
    half = [(end + (60 if number % 2 else 100), one) for number, one in enumerate(STORM)]
    alerts, _ = played([(minute(one), one) for one in CALM] + half)
    assert [alert.status for alert in alerts].count("open") == 1
    severities = [alert.severity for alert in alerts if alert.status != "close"]
    assert severities == sorted(set(severities))


def test_calm_mentions_that_come_late_are_learnt_and_alarm_nobody() -> None:
    late = [(minute(one) + (200 if 600 <= minute(one) < 900 else 0), one) for one in CALM]
    alerts, detectors = played(late)
    assert alerts == []
    assert detectors.tally["made_up"] > 100
    state = detectors.detector("velmora").snapshot()
    assert state.afterwards is None
    in_time = played([(minute(one), one) for one in CALM])[1].detector("velmora").snapshot()
    assert state.baseline.mentions == pytest.approx(in_time.baseline.mentions, rel=0.05)


@given(st.integers(26 * 60, 31 * 60))
@settings(max_examples=6, deadline=None)
def test_a_restart_changes_nothing_of_what_is_found_afterwards(restart: int) -> None:
    told = [(a.id, a.version, a.status) for a in played(late_by(2))[0]]
    assert [(a.id, a.version, a.status) for a in played(late_by(2), restart)[0]] == told


def test_a_flood_of_late_mentions_keeps_its_bounds() -> None:
    pick = random.Random(1)
    detectors = BrandDetectors(BRANDS)
    for one in CALM:
        detectors.observe(one)
    end = CALM[-1].at
    for number in range(3_000):
        at = end - timedelta(minutes=pick.uniform(90, 6 * 24 * 60))
        detectors.observe(record(f"f{number}", at, ingested_at=end))
    detector = detectors.detector("velmora")
    state = detector.snapshot()
    assert state.afterwards is not None
    assert len(state.afterwards.minutes) <= MAX_LATE_MINUTES
    assert len(state.afterwards.dirty) <= MAX_LATE_MINUTES
    assert len(pack(state)) < MAX_STATE_BYTES
    for _ in range(MAX_LATE_MINUTES):
        before = detector.late_minutes
        detectors.advance(end)
        # Runs of one minute each touch at least a window of half an hour.
        assert before - detector.late_minutes <= 600
    assert detector.late_minutes == 0


@given(
    st.integers(0, len(CALM) - 1),
    st.timedeltas(timedelta(minutes=1), timedelta(days=3000)),
    st.booleans(),
)
@settings(max_examples=6, deadline=None)
def test_a_record_ahead_of_its_ingestion_counts_as_one_of_that_moment(
    place: int, ahead: timedelta, stormy: bool
) -> None:
    records = together(CALM[:2000], storm(12, 30, 20)) if stormy else CALM[:2000]
    place %= len(records)
    at = records[place].at
    evil = record("evil", at + ahead, ingested_at=at)

    def told(extra: Activity) -> list[Alert]:
        detectors, alerts = BrandDetectors(BRANDS), list[Alert]()
        for one in [*records[:place], extra, *records[place:]]:
            alerts += detectors.observe(one)
        return alerts

    assert told(evil) == told(replace(evil, at=at))


def test_no_state_is_larger_than_its_topic_takes() -> None:
    pick = random.Random(2)
    detectors = BrandDetectors(BRANDS)
    detectors.observe(record("now", START + timedelta(days=1)))

    def name(bits: int) -> str:
        return f"{pick.getrandbits(bits):x}"

    for number in range(40_000):
        at = START + timedelta(minutes=number % (MAX_LATE_MINUTES - 10))
        detectors.observe(
            record(
                name(120), at, author=name(64), url=f"https://example.org/{name(400)}",
                terms=[name(320) for _ in range(24)], entities=[name(320) for _ in range(12)],
            )
        )  # fmt: skip
    (snapshot,) = detectors.snapshots(START)
    assert detectors.tally["shed"] == 1
    assert len(DETECTOR_STATE.encode(snapshot)) < 2 * 2**20
