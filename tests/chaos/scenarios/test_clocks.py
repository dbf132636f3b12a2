"""S6, S15, S16: a source that was away, clocks that step, and the turns of the calendar."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from schemas.activity import Activity
from schemas.brand import AlertPolicy
from schemas.codec import ALERT, CHECKPOINT
from tests import make
from tests.chaos.ledger import Ledger, Sent, Shares, compare_versions, expected
from tests.chaos.scenario import Run
from tests.chaos.scenarios.test_alert_kills import alert_states
from tests.chaos.scenarios.test_hostile_time import first_alert
from tests.engines import test_detector as detectors
from tests.engines.pipeline import BROKEN_SOCKETS, FAST
from tests.engines.test_alerts import delivered, webhook
from tests.processors.detector.storms import calm, storm, together
from tests.servers.http import FakeHttp

pytestmark = [BROKEN_SOCKETS]
AWAY = timedelta(hours=3)
LIVE = {"TOCSIN_DETECTOR_GRACE_S": "20"}
"""The clock closes minutes, as in production."""


def of_all_brands(records: Sequence[Activity]) -> list[Activity]:
    return [
        msgspec.structs.replace(record, brand=brand.id, post_id=f"{record.post_id}-{brand.id}")
        for record in records
        for brand in detectors.BRANDS
    ]


def assert_told(run: Run, brands: Sequence[str]) -> None:
    """Every brand's crisis was told, at once or afterwards."""
    found = [ALERT.decode(record.value) for record in run.pipeline.read("alerts")]
    silent = [brand for brand in brands if first_alert(found, brand) is None]
    run.row.lost += len(silent)
    assert not silent, f"the crisis of {silent} was never told"


@pytest.mark.chaos("S6", "a source is away for three hours, with a crisis inside")
def test_a_crisis_inside_an_outage(run: Run) -> None:
    """The detector's clock goes on for three hours; then the source makes up what it missed."""
    pipeline = run.pipeline
    before = of_all_brands(together(calm(12, per_minute=4)))
    missed = of_all_brands(together(storm(12.5, 60, per_minute=20)))
    cut = before[-1].at
    clock = run.nemesis.clock("detector")
    clock.step((cut - datetime.now(UTC)).total_seconds())
    pipeline.apply(detectors.BRANDS)
    pipeline.role("detector", **LIVE, **clock.environment)
    pipeline.send("activity", before)
    pipeline.wait("the calm", lambda: pipeline.committed("detector") == len(before))
    clock.step((cut + AWAY - datetime.now(UTC)).total_seconds())
    run.nemesis.fired["hours away"] += 3
    time.sleep(run.options.many(60, 10))  # ticks pass, and nothing is heard
    late = [msgspec.structs.replace(record, ingested_at=cut + AWAY) for record in missed]
    run.healed()
    pipeline.send("activity", late)
    every = len(before) + len(late)
    pipeline.wait("what was missed", lambda: pipeline.committed("detector") == every)
    run.recovered()
    run.row.events = every
    time.sleep(5)  # a tick may find it
    assert_told(run, [brand.id for brand in detectors.BRANDS])


STEPS_S = (1.0, -1.0, -3_600.0, 5 * 3_600.0, 25 * 3_600.0, 0.0)


@pytest.mark.chaos("S15", "the clock of each role steps by seconds, hours and a day")
def test_clocks_that_step(run: Run) -> None:
    pipeline, nemesis = run.pipeline, run.nemesis
    clocks = {r: nemesis.clock(r) for r in ("process", "sink", "ingest", "alerts", "detector")}
    environments = {role: clock.environment for role, clock in clocks.items()}
    pipeline.apply([*detectors.BRANDS])
    children = [
        pipeline.role("process", **FAST, **environments["process"]),
        pipeline.role("sink", **environments["sink"]),
        pipeline.role("detector", **environments["detector"]),
    ]
    ingest = pipeline.start(
        *("ingest", "ingest", "generate", "--posts", "4000", "--start", "2026-03-01T00:00:00"),
        *("--pace", "720"),
        TOCSIN_INGEST_CHECKPOINT_INTERVAL_S="0.5",
        **environments["ingest"],
    )
    feeder = run.feeder()
    with FakeHttp() as desk:
        children.append(pipeline.alerts(webhook(desk), **environments["alerts"]))
        feeder.start(50)
        states = alert_states(len(STEPS_S) * 2)
        each = len(states) // len(STEPS_S)
        for number, step in enumerate(STEPS_S):
            for clock in clocks.values():
                clock.step(step)
            pipeline.send("alerts", states[number * each : (number + 1) * each])
            time.sleep(run.options.many(20, 5))
        run.healed()
        pipeline.wait("the end of the day", lambda: ingest.process.poll() == 0)
        wanted = {(state.id, state.version) for state in states[: each * len(STEPS_S)]}
        feeder.finish()
        pipeline.wait("the ledger", lambda: pipeline.meter.look().idle)
        run.recovered()
        # The detector may also tell of the generator's sources, which end before the scenario.
        told = {state for state in delivered(desk) if not state[0].startswith("blind-")}
        run.row.lost += len(wanted - told)
        assert told == wanted, f"{len(wanted - told)} states expired by a clock that stepped"
    assert all(child.process.poll() is None for child in children)
    compare_ledger(run, feeder.ledger)
    checkpoints = [CHECKPOINT.decode(record.value) for record in pipeline.read("checkpoints")]
    counts = [checkpoint.posts for checkpoint in checkpoints]
    assert counts == sorted(counts), "a checkpoint went back"


