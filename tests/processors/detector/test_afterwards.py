"""One storm is one alert, whatever part of it comes late, and in whatever order."""

import random
from collections.abc import Iterable, Sequence
from datetime import timedelta
from functools import cache
from itertools import pairwise

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from processors.detector.afterwards import Told, alert_id
from processors.detector.brand_detectors import BrandDetectors
from processors.detector.state.brand_state import DetectorState, pack, unpack
from processors.detector.state.counts import time_of
from schemas.activity import Activity
from schemas.alert import Alert
from schemas.detector_state import DetectorSnapshot
from tests.processors.detector.storms import START, VELMORA, calm, storm

BRANDS = {"velmora": VELMORA}
HOURS = 26
BEGAN = START + timedelta(hours=HOURS)
CALM = list(calm(HOURS + 8, per_minute=2))
BEFORE, AFTER = -60, 90
"""Minutes from the start of a storm: where a play begins, and after its last arrival ends."""
Arrival = tuple[float, Activity]


def minute(one: Activity) -> float:
    return (one.at - BEGAN).total_seconds() / 60


@cache
def calm_day() -> DetectorSnapshot:
    """The state after a calm day, an hour before the storm."""
    detectors = BrandDetectors(BRANDS)
    for one in CALM:
        if minute(one) < BEFORE:
            detectors.observe(one)
    detectors.advance(BEGAN + timedelta(minutes=BEFORE))
    (state,) = detectors.snapshots(START, every=True)
    return state


def played(
    arrivals: Iterable[Arrival], restart: tuple[int, DetectorSnapshot] | None = None
) -> tuple[list[Alert], BrandDetectors]:
    """The alerts of mentions that arrive at a minute, among calm ones in time.

    ``restart``: a minute, and the state that it begins with.
    """
    begins, state = restart or (BEFORE, calm_day())
    detectors, alerts = BrandDetectors(BRANDS), list[Alert]()
    detectors.restore([state])
    late = list(arrivals)
    ends = max(at for at, _ in late) + AFTER
    others = [(minute(one), one) for one in CALM]
    ordered = sorted([*others, *late], key=lambda arrival: arrival[0])
    coming = iter([(at, one) for at, one in ordered if begins <= at < ends])
    at, one = next(coming)
    for passed in range(begins, int(ends)):
        while at < passed:
            alerts += detectors.observe(one)
            at, one = next(coming, (ends, one))
        alerts += detectors.advance(BEGAN + timedelta(minutes=passed))
    return alerts, detectors


def arriving(mentions: Iterable[Activity], late: dict[range, float]) -> list[Arrival]:
    """Mentions in time, but for those of some minutes, which arrive at a given one."""
    return [
        (next((at for of, at in late.items() if int(minute(one)) in of), minute(one)), one)
        for one in mentions
    ]


def ids(alerts: Sequence[Alert]) -> set[str]:
    return {alert.id for alert in alerts}


def assert_sound(alerts: Sequence[Alert]) -> None:
    """No two alerts overlap, versions grow, and each alert opens once and is closed at the end."""
    by_id = {name: [alert for alert in alerts if alert.id == name] for name in ids(alerts)}
    for states in by_id.values():
        assert [state.status for state in states].count("open") == 1
        assert (states[0].status, states[-1].status) == ("open", "close")
        versions = [state.version for state in states]
        assert versions == sorted(set(versions))
    spans = sorted(
        (min(one.began_at for one in states), max(one.raised_at for one in states))
        for states in by_id.values()
    )
    for (_, end), (began, _) in pairwise(spans):
        assert end <= began


LONG_STORM = list(storm(HOURS, 200, per_minute=20))


@pytest.mark.parametrize(
    "late",
    [
        {range(100): 120.0},
        {range(20, 60): 90.0},
        {range(150, 200): 205.0},
        {range(120, 200): 260.0},
        {range(0, 200, 2): 230.0},
        {range(100, 200): 300.0, range(100): 340.0},
    ],
    ids=["beginning", "middle", "end", "end-after-it-was-over", "half", "two-parts-backwards"],
)
def test_a_storm_of_which_a_part_comes_late_is_one_alert(late: dict[range, float]) -> None:
    alerts, _ = played(arriving(LONG_STORM, late))
    assert len(ids(alerts)) == 1
    assert_sound(alerts)
    told = [alert.severity for alert in alerts if alert.status != "close"]
    assert told == sorted(set(told))


def test_an_open_alert_whose_beginning_comes_late_began_there() -> None:
    alerts, _ = played(arriving(LONG_STORM, {range(100): 120.0}))
    assert alerts[0].began_at >= BEGAN + timedelta(minutes=95)
    assert alerts[-1].began_at <= BEGAN + timedelta(minutes=5)
    assert [alert.found_afterwards for alert in alerts if alert.status == "update"][-1]


def test_a_storm_that_is_longer_than_a_run_of_late_minutes_is_one_alert() -> None:
    long = list(storm(HOURS, 330, per_minute=10))
    alerts, _ = played(arriving(long, {range(330): 400.0}))
    assert len(ids(alerts)) == 1
    assert_sound(alerts)


