"""S1 for the detector and the sink of alerts, and the crash points of both and of the ingestor."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from ingestors.generator.source import generate
from schemas.alert import Alert
from schemas.codec import POST_EVENT
from sinks.alerts.channels.webhook import IDEMPOTENCY
from tests import make
from tests.chaos.scenario import Run
from tests.chaos.scenarios.test_kills import CI_KILLS, KILLS, crash, kill_often
from tests.engines import test_alerts as desks
from tests.engines import test_detector as detectors
from tests.engines.pipeline import BROKEN_SOCKETS
from tests.servers.http import FakeHttp

pytestmark = [BROKEN_SOCKETS]
CYCLE_S = 4.0
"""About what one kill and the restart after it take."""
STATES = 20
ALERT_GROUPS = ("sink-alerts-desk", "sink-alerts-index")


@dataclass
class Sending:
    """How much of the messages may be sent by now, from 0 to 1."""

    allowed: float = 1.0


@contextmanager
def sending(run: Run, topic: str, messages: Sequence[Any], seconds: float) -> Iterator[Sending]:
    """Sends messages evenly over so many seconds, on a thread; waits for its end."""
    trouble: list[BaseException] = []
    control = Sending()

    def send() -> None:
        began, done = time.monotonic(), 0
        try:
            while done < len(messages):
                time.sleep(0.2)
                passed = min(1.0, (time.monotonic() - began) / seconds, control.allowed)
                due = int(passed * len(messages))
                run.pipeline.send(topic, messages[done:due])
                done = due
        except BaseException as error:  # noqa: BLE001
            trouble.append(error)

    thread = threading.Thread(target=send, daemon=True)
    thread.start()
    try:
        yield control
    finally:
        control.allowed = 1.0
    thread.join(900)
    assert not trouble, trouble


def left(control: Sending) -> Callable[[int, int], None]:
    """Leaves messages for each kill to come, however long one takes on a busy machine."""

    def begun(number: int, kills: int) -> None:
        control.allowed = (number + 1) / (kills + 1)

    return begun


def compare_alerts(run: Run, records: Sequence[Any]) -> None:
    """The detector's states and alerts against those of a run without faults."""
    pipeline = run.pipeline
    expected, raised = detectors.clean_run(records, detectors.BRANDS)
    clean = detectors.counts_of(expected)
    pipeline.wait("all records to be in a state", detectors.all_in_states(pipeline, clean))
    run.recovered()
    detectors.assert_counts(pipeline, clean)
    wanted = detectors.by_version(raised, records[-1].at)
    found = detectors.alerts(pipeline)
    run.row.events = len(records)
    run.row.lost, run.row.doubled = len(wanted.keys() - found.keys()), len(found.keys() - wanted)
    run.row.repeated = len(pipeline.read("alerts")) - len(found)
    assert found == wanted


@pytest.mark.chaos("S1", "kill -9 of one role, again and again", ci=True)
@pytest.mark.parametrize("role", ["detector"])
def test_the_detector(run: Run, role: str) -> None:
    pipeline, kills = run.pipeline, run.options.many(KILLS, CI_KILLS)
    pipeline.apply(detectors.BRANDS)
    with sending(run, "activity", detectors.EVERY, kills * CYCLE_S + 6) as control:
        child = pipeline.role(role)
        kill_often(
            run, child, kills, partial(detectors.progress, pipeline), role, begun=left(control)
        )
        run.healed()
    compare_alerts(run, detectors.EVERY)


def alert_states(brands: int) -> list[Alert]:
    """So many alerts of so many states each, state by state."""
    now = datetime.now(UTC)
    return [
        make.alert(
            version,
            "open" if version == 1 else "close" if version == STATES else "update",
            brand=f"b{number}",
            severity=1 + version % 5,
            began_at=now - timedelta(minutes=10),
            raised_at=now,
        )
        for first in range(0, brands, 10)
        for version in range(1, STATES + 1)
        for number in range(first, min(brands, first + 10))
    ]


