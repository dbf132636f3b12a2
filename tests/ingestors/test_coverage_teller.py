"""A runner tells what was heard of its source; nothing of that holds or ends its posts."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from kafka.errors import TopicAuthorizationFailedError
from prometheus_client import REGISTRY

from ingestors.generator.source import GeneratorSource
from ingestors.source import Batch, Gap, SourceError
from schemas.checkpoint import Checkpoint
from schemas.codec import CHECKPOINT
from schemas.coverage import CoverageInterval
from tests.ingestors.brokers import Broker, FakeBroker
from tests.ingestors.runner_rig import (
    NOW,
    ListSource,
    checkpoint,
    delivered,
    event,
    numbered,
    runner,
    seconds,
)
from tests.runtime.test_coverage_outbox import Topic, count, opened, until

S = timedelta(seconds=1)


@dataclass
class LiveSource(ListSource):
    """All that was published is handed over by each read, unless there is an obstacle."""

    clock: Callable[[], datetime] = lambda: NOW
    heard: datetime | None = None

    def next_batch(self) -> Batch:
        batch = super().next_batch()
        if batch.obstacle is None and not self.closed:
            self.heard = self.clock()
        return batch

    def heard_until(self) -> datetime | None:
        return self.heard


@dataclass
class Hand:
    """A clock that is moved by hand."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, seconds: float) -> Callable[[], None]:
        def move() -> None:
            self.now += seconds * S

        return move


def broken(number: int) -> Batch:
    return Batch(position={"at": number}, obstacle="the connection ended", cause="dropped")


def checkpoints(broker: Broker) -> list[Checkpoint]:
    return [CHECKPOINT.decode(value) for value in broker.values("checkpoints")]


def run(
    broker: Broker, source: ListSource, hand: Hand, told: dict[str, CoverageInterval]
) -> list[CoverageInterval]:
    """The records of a run that resumes at the checkpoint, in the order of telling."""
    records: list[CoverageInterval] = []

    def put(record: CoverageInterval) -> None:
        records.append(record)
        told[record.id] = record

    # Its own clock moves with each reading, so each batch may save a checkpoint.
    made = runner(source, broker, seconds(), clock=hand, tell_coverage=put, drain_timeout_s=1e6)
    made.run(source.stop, broker.checkpoint("list"))
    return records


def states(told: dict[str, CoverageInterval]) -> list[tuple[str, float, float | None]]:
    """State, beginning and end of each record, seconds since ``NOW``."""
    return sorted(
        (
            (r.state, (r.from_ - NOW) / S, None if r.to is None else (r.to - NOW) / S)
            for r in told.values()
        ),
        key=lambda found: found[1],
    )


def test_a_stop_ends_the_interval_and_the_next_start_ends_the_one_without_an_ingestor() -> None:
    broker, hand, told = FakeBroker(), Hand(), dict[str, CoverageInterval]()
    first = LiveSource(numbered(3, 2), clock=hand, before={2: hand.pass_by(20)})
    run(broker, first, hand, told)
    assert states(told) == [("listening", 0, 20), ("away", 20, None)]
    hand.pass_by(300)()
    run(broker, LiveSource(numbered(5, 2), clock=hand), hand, told)
    assert states(told)[:2] == [("listening", 0, 20), ("away", 20, 320)]
    (away,) = [record for record in told.values() if record.state == "away" and record.to]
    assert away.made_up_at == NOW + 320 * S, "late, not lost: the source resumed"


def test_a_kill_is_told_by_the_next_start_under_the_ids_of_the_run_before() -> None:
    broker, hand, told = FakeBroker(), Hand(), dict[str, CoverageInterval]()
    first = LiveSource(
        [*numbered(2, 2), *numbered(4, 2)[2:]],
        clock=hand,
        before={2: hand.pass_by(30), 3: hand.pass_by(30)},
    )
    run(broker, first, hand, told)
    at_30 = next(saved for saved in checkpoints(broker) if saved.saved_at == NOW + 30 * S)
    before = dict(told)
    hand.pass_by(440)()
    records: list[CoverageInterval] = []
    again = LiveSource(numbered(9, 2), clock=hand)
    made = runner(again, broker, clock=hand, tell_coverage=records.append)
    made.run(again.stop, at_30)
    listened, away = records[:2]
    assert listened.id in before, "the interval of the run before, under its id"
    assert (listened.state, listened.to) == ("listening", NOW + 30 * S)
    assert (away.state, away.from_, away.why) == ("away", NOW + 30 * S, "killed")
    rerun: list[CoverageInterval] = []
    twin = LiveSource(numbered(9, 2), clock=hand)
    runner(twin, broker, clock=hand, tell_coverage=rerun.append).run(twin.stop, at_30)
    assert [record.id for record in rerun[:2]] == [record.id for record in records[:2]]