def compare_ledger(run: Run, ledger: Ledger) -> None:
    """The posts of the ledger alone; the index also holds those of the generator."""
    run.pipeline.sweep()
    wanted = expected(ledger.sent).versions

    def own() -> dict[str, int]:
        documents = run.pipeline.documents().items()
        return {i: found["_version"] for i, found in documents if ":gen-" not in i}

    run.pipeline.wait("the index", lambda: not compare_versions(wanted, own()).lost, patience_s=90)
    run.row.events += len(ledger.sent)
    run.count(compare_versions(wanted, own()))


TURNS = (
    datetime(2026, 3, 29, 0, 45, tzinfo=UTC),  # clocks go forward in Europe
    datetime(2026, 10, 25, 0, 45, tzinfo=UTC),  # and back
    datetime(2028, 2, 28, 23, 55, tzinfo=UTC),
    datetime(2028, 2, 29, 23, 55, tzinfo=UTC),
    datetime(2027, 12, 31, 23, 55, tzinfo=UTC),
)


@pytest.mark.chaos("S16-index", "posts over the ends of months and years, and over 29 February")
def test_the_turns_of_the_calendar_in_the_index(run: Run) -> None:
    pipeline = run.pipeline
    pipeline.both()
    every: list[Sent] = []
    for number, turn in enumerate(TURNS):
        feeder = run.feeder(Shares(poison=0, erase=0), start=turn, prefix=f"{number}-")
        every += feeder.ledger.events(run.options.many(1_500, 600))
        feeder.send(feeder.ledger.sent)
        run.nemesis.fired["turn of the calendar"] += 1
    run.healed()
    pipeline.drain(len(every))
    run.recovered()
    run.row.events = len(every)
    found = pipeline.documents()
    versions = {id_: document["_version"] for id_, document in found.items()}
    run.count(compare_versions(expected(every).versions, versions))
    hits = pipeline.search(index=pipeline.names.mentions, size=10_000)["hits"]["hits"]
    wrong = [
        (hit["_index"], hit["_source"]["created_at"])
        for hit in hits
        if not hit["_index"].endswith(hit["_source"]["created_at"][:7].replace("-", "."))
        and not hit["_index"].endswith(hit["_source"]["created_at"][:7])
    ]
    assert not wrong, f"in the index of another month: {wrong[:5]}"


@pytest.mark.chaos("S16-detector", "a crisis in the night in which the clocks of the brands turn")
def test_a_crisis_while_the_clocks_turn(run: Run) -> None:
    pipeline = run.pipeline
    policy = AlertPolicy(minimum_volume=10, quiet_hours="22:00-07:00 Europe/Paris")
    brands = [make.brand(brand.id, alerts=policy) for brand in detectors.BRANDS]
    records = of_all_brands(together(calm(12, per_minute=4), storm(10, 60, per_minute=20)))
    delta = TURNS[0] - timedelta(hours=10, minutes=30) - records[0].at
    records = [
        msgspec.structs.replace(r, at=r.at + delta, ingested_at=r.ingested_at + delta)
        for r in records
    ]
    _, raised = detectors.clean_run(records, brands)
    pipeline.apply(brands)
    pipeline.role("detector")
    run.nemesis.fired["turn of the calendar"] += 1
    run.healed()
    pipeline.send("activity", records)
    pipeline.wait("the records", lambda: pipeline.committed("detector") == len(records))
    run.recovered()
    run.row.events = len(records)
    found = [ALERT.decode(record.value) for record in pipeline.read("alerts")]
    wanted = detectors.by_version(raised, records[-1].at)
    assert detectors.by_version(found, records[-1].at) == wanted
    assert wanted, "the clean run tells a crisis"
