"""S2, S7, S14: Kafka goes away, copies come and go, and the network between them is bad."""

import signal
import time
from datetime import UTC, datetime, timedelta

import pytest

from ingestors.generator.accounts import brands
from ingestors.generator.source import generate
from tests.chaos.ledger import BRANDS, compare_versions
from tests.chaos.nemesis import no_network_emulation
from tests.chaos.scenario import Run
from tests.engines.expected import final_state
from tests.engines.pipeline import BROKEN_SOCKETS, FAST, Child

pytestmark = [BROKEN_SOCKETS]
START = datetime(2026, 3, 1, tzinfo=UTC)
FIVE_MINUTES_S, TEN_MINUTES_S = 300, 600
SHORT_OUTAGES, SHORT_S = 20, 3.0


def ingest_day(run: Run, posts: int, seconds: float) -> Child:
    """An ingestor whose source goes on for so many seconds, whatever Kafka does."""
    pace = 86_400 / seconds
    return run.pipeline.start(
        *("ingest", "ingest", "generate", "--posts", str(posts)),
        *("--start", START.isoformat().removesuffix("+00:00"), "--pace", f"{pace:.3f}"),
        TOCSIN_INGEST_CHECKPOINT_INTERVAL_S="1",
        TOCSIN_INGEST_BUFFER_EVENTS="2000",
    )


def compare_day(run: Run, posts: int) -> None:
    """All events of the day are posted, and the index has their last states."""
    day = list(generate(1, posts, START, timedelta(hours=24)))
    pipeline = run.pipeline
    posted = [record.key.decode() for record in pipeline.read("posts")]
    missing = {event.id for event in day} - set(posted)
    run.row.events, run.row.repeated = len(day), len(posted) - len(day)
    run.row.lost += len(missing)
    assert not missing, f"{len(missing)} posts never came to Kafka"
    versions = {id_: found["_version"] for id_, found in pipeline.documents().items()}
    run.count(compare_versions(final_state(day, brands()), versions))
    assert pipeline.dead_letters() == []


@pytest.mark.chaos("S2", "Kafka is away for five minutes, then twenty times for seconds")
def test_kafka_away(run: Run) -> None:
    """A dead broker: the ingestor holds its source, the others wait or are started again."""
    long_s, often = run.options.many(FIVE_MINUTES_S, 20), run.options.many(SHORT_OUTAGES, 3)
    seconds = long_s + often * (SHORT_S + 12) + 60
    posts = int(seconds * 60)
    pipeline, stack = run.pipeline, run.stack
    pipeline.apply(brands())
    ingest = ingest_day(run, posts, seconds)
    pipeline.role("process", **FAST)
    pipeline.role("sink")
    pipeline.wait("some documents", lambda: len(pipeline.documents()) > 200)
    for pause_s in (float(long_s), *[SHORT_S] * often):
        stack.kill("kafka")
        try:
            run.nemesis.fired["Kafka killed"] += 1
            time.sleep(pause_s)
        finally:
            stack.restart("kafka")
        restart_ended(run)
        run.nemesis.pause(2, 6)
    run.healed()
    pipeline.wait("the end of the day", lambda: ingest.process.poll() == 0, dying=True)
    total = len(list(generate(1, posts, START, timedelta(hours=24))))
    pipeline.drain(total, dying=True)
    run.recovered()
    compare_day(run, posts)


def restart_ended(run: Run) -> None:
    """What a supervisor does: a service that ended with an error is started again."""
    for child in run.pipeline.children:
        if child.process.poll() not in (None, 0):
            run.pipeline.restarts += 1
            child.start()


COPIES = {"process": 3, "sink": 3, "detector": 2}
FROZEN_S = 20.0


@pytest.mark.chaos("S7", "a rebalance every ten seconds: copies join, leave and freeze", ci=True)
def test_rebalances(run: Run) -> None:
    pipeline, nemesis = run.pipeline, run.nemesis
    pipeline.apply(BRANDS)
    light = {"process": FAST, "sink": {}, "detector": {}}
    children = [
        pipeline.role(role, number, **light[role])
        for role, copies in COPIES.items()
        for number in range(1, copies + 1)
    ]
    feeder = run.feeder()
    feeder.start(100)
    end = time.monotonic() + run.options.many(TEN_MINUTES_S, 50)
    while time.monotonic() < end:
        child = nemesis.random.choice(children)
        kind = nemesis.random.choice(["leave", "leave", "kill", "freeze"])
        if child.process.poll() is not None:
            child.start()
        elif kind == "leave":
            status = nemesis.terminate(child)
            # A process that has only just begun has no handler yet, and nothing to finish.
            assert status in (0, -signal.SIGTERM), f"{child.name} ended with {status} on SIGTERM"
            nemesis.pause(1, 4)
            child.start()
        elif kind == "kill":
            nemesis.kill(child)
            nemesis.pause(1, 4)
            child.start()
        else:
            with nemesis.frozen(child):
                time.sleep(FROZEN_S if not run.options.ci else FROZEN_S / 2)
        nemesis.pause(2, 6)
    for child in children:
        if child.process.poll() is not None:
            child.start()
    run.healed()
    run.close_ledger(feeder, dying=True)


BAD_NETWORKS = ("latency", "drip", "deaf", "blackhole", "reset")


@pytest.mark.chaos("S14", "a slow, deaf or cut network between the services and Kafka")
def test_a_bad_network(run: Run) -> None:
    """By the proxy, which needs no rights; ``tc netem`` is not permitted everywhere."""
    feeder = run.feeder()
    run.through_kafka_proxy()
    run.pipeline.both()
    feeder.start(60)
    run.pipeline.wait("some documents", lambda: len(run.pipeline.documents()) > 100)
    for fault in BAD_NETWORKS:
        run.kafka_proxy.harm(fault)  # type: ignore[arg-type]
        until = time.monotonic() + run.options.many(60, 10)
        while time.monotonic() < until:
            restart_ended(run)
            time.sleep(1)
        run.kafka_proxy.harm(None)
        assert run.kafka_proxy.fired[fault] > 0, f"no packet met {fault}"
        time.sleep(run.options.many(15, 3))
        restart_ended(run)
    run.add_faults(run.kafka_proxy.fired)
    run.healed()
    run.close_ledger(feeder, dying=True)


@pytest.mark.chaos("S14-netem", "packet loss and delay by tc netem, in a network namespace")
def test_packet_loss(run: Run) -> None:
    why = no_network_emulation()
    if why is not None:
        pytest.skip(f"{why}; S14 does the same with a proxy")
    pytest.skip("netem works here: the engines would have to run in the namespace as well")
