"""S18: Kafka deletes what a stopped consumer has not read; every message of it is counted."""

from collections.abc import Callable

import pytest
from kafka.structs import TopicPartition

from runtime.kafka import client as kafka
from schemas.codec import ACTIVITY
from tests import make
from tests.chaos.ledger import BRANDS, Sent, Shares, compare_versions, expected
from tests.chaos.proxy import HttpProxy
from tests.chaos.scenario import Run
from tests.chaos.scenarios.test_alert_kills import ALERT_GROUPS, alert_states
from tests.engines.pipeline import BROKEN_SOCKETS, Child
from tests.engines.test_alerts import webhook
from tests.servers.http import FakeHttp

pytestmark = [BROKEN_SOCKETS]
EXPIRED = "tocsin_expired_messages_total"
BEFORE, MISSED, AFTER = 200, 600, 300


def expire(run: Run, topic: str, group: str) -> int:
    """Deletes all that is in a topic; returns how much of it the group had not committed."""
    with kafka.open_consumer(run.pipeline.kafka, "test") as consumer:
        name = run.pipeline.kafka.topic_prefix + topic
        partitions = [TopicPartition(name, n) for n in consumer.partitions_for_topic(name) or ()]
        ends = consumer.end_offsets(partitions)
    missing = sum(ends.values()) - run.pipeline.committed(group)
    with kafka.admin(run.pipeline.kafka) as client:
        client.delete_records(ends)
    assert missing > 0, "retention has passed nothing that was unread"
    run.nemesis.fired["messages expired"] += missing
    return missing


def stop(run: Run, child: Child, *groups: str) -> None:
    run.nemesis.kill(child, *groups)


def counted(run: Run, child: Child, missing: int, done: Callable[[], bool]) -> None:
    """The service goes on, and says how much is missing: neither more nor less."""
    run.healed()
    child.start()
    run.pipeline.wait("what came afterwards", done)
    run.recovered()
    run.pipeline.wait(
        f"{missing} expired messages to be counted",
        lambda: run.pipeline.metric(child, EXPIRED) >= missing,
        patience_s=60,
    )
    assert run.pipeline.metric(child, EXPIRED) == missing


@pytest.mark.chaos("S18", "retention passes a stopped consumer", ci=True)
@pytest.mark.parametrize("role", ["process", "sink"])
def test_a_stopped_consumer_of_the_stream(run: Run, role: str) -> None:
    topic, group = {"process": ("posts", "process"), "sink": ("mentions", "sink-elasticsearch")}[
        role
    ]
    pipeline, feeder = (
        run.pipeline,
        run.feeder(Shares(edit=0, delete=0, erase=0, poison=0, noise=0)),
    )
    process, sink = pipeline.both()
    child = {"process": process, "sink": sink}[role]
    before = list(feeder.ledger.events(BEFORE))
    pipeline.drain(feeder.send(before))
    stop(run, child, group)
    feeder.send(feeder.ledger.events(MISSED))
    if role == "sink":
        pipeline.wait("the mentions", lambda: pipeline.meter.look().lag["posts"] == 0)
    missing = expire(run, topic, group)
    after = list(feeder.ledger.events(AFTER))
    feeder.send(after)
    counted(run, child, missing, lambda: kept(run, [*before, *after]) == [])
    run.row.events = len(feeder.ledger.sent)
    run.count(compare_versions(expected([*before, *after]).versions, versions(run)))
    assert missing == MISSED


def versions(run: Run) -> dict[str, int]:
    return {id_: found["_version"] for id_, found in run.pipeline.documents().items()}


def kept(run: Run, sent: list[Sent]) -> list[str]:
    """What is not yet in the index."""
    return compare_versions(expected(sent).versions, versions(run)).lost


@pytest.mark.chaos("S18", "retention passes a stopped consumer")
@pytest.mark.parametrize("role", ["detector"])
def test_a_stopped_detector(run: Run, role: str) -> None:
    pipeline = run.pipeline
    pipeline.apply(BRANDS)
    records = [
        make.activity(number, brand=BRANDS[number % len(BRANDS)].id)
        for number in range(BEFORE + MISSED + AFTER)
    ]
    child = pipeline.role(role)
    pipeline.send("activity", records[:BEFORE])
    pipeline.wait("its commits", lambda: pipeline.committed(role) == BEFORE)
    stop(run, child, role)
    pipeline.send("activity", records[BEFORE : BEFORE + MISSED])
    missing = expire(run, "activity", role)
    pipeline.send("activity", records[BEFORE + MISSED :])
    counted(run, child, missing, lambda: pipeline.metric(child, RECORDS) >= AFTER)
    run.row.events = len(records)
    assert missing == MISSED
    assert all(ACTIVITY.decode(record.value) for record in pipeline.read("activity"))


RECORDS = "tocsin_detector_records_total"


@pytest.mark.chaos("S18", "retention passes a stopped consumer")
@pytest.mark.parametrize("role", ["alerts"])
def test_a_stopped_sink_of_alerts(run: Run, role: str) -> None:
    pipeline, states = run.pipeline, alert_states(30)
    third = len(states) // 3
    with FakeHttp() as desk:
        child = pipeline.alerts(webhook(desk))
        pipeline.send("alerts", states[:third])
        for group in ALERT_GROUPS:
            pipeline.wait("its commits", lambda g=group: pipeline.committed(g) == third)  # type: ignore[misc]
        stop(run, child, *ALERT_GROUPS)
        pipeline.send("alerts", states[third : 2 * third])
        missing = expire(run, "alerts", ALERT_GROUPS[0])
        pipeline.send("alerts", states[2 * third :])
        told = len(states) - third
        # Each channel is a consumer of its own, and tells of its own loss.
        counted(run, child, missing * len(ALERT_GROUPS), lambda: len(desk.taken) >= told)
    run.row.events = len(states)


@pytest.mark.chaos("S18-paused", "retention passes a sink that waits for Elasticsearch")
def test_a_sink_that_waits(run: Run) -> None:
    """It holds its partitions, so no assignment tells it that messages are gone."""
    pipeline = run.pipeline
    feeder = run.feeder(Shares(edit=0, delete=0, erase=0, poison=0, noise=0))
    with HttpProxy(pipeline.elasticsearch.url) as proxy:
        run.through(proxy, timeout_s=2.0)
        _, sink = pipeline.both()
        before = list(feeder.ledger.events(BEFORE))
        pipeline.drain(feeder.send(before))
        proxy.share, proxy.faults = 1.0, ("503",)
        feeder.send(feeder.ledger.events(MISSED))
        pipeline.wait("the mentions", lambda: pipeline.meter.look().lag["posts"] == 0)
        pipeline.wait("the sink to wait", lambda: "does not take writes" in sink.output())
        expire(run, "mentions", "sink-elasticsearch")
        proxy.faults = ()
        run.add_faults(proxy.fired)
        run.healed()
        after = list(feeder.ledger.events(AFTER))
        feeder.send(after)
        pipeline.wait("what came afterwards", lambda: kept(run, after) == [])
        run.recovered()
        # What the sink held in memory is written; the rest is counted.
        lost = MISSED - (len(versions(run)) - len(before) - len(after))
        pipeline.wait(
            f"{lost} expired messages to be counted",
            lambda: pipeline.metric(sink, EXPIRED) >= lost,
            patience_s=60,
        )
    run.row.events = len(feeder.ledger.sent)
    assert pipeline.metric(sink, EXPIRED) == lost
