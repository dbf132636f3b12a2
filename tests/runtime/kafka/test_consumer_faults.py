"""Late commits, rebalances during a wait, sizes, and records that break the code."""

from collections.abc import Sequence
from itertools import chain, repeat
from typing import Any

import pytest
from kafka.errors import KafkaTimeoutError

from runtime.kafka.consumer import BatchLimits
from runtime.kafka.protocols import Record
from schemas.codec import DEAD_LETTER
from tests.runtime.kafka.fake_kafka import FakeConsumer, FakeKafka
from tests.runtime.kafka.test_consumer import (
    ONE,
    ONE_BY_ONE,
    TOPIC,
    ZERO,
    LateConsumer,
    Store,
    busy,
    committed,
    filled,
)


class Panic(BaseException):
    """What a library in Rust raises: no Exception."""


class LateCommits(FakeConsumer):
    """Kafka takes no commit in time, the first ``late`` times."""

    late = 2
    asked = 0

    def commit(self, offsets: dict[object, object], timeout_ms: int | None = None) -> None:  # type: ignore[override]
        self.asked += 1
        if self.asked <= self.late:
            raise KafkaTimeoutError("no answer")
        super().commit(offsets, timeout_ms)  # type: ignore[arg-type]


def test_a_commit_that_times_out_is_repeated_with_the_next_batch() -> None:
    kafka = filled(4)
    consumer = LateCommits(kafka, "orders")
    store = Store(kafka, ONE_BY_ONE, consumer)
    lags: list[dict[int, int]] = []
    store.on_beat = lambda: lags.append(store.loop.lag())
    store.run()
    assert consumer.asked > consumer.late
    assert store.batches == [[0], [1], [2], [3]], "nothing is handled twice"
    assert [lag[0] for lag in lags if lag][:4] == [4, 4, 1, 0], "what is not committed is lag"
    assert committed(kafka) == 4


def test_a_commit_that_times_out_at_the_end_is_repeated_without_a_new_record() -> None:
    kafka = filled(1)
    consumer = LateCommits(kafka, "orders")
    consumer.late = 1
    Store(kafka, ONE_BY_ONE, consumer).run()
    assert committed(kafka) == 1


class NotingStore(Store):
    """Notes the partition and offset of each handled record; ends at three empty batches."""

    def __init__(self, kafka: FakeKafka, limits: BatchLimits, consumer: FakeConsumer) -> None:
        super().__init__(kafka, limits, consumer)
        self.handled: set[tuple[int, int]] = set()
        self.empty = 0

    def handle(self, records: Sequence[Record]) -> int:
        self.empty = 0 if records else self.empty + 1
        if not records and self.empty < 3:
            return 0
        dead = super().handle(records)
        self.handled.update((record.partition, record.offset) for record in records)
        return dead


class KeepingConsumer(FakeConsumer):
    """A rebalance in the poll of this number gives all partitions back."""

    number = 0
    polls = 0

    def poll(self, timeout_ms: int = 0, max_records: int | None = None) -> dict[Any, Any]:
        self.polls += 1
        if self.polls == self.number:
            for tp in sorted(self.assignment()):
                self.keep(tp)
        return super().poll(timeout_ms, max_records)


@pytest.mark.parametrize("number", range(2, 8))
def test_what_was_read_of_partitions_that_a_rebalance_gives_back_is_read_again(number: int) -> None:
    """The client keeps the position of a partition that stays with its consumer."""
    kafka = filled(5, partitions=2)
    kafka.polls = chain([2, 1, 2, 1, 2], repeat(100))
    consumer = KeepingConsumer(kafka, "orders")
    consumer.number = number
    store = NotingStore(kafka, BatchLimits(max_records=4, max_s=0.05), consumer)
    store.run()
    assert consumer.polls >= number
    assert store.handled == {(partition, offset) for partition in (0, 1) for offset in range(5)}
    assert (committed(kafka, ZERO), committed(kafka, ONE)) == (5, 5)


@pytest.mark.parametrize("returns", [False, True])
def test_a_rebalance_during_a_back_off_leaves_the_batch_to_the_new_owner(returns: bool) -> None:
    kafka = filled(2, partitions=2)
    store = Store(kafka, BatchLimits(max_records=4))
    moved: list[bool] = []

    def on_beat() -> None:
        if store.consumer.paused() and not moved:
            moved.append(True)
            store.consumer.lose(ONE)
            if returns:
                store.consumer.receive(ONE)

    store.on_beat = on_beat
    store.attempts = [busy(after_s=0.05)]
    store.run()
    assert moved
    assert committed(kafka, ZERO) == 2
    assert committed(kafka, ONE) == (2 if returns else None)
    handled = sum(map(len, store.batches))
    assert handled == (6 if returns else 4), "what came back is handled again"


@pytest.mark.parametrize("sizes", [[10, 10, 10, 10], [100, 10, 10], [10, 100, 10], [31, 31]])
def test_a_batch_is_no_larger_than_its_limit_unless_one_record_is(sizes: list[int]) -> None:
    kafka = FakeKafka()
    for size in sizes:
        kafka.send(TOPIC, key=b"k", value=b"x" * size)
    store = Store(kafka, BatchLimits(max_records=9, max_bytes=30, max_s=0.05))
    store.run()
    assert [offset for batch in store.batches for offset in batch] == list(range(len(sizes)))
    for batch in store.batches:
        assert len(batch) == 1 or sum(sizes[offset] for offset in batch) <= 30
    assert committed(kafka) == len(sizes)


def test_what_is_carried_over_is_lag() -> None:
    kafka = filled(3, partitions=2)
    store = Store(kafka, BatchLimits(max_records=2), LateConsumer(kafka, "orders"))
    lags: list[dict[int, int]] = []
    store.on_beat = lambda: lags.append(store.loop.lag())
    store.attempts = [busy()]
    store.run()
    assert {0: 3, 1: 3} in lags, "polled, and not handled"
    assert lags[-1] == {0: 0, 1: 0}


class Fragile(Store):
    """Raises for some records; the others are stored."""

    poison: bytes = b"2"
    error: BaseException = Panic("a whole post")

    def handle(self, records: Sequence[Record]) -> int:
        if any(record.value == self.poison for record in records):
            raise self.error
        return super().handle(records)


@pytest.mark.parametrize(
    "error",
    [Panic("a whole post"), RecursionError(), UnicodeEncodeError("utf-8", "\ud800", 0, 1, "lone")],
)
@pytest.mark.parametrize("max_records", [1, 5])
def test_a_record_that_makes_anything_raise_is_one_letter(
    error: BaseException, max_records: int
) -> None:
    kafka = filled(5)
    store = Fragile(kafka, BatchLimits(max_records=max_records))
    store.error = error
    given_up: list[int] = []
    store.loop.on_poison = lambda record: given_up.append(record.offset)
    store.run()
    (letter,) = [DEAD_LETTER.decode(r.value or b"") for r in kafka.log["t.dead-letters"]]
    assert (letter.offset, letter.payload, letter.reason) == (2, b"2", "index_rejected")
    assert type(error).__name__ in letter.detail
    assert "post" not in letter.detail
    assert given_up == [2]
    assert sorted(offset for batch in store.batches for offset in batch) == [0, 1, 3, 4]
    assert committed(kafka) == 5


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(1)])
def test_an_end_that_was_asked_for_is_no_poison(error: BaseException) -> None:
    kafka = filled(5)
    store = Fragile(kafka)
    store.error = error
    with pytest.raises(type(error)):
        store.run()
    assert not kafka.log["t.dead-letters"]
    assert committed(kafka) == 2