def test_a_lost_connection_and_a_gap_are_told_with_their_times() -> None:
    broker, hand, told = FakeBroker(), Hand(), dict[str, CoverageInterval]()
    gap = Gap(NOW + 10 * S, NOW + 50 * S)
    source = LiveSource(
        [*numbered(1, 1), broken(1), broken(1), Batch([event(7)], {"at": 7}, gaps=(gap,))],
        clock=hand,
        before={1: hand.pass_by(10), 2: hand.pass_by(20), 3: hand.pass_by(30)},
    )
    run(broker, source, hand, told)
    assert states(told) == [
        ("listening", 0, 10), ("late", 10, 60), ("gap", 10, 50), ("listening", 60, 60),
        ("away", 60, None),
    ]  # fmt: skip
    late = next(record for record in told.values() if record.state == "late")
    assert (late.why, late.detail) == ("dropped", "the connection ended")


def test_an_error_that_ends_the_source_is_told_as_the_reason() -> None:
    broker, hand, told = FakeBroker(), Hand(), dict[str, CoverageInterval]()

    def fail() -> None:
        if not source.closed:
            raise SourceError("the token is wrong; set another")

    source = LiveSource(numbered(1, 1), clock=hand, before={1: fail})
    with pytest.raises(SourceError):
        run(broker, source, hand, told)
    away = next(record for record in told.values() if record.state == "away")
    assert (away.why, away.detail) == ("failed", "the token is wrong; set another")


def test_the_words_of_any_other_error_are_not_told() -> None:
    """They may be a stranger's."""
    broker, hand, told = FakeBroker(), Hand(), dict[str, CoverageInterval]()

    def fail() -> None:
        if not source.closed:
            raise ValueError("jane wrote this")

    source = LiveSource(numbered(1, 1), clock=hand, before={1: fail})
    with pytest.raises(ValueError, match="jane"):
        run(broker, source, hand, told)
    assert "jane" not in repr(told)
    assert any(record.detail == "ValueError" for record in told.values())


def test_a_quiet_source_saves_that_it_was_heard() -> None:
    """Else a kill would seem to have come with the last post."""
    broker, hand, told = FakeBroker(), Hand(), dict[str, CoverageInterval]()
    quiet = [Batch(position={"at": 1})] * 6
    moves = dict.fromkeys(range(1, 7), hand.pass_by(30))
    run(broker, LiveSource([*numbered(1, 1), *quiet], clock=hand, before=moves), hand, told)
    saved = [at.saved_at for at in checkpoints(broker)]
    gaps = [later - earlier for earlier, later in pairwise(saved)]
    assert max(gaps) <= 60 * S
    assert saved[-1] == NOW + 180 * S


def test_a_record_that_cannot_be_told_neither_holds_nor_ends_the_posts() -> None:
    broker, hand, refused = FakeBroker(), Hand(), list[str]()

    def refuse(record: CoverageInterval) -> None:
        refused.append(record.id)
        raise RuntimeError("no coverage today")

    labels = {"service": "ingest", "result": "dropped"}
    name = "tocsin_coverage_records_total"
    before = REGISTRY.get_sample_value(name, labels) or 0
    source = LiveSource(numbered(20, 3), clock=hand)
    made = runner(source, broker, clock=hand, tell_coverage=refuse)
    assert made.run(source.stop, None) == 60
    assert refused, "the fault fired"
    assert len(delivered(broker)) == 60
    assert checkpoint(broker).position == {"at": 60}
    assert (REGISTRY.get_sample_value(name, labels) or 0) - before >= 1


def test_the_invented_day_is_heard_in_its_own_time() -> None:
    broker, records = FakeBroker(), list[CoverageInterval]()
    source = GeneratorSource(seed=3, posts=50, start=NOW - timedelta(days=1), clock=lambda: NOW)
    runner(source, broker, tell_coverage=records.append).run(threading.Event(), None)
    last = records[-1]
    assert (last.source, last.state, last.why) == ("generator", "listening", "replayed")
    assert (last.from_, last.to) == (NOW - timedelta(days=1), NOW)
    assert {record.id for record in records} == {last.id}


def test_a_kafka_that_refuses_coverage_takes_the_posts_all_the_same() -> None:
    broker, hand = FakeBroker(), Hand()
    topic = Topic(TopicAuthorizationFailedError("not for this user"))
    outbox = opened(topic.open)
    source = LiveSource(numbered(20, 3), clock=hand)
    made = runner(source, broker, clock=hand, tell_coverage=outbox.put)
    assert made.run(source.stop, None) == 60
    until(lambda: topic.refused > 1)
    assert count("failed") > 0
    assert len(delivered(broker)) == 60
    assert checkpoint(broker).position == {"at": 60}
    topic.error = None
    until(lambda: {record.state for record in topic.records} == {"listening", "away"})
    outbox.stop(5)