def compare_deliveries(run: Run, desk: FakeHttp, states: Sequence[Alert]) -> None:
    """Each state was delivered, repeated only under its key, in order, and is in the index."""
    wanted = {(state.id, state.version) for state in states}
    run.pipeline.wait("every delivery", lambda: set(desks.delivered(desk)) == wanted)

    def stored() -> bool:
        index = run.pipeline.names.alerts
        run.pipeline.client.indices.refresh(index=index)
        hits = run.pipeline.search(index=index, size=10_000)["hits"]["hits"]
        found = {(h["_id"], s["version"]) for h in hits for s in h["_source"]["states"]}
        return found == wanted

    run.pipeline.wait("every state in the index", stored)
    run.recovered()
    counts = Counter(desks.delivered(desk))
    run.row.events, run.row.repeated = len(states), sum(counts.values()) - len(counts)
    keys = {request.headers[IDEMPOTENCY] for request in desk.taken}
    run.row.doubled = len(keys) - len(wanted)
    assert len(keys) == len(wanted), "a repeated delivery has the key of the first one"
    latest: dict[str, int] = {}
    for id_, version in desks.delivered(desk):
        assert version >= latest.get(id_, 0), "an older state came after a newer one"
        latest[id_] = version
    assert run.pipeline.dead_letters() == []


@pytest.mark.chaos("S1", "kill -9 of one role, again and again", ci=True)
@pytest.mark.parametrize("role", ["alerts"])
def test_the_sink_of_alerts(run: Run, role: str) -> None:
    kills = run.options.many(KILLS, CI_KILLS)
    states = alert_states(max(20, kills * 2))
    with FakeHttp() as desk, sending(run, "alerts", states, kills * CYCLE_S + 6) as control:
        child = run.pipeline.alerts(desks.webhook(desk))
        kill_often(run, child, kills, lambda: len(desk.taken), *ALERT_GROUPS, begun=left(control))
        run.healed()
        control.allowed = 1.0
        compare_deliveries(run, desk, states)
        assert run.row.repeated <= kills, "a kill repeats at most one state"


@pytest.mark.chaos("S1-points-detector", "a crash between any two steps of the detector")
def test_every_crash_point_of_the_detector(run: Run) -> None:
    points = ("detector_alerted", "detector_states_saved", "detector_ledger_saved")
    pipeline = run.pipeline
    pipeline.apply(detectors.BRANDS)
    with sending(run, "activity", detectors.EVERY, 60):
        child = pipeline.role("detector")
        for visit, point in enumerate(points, start=1):
            crash(run, child, point, visit, "detector")
        run.healed()
    compare_alerts(run, detectors.EVERY)


@pytest.mark.chaos("S1-points-alerts", "a crash between any two steps of the sink of alerts")
def test_every_crash_point_of_the_sink_of_alerts(run: Run) -> None:
    points = ("alert_delivered", "alert_recorded", "consumer_handled", "consumer_committed")
    states = alert_states(30)
    with FakeHttp() as desk, sending(run, "alerts", states, 40):
        child = run.pipeline.alerts(desks.webhook(desk))
        for visit, point in enumerate(points, start=1):
            crash(run, child, point, visit, *ALERT_GROUPS)
        run.healed()
        compare_deliveries(run, desk, states)
    assert {point for point in points if run.nemesis.fired[point]} == set(points)


@pytest.mark.chaos("S1-points-ingest", "a crash between any two steps of the ingestor")
def test_every_crash_point_of_the_ingestor(run: Run) -> None:
    points = ("ingest_sent", "ingest_acknowledged", "ingest_checkpoint_sent")
    posts, start = 4_000, datetime(2026, 3, 1, tzinfo=UTC)
    pipeline = run.pipeline
    ingest = pipeline.start(
        *("ingest", "ingest", "generate", "--posts", str(posts)),
        *("--start", start.isoformat().removesuffix("+00:00"), "--pace", "1440"),
        TOCSIN_INGEST_CHECKPOINT_INTERVAL_S="0.3",
    )
    for visit, point in enumerate(points, start=2):
        crash(run, ingest, point, visit)
    run.healed()
    pipeline.wait("the end of the day", lambda: ingest.process.poll() == 0)
    run.recovered()
    wanted = Counter(
        (e.id, e.version) for e in generate(1, posts, start, timedelta(hours=24))
    ).keys()
    found = posted(run)
    run.row.events, run.row.repeated = len(wanted), sum(found.values()) - len(found)
    run.row.lost, run.row.doubled = len(wanted - found.keys()), len(found.keys() - wanted)
    assert found.keys() == wanted


def posted(run: Run) -> Counter[tuple[str, int]]:
    """The events on ``posts``, each with its count."""
    decoded = (POST_EVENT.decode(record.value) for record in run.pipeline.read("posts"))
    return Counter((event.id, event.version) for event in decoded)
