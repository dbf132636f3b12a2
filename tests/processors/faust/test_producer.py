"""A batch is delivered once Kafka has answered for all of it, and refused by one refusal."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from confluent_kafka import KafkaError as NativeError
from kafka.errors import KafkaTimeoutError

from processors.faust.messages import Outgoing
from processors.faust.producer import BatchProducer
from runtime.settings import KafkaSettings
from schemas.errors import ServiceUnavailable


class Native:
    """As much of a :class:`NativeProducer` as a batch asks; the test answers."""

    def __init__(self, room: int = 100) -> None:
        self.room = room
        self.queued: list[tuple[str, bytes | None, bytes | None]] = []
        self.answers: list[Callable[[Any, Any], Any]] = []
        self.alone: list[Callable[[Any, Any], Any]] = []

    def produce(self, topic: str, key: Any, value: Any, answered: Any) -> None:
        if len(self.queued) == self.room:
            raise KafkaTimeoutError("the queue is full")
        self.queued.append((topic, key, value))
        self.answers.append(answered)

    def send_alone(self, error: Any, message: Any, answered: Any) -> bool:
        if error is None or error.code() != NativeError.MSG_SIZE_TOO_LARGE:
            return False
        self.alone.append(answered)
        return True


BATCH = [Outgoing("mentions", b"k%d" % at, b"v") for at in range(3)]
TOO_LARGE = NativeError(NativeError.MSG_SIZE_TOO_LARGE)


def in_a_loop(
    test: Callable[[BatchProducer, Native], Coroutine[Any, Any, None]], **options: Any
) -> Callable[[], None]:
    async def run() -> None:
        producer, native = BatchProducer(KafkaSettings()), Native(**options)
        producer._producer = native  # type: ignore[assignment]
        await test(producer, native)

    return lambda: asyncio.run(run())


async def _all_of_it(producer: BatchProducer, native: Native) -> None:
    delivery = asyncio.ensure_future(await producer.send(BATCH))
    assert native.queued == [("tocsin.mentions", b"k%d" % at, b"v") for at in range(3)]
    for answered in native.answers:
        await asyncio.sleep(0)
        assert not delivery.done()
        answered(None, None)
    await delivery


async def _one_refusal(producer: BatchProducer, native: Native) -> None:
    delivery = await producer.send(BATCH)
    for error in (None, NativeError(NativeError._MSG_TIMED_OUT), None):
        native.answers.pop()(error, None)
    with pytest.raises(ServiceUnavailable, match="did not take a batch"):
        await delivery


async def _alone(producer: BatchProducer, native: Native) -> None:
    delivery = await producer.send(BATCH)
    for answered in native.answers:
        answered(TOO_LARGE, None)
    assert len(native.alone) == 3
    for answered in native.alone:
        answered(None, None)
    await delivery
    refused = await producer.send(BATCH[:1])
    native.answers[-1](TOO_LARGE, None)
    native.alone[-1](TOO_LARGE, None)
    with pytest.raises(ServiceUnavailable, match="did not take a batch"):
        await refused


async def _nothing(producer: BatchProducer, native: Native) -> None:
    await producer.deliver([])
    assert native.queued == []


async def _full(producer: BatchProducer, native: Native) -> None:
    with pytest.raises(ServiceUnavailable, match="did not take a batch"):
        await producer.deliver(BATCH)


test_a_batch_is_delivered_with_its_last_answer = in_a_loop(_all_of_it)
test_one_refusal_fails_a_batch = in_a_loop(_one_refusal)
test_what_is_refused_with_its_batch_is_sent_alone = in_a_loop(_alone)
test_an_empty_batch_is_delivered = in_a_loop(_nothing)
test_a_queue_that_stays_full_fails_a_batch = in_a_loop(_full, room=2)
