"""The loop of every sink loses nothing, keeps the order, and waits for a busy store."""

from collections.abc import Callable, Sequence
from itertools import chain
from threading import Event
from typing import Any

import pytest
from kafka.errors import CommitFailedError, KafkaTimeoutError
from kafka.structs import TopicPartition

from runtime.backoff import Busy, JitteredBackoff
from runtime.kafka.consumer import BatchLimits, PausingConsumer
from runtime.kafka.dead_letters import Brake
from runtime.kafka.protocols import Record
from schemas.codec import DEAD_LETTER
from schemas.errors import BrakeTripped, ServiceUnavailable
from tests.make import AT
from tests.runtime.kafka.fake_kafka import FakeConsumer, FakeKafka

TOPIC = "t.orders"
ZERO, ONE = TopicPartition(TOPIC, 0), TopicPartition(TOPIC, 1)
ONE_BY_ONE = BatchLimits(max_records=1)


class Store:
    """A sink that records its calls, and stops the loop at an empty batch."""

    def __init__(
        self,
        kafka: FakeKafka,
        limits: BatchLimits = ONE_BY_ONE,
        consumer: FakeConsumer | None = None,
    ) -> None:
        self.stop = Event()
        self.batches: list[list[int]] = []
        self.calls: list[str] = []
        self.attempts: list[Callable[[], object]] = []
        """Called before a batch is written; may raise."""
        self.refused: set[int] = set()
        self.on_beat: Callable[[], None] = lambda: None
        self.consumer = consumer or kafka.consumer("orders")
        self.loop = PausingConsumer(
            consumer=self.consumer,
            producer=kafka,
            sink=self,
            name="the store",
            service="store",
            topic_prefix="t.",
            limits=limits,
            backoff=JitteredBackoff(0.001, 0.002, lambda: 1.0),
            brake=Brake(1.0, 10, 1),
            clock=lambda: AT,
            on_gap=lambda *gap: self.gaps.append(gap),
        )
        self.gaps: list[tuple[int, int, int]] = []

    def run(self) -> None:
        self.loop.run("orders", self.stop)

    def begin(self) -> None:
        self.calls.append("begin")

    def beat(self) -> None:
        self.on_beat()

    def busy(self, why: str, cause: str) -> None:
        self.calls.append(f"busy {cause}")

    def free(self) -> None:
        self.calls.append("free")

    def handle(self, records: Sequence[Record]) -> int:
        if not records:
            self.stop.set()
            return 0
        self.loop.insist(self._attempt)
        self.batches.append([record.offset for record in records])
        bad = [record for record in records if record.offset in self.refused]
        if bad:
            self.loop.dead_letter([(record, "index_rejected", "too bad") for record in bad])
        return len(bad)

    def _attempt(self) -> None:
        if self.attempts:
            self.attempts.pop(0)()


def busy(cause: str = "status_503", after_s: float | None = None) -> Callable[[], None]:
    def attempt() -> None:
        raise Busy("it is away", cause, after_s)

    return attempt


def filled(count: int, partitions: int = 1) -> FakeKafka:
    return FakeKafka(partitions).fill(TOPIC, *[count] * partitions)


def committed(kafka: FakeKafka, tp: TopicPartition = ZERO) -> int | None:
    return kafka.committed.get(("orders", tp))


@pytest.mark.parametrize(
    ("limits", "polls", "batches"),
    [
        (ONE_BY_ONE, None, [[0], [1], [2], [3], [4]]),
        (BatchLimits(max_records=2, max_s=0.05), None, [[0, 1], [2, 3], [4]]),
        (BatchLimits(max_records=9, max_s=0.05), None, [[0, 1, 2, 3, 4]]),
        (BatchLimits(max_records=9, max_bytes=2, max_s=5.0), [1] * 5, [[0, 1], [2, 3], [4]]),
    ],
)
def test_a_batch_is_handled_then_committed(
    limits: BatchLimits, polls: list[int] | None, batches: list[list[int]]
) -> None:
    kafka = filled(5)
    kafka.polls = polls and iter(polls)
    store = Store(kafka, limits)
    store.run()
    assert store.batches == batches
    assert committed(kafka) == 5
    assert store.consumer.closed
    assert store.calls[0] == "begin"
    again = Store(kafka, limits)
    again.run()
    assert again.batches == []


def test_a_busy_store_is_tried_again_with_the_same_batch() -> None:
    kafka = filled(2)
    store = Store(kafka)
    store.attempts = [busy(), busy("connection")]
    store.run()
    assert store.batches == [[0], [1]]
    assert store.calls == ["begin", "busy status_503", "busy connection", "free", "free"]
    assert committed(kafka) == 2
    assert not store.consumer.paused()


