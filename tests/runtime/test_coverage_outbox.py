"""Records of coverage reach Kafka in time, and hold nothing up where they do not."""

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pytest
from kafka.errors import KafkaTimeoutError, MessageSizeTooLargeError, TopicAuthorizationFailedError
from msgspec.structs import replace
from prometheus_client import REGISTRY

from runtime.coverage_outbox import MAX_HELD, CoverageOutbox
from runtime.settings import KafkaSettings, load
from schemas.codec import COVERAGE
from schemas.coverage import CoverageInterval, interval_id

AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
SERVICE = "outbox-test"


def interval(number: int = 0, version: int = 1) -> CoverageInterval:
    begin = AT + timedelta(seconds=number)
    return CoverageInterval(
        id=interval_id("ingest", "late", "bluesky", "", begin),
        version=version,
        source="bluesky",
        state="late",
        why="dropped",
        told_by="ingest",
        told_at=begin,
        from_=begin,
    )


class Answer(NamedTuple):
    """What Kafka says of one record."""

    error: Exception | None = None

    def get(self, timeout: float | None = None) -> None:
        if self.error is not None:
            raise self.error


class Topic:
    """A producer that refuses while ``error`` is set."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.raises = False
        self.refused = 0
        self.opened = 0
        self.records: list[CoverageInterval] = []

    def open(self) -> "Topic":
        self.opened += 1
        return self

    def send(self, topic: str, *, key: bytes, value: bytes) -> Answer:
        assert topic == "t.coverage"
        record = COVERAGE.decode(value)
        assert key.decode() == record.id
        if self.error is not None:
            self.refused += 1
            if self.raises:
                raise self.error
            return Answer(self.error)
        self.records.append(record)
        return Answer()

    def close(self, timeout: float | None = None) -> None: ...


def count(result: str) -> float:
    labels = {"service": SERVICE, "result": result}
    return REGISTRY.get_sample_value("tocsin_coverage_records_total", labels) or 0


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.005)


@pytest.fixture
def topic() -> Topic:
    return Topic()


@pytest.fixture
def outbox(topic: Topic) -> Iterator[CoverageOutbox]:
    made = opened(topic.open)
    yield made
    made.stop(5)


def opened(connect: Callable[[], Any]) -> CoverageOutbox:
    settings = load(KafkaSettings, topic_prefix="t.")
    made = CoverageOutbox(settings, SERVICE, connect=connect, retry_first_s=0.001)
    made.start()
    return made


def test_records_reach_the_topic_and_a_stop_waits_for_the_last(
    outbox: CoverageOutbox, topic: Topic
) -> None:
    before = count("written")
    for number in range(5):
        outbox.put(interval(number))
    outbox.stop(5)
    assert topic.records == [interval(number) for number in range(5)]
    assert count("written") - before == 5


@pytest.mark.parametrize("raises", [False, True], ids=["refused later", "refused at once"])
@pytest.mark.parametrize("error", [TopicAuthorizationFailedError("no"), KafkaTimeoutError("away")])
def test_what_kafka_refuses_is_counted_and_tried_again_with_another_producer(
    outbox: CoverageOutbox, topic: Topic, error: Exception, raises: bool
) -> None:
    topic.error, topic.raises = error, raises
    failed, written = count("failed"), count("written")
    outbox.put(interval(1, version=1))
    until(lambda: topic.refused >= 3)
    outbox.put(interval(1, version=2))
    assert count("failed") > failed
    assert topic.opened > 1
    topic.error = None
    until(lambda: bool(topic.records))
    outbox.stop(5)
    assert topic.records[-1].version == 2, "the newest state of the interval"
    assert count("written") - written == len(topic.records)


def test_a_kafka_that_cannot_be_reached_is_asked_again() -> None:
    topic, attempts = Topic(), list[int]()

    def connect() -> Topic:
        attempts.append(1)
        if len(attempts) < 4:
            raise OSError("no route")
        return topic

    outbox = opened(connect)
    outbox.put(interval())
    until(lambda: bool(topic.records))
    outbox.stop(5)
    assert len(attempts) == 4


def test_a_record_that_kafka_never_takes_is_given_up(outbox: CoverageOutbox, topic: Topic) -> None:
    dropped = count("dropped")
    topic.error = MessageSizeTooLargeError("larger than the topic takes")
    outbox.put(interval(1))
    until(lambda: count("dropped") > dropped)
    topic.error = None
    outbox.put(interval(2))
    until(lambda: bool(topic.records))
    assert [record.id for record in topic.records] == [interval(2).id]


def test_put_returns_while_kafka_hangs_and_what_is_held_is_bounded() -> None:
    hangs, began, topic = threading.Event(), threading.Event(), Topic()

    def connect() -> Topic:
        began.set()
        hangs.wait(20)
        return topic

    outbox, dropped = opened(connect), count("dropped")
    outbox.put(interval(0))
    assert began.wait(20)
    for number in range(1, MAX_HELD + 11):
        outbox.put(interval(number))
    assert count("dropped") - dropped == 10
    hangs.set()
    until(lambda: len(topic.records) == MAX_HELD + 1)
    outbox.stop(5)
    kept = {record.id for record in topic.records}
    assert interval(1).id not in kept, "the oldest are dropped"
    assert interval(MAX_HELD + 10).id in kept


def test_an_older_state_does_not_take_the_place_of_a_newer_one(topic: Topic) -> None:
    topic.error = KafkaTimeoutError("away")
    outbox = opened(topic.open)
    outbox.put(interval(1, version=7))
    outbox.put(replace(interval(1), version=3))
    until(lambda: topic.refused >= 2)
    topic.error = None
    until(lambda: bool(topic.records))
    outbox.stop(5)
    assert topic.records[-1].version == 7


def test_a_stop_ends_in_time_though_kafka_takes_nothing(topic: Topic) -> None:
    topic.error = KafkaTimeoutError("away")
    outbox = opened(topic.open)
    outbox.put(interval())
    until(lambda: topic.refused >= 1)
    outbox.stop(20)
    assert topic.records == []