def test_an_alert_that_was_closed_and_still_goes_on_is_open_again() -> None:
    # The second half comes at minute 125: the alert closed at some ninety.
    alerts, _ = played(arriving(storm(HOURS, 120, per_minute=20), {range(60, 120): 125.0}))
    assert [alert.status for alert in alerts if alert.status != "update"] == [
        "open", "close", "close"
    ]  # fmt: skip
    closed = next(number for number, alert in enumerate(alerts) if alert.status == "close")
    again = alerts[closed + 1]
    assert again.status == "update"
    assert again.found_afterwards
    assert again.severity >= alerts[closed].severity
    assert alerts[-1].raised_at >= BEGAN + timedelta(minutes=140)
    assert_sound(alerts)


def test_a_late_part_between_two_alerts_that_were_told_leaves_them_apart() -> None:
    halves = [*storm(HOURS, 20, per_minute=20), *storm(HOURS + 150 / 60, 20, 20, seed=2)]
    between = [*storm(HOURS + 20 / 60, 90, 15, seed=3), *storm(HOURS + 110 / 60, 60, 80, seed=4)]
    alerts, _ = played([*arriving(halves, {}), *((230.0, one) for one in between)])
    in_time = played(arriving(halves, {}))[0]
    assert ids(alerts) == ids(in_time)
    assert len(ids(in_time)) == 2
    assert max(one.severity for one in alerts) > max(one.severity for one in in_time)
    assert_sound(alerts)


def test_after_a_storm_that_was_found_nothing_as_grave_opens_for_an_hour() -> None:
    # Found at minute 122, it was over at some ninety.
    found = [(120.0, one) for one in storm(HOURS, 30, per_minute=20)]
    second = arriving(storm(HOURS + 125 / 60, 15, per_minute=12, seed=2), {})
    alerts, _ = played(found + second)
    assert len(ids(alerts)) == 1
    assert alerts[-1].raised_at < BEGAN + timedelta(minutes=122)
    assert ids(played(second)[0])


def test_late_minutes_of_an_open_alert_are_not_learnt() -> None:
    long = list(storm(HOURS, 300, per_minute=20))
    _, detectors = played(arriving(long, {range(30, 60): 120.0}))
    _, in_time = played(arriving(long, {}))
    learnt, expected = (one.detector("velmora").snapshot().baseline for one in (detectors, in_time))
    assert learnt.mentions == pytest.approx(expected.mentions, rel=0.05)


def state_at(end: int, arrivals: Iterable[Arrival]) -> tuple[DetectorSnapshot, DetectorState]:
    """The state at a minute: saved, and to be changed."""
    detectors = BrandDetectors(BRANDS)
    detectors.restore([calm_day()])
    for at, one in arrivals:
        if at < end:
            detectors.observe(one)
    detectors.advance(BEGAN + timedelta(minutes=end))
    (saved,) = detectors.snapshots(START, every=True)
    state = unpack(saved.state, DetectorState)
    assert state is not None
    return saved, state


def test_an_alert_that_opens_within_one_that_was_found_is_that_one() -> None:
    arrivals = arriving(storm(HOURS, 60, per_minute=12), {})
    end = next(end for end in range(1, 9) if state_at(end, arrivals)[1].lifecycle.above)
    saved, state = state_at(end, arrivals)
    found = Told(alert_id("velmora", state.looked - 50), state.looked - 60, state.looked, 1, 1)
    state.told.append(found)
    alerts, _ = played(arrivals, (end, replace(saved, state=pack(state))))
    assert ids(alerts) == {found.id}
    assert [alert.status for alert in alerts if alert.status != "update"] == ["close"]
    assert alerts[0].began_at == time_of(found.began - 1)
    assert ids(played(arrivals, (end, saved))[0]) != {found.id}


def test_a_state_of_before_that_calls_an_open_alert_over_goes_on() -> None:
    graver = storm(HOURS + 15 / 60, 15, per_minute=80, seed=2)
    arrivals = arriving(storm(HOURS, 100, per_minute=20), {range(40): 40.0})
    arrivals += [(90.0, one) for one in graver]
    saved, state = state_at(50, arrivals)
    life = state.lifecycle
    assert life.is_open
    state.told.append(Told(alert_id("velmora", life.opened), life.began, state.looked, 1, 1))
    alerts, _ = played(arrivals, (50, saved))
    assert "update" in {alert.status for alert in alerts if alert.found_afterwards}
    assert played(arrivals, (50, replace(saved, state=pack(state))))[0] == alerts


STORM = list(storm(HOURS, 60, per_minute=12))
BLOCK = 6
QUICK = (Phase.explicit, Phase.reuse, Phase.generate)
"""Without shrinking: an example takes half a second."""


@given(
    st.lists(st.sampled_from([0, 0, 12, 25, 40, 75, 130, 200]), min_size=10, max_size=10),
    st.sampled_from([0.3, 0.6, 1.0]),
    st.integers(0, 2**16),
)
@settings(max_examples=10, deadline=None, phases=QUICK)
def test_a_storm_that_is_split_at_random_is_one_alert(
    delays: list[int], share: float, seed: int
) -> None:
    pick = random.Random(seed)
    in_time: list[Arrival] = []
    late: list[Arrival] = []
    for one in STORM:
        block = int(minute(one)) // BLOCK
        if delays[block] and pick.random() < share:
            late.append(((block + 1) * BLOCK + delays[block] + pick.uniform(0, 8), one))
        else:
            in_time.append((minute(one), one))
    alerts = played(in_time + late)[0]
    assert_sound(alerts)
    assert len(ids(alerts)) <= 1
    if not alerts:
        assert not played(in_time)[0]
        assert not played(late)[0]