def test_a_store_gets_the_wait_that_it_asks_for() -> None:
    store = Store(filled(1))
    paused: list[bool] = []
    store.on_beat = lambda: paused.append(bool(store.consumer.paused()))
    store.attempts = [busy(after_s=0.1)]
    store.run()
    assert sum(paused) > 100, "the back-off alone has time for a few polls"


class LateConsumer(FakeConsumer):
    """Receives a second partition between a pause and the next poll."""

    def subscribe(self, topics: list[str], *, listener: Any = None) -> None:
        self.listener = listener
        self.receive(ZERO)

    def pause(self, *partitions: TopicPartition) -> None:
        super().pause(*partitions)
        if ONE not in self.assignment():
            self.receive(ONE)


def test_what_comes_while_the_store_is_busy_is_carried_over_in_order() -> None:
    kafka = filled(3, partitions=2)
    store = Store(kafka, BatchLimits(max_records=2), LateConsumer(kafka, "orders"))
    store.attempts = [busy()]
    store.run()
    assert store.batches == [[0, 1], [0, 1], [2], [2]]
    assert (committed(kafka, ZERO), committed(kafka, ONE)) == (3, 3)


def test_what_is_carried_over_and_moves_is_left_to_its_new_owner() -> None:
    kafka = filled(3, partitions=2)
    store = Store(kafka, ONE_BY_ONE, LateConsumer(kafka, "orders"))
    store.attempts = [busy(), lambda: store.consumer.lose(ONE)]
    store.run()
    assert store.batches == [[0], [1], [2]]
    assert (committed(kafka, ZERO), committed(kafka, ONE)) == (3, None)
    Store(kafka).run()
    assert (committed(kafka, ZERO), committed(kafka, ONE)) == (3, 3)


def test_what_moves_while_it_is_handled_is_not_committed() -> None:
    kafka = filled(1, partitions=2)
    store = Store(kafka, BatchLimits(max_records=2))
    store.attempts = [lambda: store.consumer.lose(ONE)]
    store.run()
    assert (committed(kafka, ZERO), committed(kafka, ONE)) == (1, None)


def test_a_commit_that_comes_too_late_is_ignored() -> None:
    store = Store(filled(2))

    def moved(offsets: object, timeout_ms: int) -> None:
        raise CommitFailedError

    store.consumer.commit = moved  # type: ignore[method-assign]
    store.run()
    assert store.batches == [[0], [1]]


def test_a_stop_while_the_store_is_busy_leaves_the_batch_uncommitted() -> None:
    kafka = filled(2)
    store = Store(kafka)
    store.attempts = [lambda: store.stop.set() or busy()()]
    store.run()
    assert store.batches == []
    assert committed(kafka) is None
    assert store.consumer.closed


def test_dead_letters_are_delivered_before_the_commit_and_counted_by_the_brake() -> None:
    kafka = filled(4)
    store = Store(kafka)
    store.refused = {1, 2, 3}
    before: list[int | None] = []
    kafka.on_send = lambda topic: before.append(committed(kafka))
    with pytest.raises(BrakeTripped):
        store.run()
    assert before == [1, 2]
    assert committed(kafka) == 3
    letters = [DEAD_LETTER.decode(record.value or b"") for record in kafka.log["t.dead-letters"]]
    assert [(letter.offset, letter.payload) for letter in letters] == [(1, b"1"), (2, b"2")]
    assert {(letter.service, letter.reason, letter.detail, letter.at) for letter in letters} == {
        ("store", "index_rejected", "too bad", AT)
    }


def test_a_kafka_that_is_away_is_a_sentence() -> None:
    kafka = filled(1)
    store = Store(kafka)
    store.refused = {0}

    def away(topic: str) -> None:
        raise KafkaTimeoutError("no leader")

    kafka.on_send = away
    with pytest.raises(ServiceUnavailable, match="Kafka does not serve the store"):
        store.run()
    assert committed(kafka) is None


def test_the_offsets_that_kafka_skips_are_told_and_committed_past() -> None:
    kafka = filled(9)
    kafka.committed["orders", ZERO] = 2
    kafka.expire(ZERO, 0, 1, 2, 3, 6)
    store = Store(kafka, BatchLimits(max_records=2, max_s=0.05))
    store.run()
    assert list(chain(*store.batches)) == [4, 5, 7, 8]
    assert store.gaps == [(0, 2, 4), (0, 6, 7)]
    assert committed(kafka) == 9
    assert store.loop.positions == {0: 9}


def test_lag_counts_what_is_in_hand() -> None:
    kafka = filled(3, partitions=2)
    store = Store(kafka, BatchLimits(max_records=1))
    lags: list[dict[int, int]] = []
    store.on_beat = lambda: lags.append(store.loop.lag())
    store.attempts = [busy()]
    store.run()
    assert sum(lags[1].values()) == 6, "nothing is handled while the store is busy"
    assert lags[-1] == {0: 0, 1: 0}
