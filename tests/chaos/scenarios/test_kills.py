"""S1: kill -9 of each role, again and again, and once at every crash point."""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest

from ingestors.generator.accounts import brands
from ingestors.generator.source import generate
from runtime.crash_points import VARIABLE, Point
from tests.chaos.ledger import BRANDS, Shares, compare_versions
from tests.chaos.scenario import Run
from tests.engines.expected import final_state
from tests.engines.pipeline import BROKEN_SOCKETS, Child

pytestmark = [BROKEN_SOCKETS]

KILLS, CI_KILLS = 100, 5
GROUPS = {"process": "process", "sink": "sink-elasticsearch"}
RATE = 120
"""Messages a second while services are killed: there must always be some left to read."""


def kill_often(
    run: Run,
    child: Child,
    kills: int,
    progress: Callable[[], int],
    *groups: str,
    begun: Callable[[int, int], None] = lambda number, kills: None,
) -> None:
    """Kills a service shortly after each of its first steps forward.

    ``begun`` is told the number of each kill to come, and of all.
    """
    for number in range(kills):
        begun(number, kills)
        before = progress()
        run.pipeline.wait(f"progress {number} of {child.name}", lambda b=before: progress() > b)  # type: ignore[misc]
        run.nemesis.pause(0.1, 2.0)
        if child.process.poll() is None:
            run.nemesis.kill(child, *groups)
        child.start()


@pytest.mark.chaos("S1", "kill -9 of one role, again and again", ci=True)
@pytest.mark.parametrize("role", ["process", "sink"])
def test_consumers(run: Run, role: str) -> None:
    group = GROUPS[role]
    feeder = run.feeder()
    process, sink = run.pipeline.both()
    child = {"process": process, "sink": sink}[role]
    feeder.start(RATE)
    kill_often(
        run,
        child,
        run.options.many(KILLS, CI_KILLS),
        lambda: run.pipeline.committed(group),
        group,
    )
    run.healed()
    run.close_ledger(feeder)


@pytest.mark.chaos("S1", "kill -9 of one role, again and again", ci=True)
@pytest.mark.parametrize("role", ["ingest"])
def test_the_ingestor(run: Run, role: str) -> None:
    kills = run.options.many(KILLS, CI_KILLS)
    posts = 1_500 * kills + 3_000
    pipeline, start = run.pipeline, datetime(2026, 3, 1, tzinfo=UTC)
    pipeline.apply(brands())
    pipeline.role("process", TOCSIN_PROCESS_BATCH_SIZE="500")
    pipeline.role("sink", TOCSIN_SINK_BATCH_SIZE="500")
    ingest = pipeline.start(
        *("ingest", "ingest", "generate", "--posts", str(posts)),
        *("--start", start.isoformat().removesuffix("+00:00"), "--pace", pace(posts, kills)),
        TOCSIN_INGEST_CHECKPOINT_INTERVAL_S="0.5",
    )
    kill_often(run, ingest, kills, lambda: pipeline.meter.look().written["checkpoints"])
    run.healed()
    day = list(generate(1, posts, start, timedelta(hours=24)))
    pipeline.wait("the end of the day", lambda: ingest.process.poll() == 0)
    pipeline.drain(len(day))
    run.recovered()
    posted = [record.key.decode() for record in pipeline.read("posts")]
    run.row.events, run.row.repeated = len(day), len(posted) - len(day)
    assert set(posted) == {event.id for event in day}
    versions = {id_: found["_version"] for id_, found in pipeline.documents().items()}
    run.count(compare_versions(final_state(day, brands()), versions))
    assert pipeline.dead_letters() == []


def pace(posts: int, kills: int) -> str:
    """So that the day lasts longer than the kills, of about four seconds each."""
    return str(round(86_400 / (kills * 4 + 8)))


POINTS = list(get_args(Point))
OF_THE_LEDGER = [p for p in POINTS if p.startswith(("process_", "sink_", "consumer_"))]


@pytest.mark.chaos("S1-points", "a crash between any two steps of a processor and of a sink")
def test_every_crash_point_of_the_consumers(run: Run) -> None:
    run.pipeline.apply(BRANDS)
    # Erasures and letters often, so that each batch meets every step; several batches a second.
    feeder = run.feeder(Shares(erase=0.02, poison=0.02))
    process, sink = run.pipeline.both()
    feeder.start(RATE)
    dice = random.Random(run.options.seed)
    for point in OF_THE_LEDGER:
        child = process if point.startswith("process_") else sink
        crash(run, child, point, dice.randint(1, 5), GROUPS[child.name])
    run.healed()
    run.close_ledger(feeder)
    assert {p for p in OF_THE_LEDGER if run.nemesis.fired[p]} == set(OF_THE_LEDGER)


def crash(run: Run, child: Child, point: str, visit: int, *groups: str) -> None:
    """Starts a service that dies at a point, waits for that, and starts it without."""
    run.nemesis.kill(child, *groups)
    child.environment = {**child.environment, VARIABLE: f"{point}:{visit}"}
    child.start()
    run.pipeline.wait(f"the crash at {point}", lambda: child.process.poll() is not None)
    assert child.process.returncode == -9, child.output()[-2000:]
    run.nemesis.fired[point] += 1
    child.environment = {k: v for k, v in child.environment.items() if k != VARIABLE}
    for group in groups:
        run.nemesis.evict(group)
    child.start()
