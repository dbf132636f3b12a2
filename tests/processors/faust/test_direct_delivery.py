"""A delivery that ends at once needs no task; one that waits is interrupted as in Faust."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from itertools import pairwise
from typing import Any

import pytest
from faust.types.tuples import TP, ConsumerMessage
from hypothesis import given
from hypothesis import strategies as st
from mode.services import Service

from processors.faust.app import create_app
from processors.faust.direct_delivery import (
    MAX_FETCH_WAIT_MS,
    MIN_FETCH_BYTES,
    DirectConsumer,
    DirectDelivery,
)
from processors.faust.messages import Incoming
from runtime.settings import KafkaSettings


class Direct(DirectDelivery, Service):
    pass


def in_both(check: Callable[[Service], Awaitable[Any]]) -> tuple[Any, Any]:
    """The result with Faust's own service and with ours."""

    async def run(made: type[Service]) -> Any:
        try:
            return await check(made())
        except (ValueError, asyncio.CancelledError) as error:
            return repr(error)

    return asyncio.run(run(Service)), asyncio.run(run(Direct))


def test_a_delivery_that_ends_at_once_makes_no_task() -> None:
    delivered: list[int] = []

    async def deliver(number: int) -> None:
        delivered.append(number)

    async def run() -> set[asyncio.Task[Any]]:
        service, suspended = Direct(), asyncio.Event()
        made: set[asyncio.Task[Any]] = set()
        asyncio.get_running_loop().set_task_factory(
            lambda loop, coro, **options: made.add(one := asyncio.Task(coro, loop=loop)) or one
        )
        for number in range(3):
            await service.wait_first(deliver(number), suspended.wait())
        asyncio.get_running_loop().set_task_factory(None)
        return made

    assert asyncio.run(run()) == set()
    assert delivered == [0, 1, 2]


@pytest.mark.parametrize("waits", [0, 1, 3])
def test_a_delivery_that_waits_is_completed(waits: int) -> None:
    async def check(service: Service) -> Any:
        async def deliver() -> str:
            for _ in range(waits):
                await asyncio.sleep(0)
                await asyncio.get_running_loop().run_in_executor(None, int)
            return "delivered"

        results = await service.wait_first(deliver(), asyncio.Event().wait())
        return results.results, results.stopped

    theirs, ours = in_both(check)
    assert ours == theirs == (["delivered"], False)


@pytest.mark.parametrize("cleans_up", [False, True])
def test_a_rebalance_interrupts_a_delivery_that_waits(cleans_up: bool) -> None:
    async def check(service: Service) -> Any:
        steps: list[str] = []
        suspend = asyncio.Event()

        async def deliver() -> None:
            steps.append("begun")
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                steps.append("cancelled")
                if cleans_up:
                    await asyncio.sleep(0)
                    steps.append("cleaned up")
                raise

        asyncio.get_running_loop().call_soon(suspend.set)
        results = await service.wait_first(deliver(), suspend.wait())
        for _ in range(3):
            await asyncio.sleep(0)
        return steps, results.results, results.stopped

    theirs, ours = in_both(check)
    cleaned = ["cleaned up"] if cleans_up else []
    assert ours == theirs == (["begun", "cancelled", *cleaned], [True], False)


@pytest.mark.parametrize("waits", [False, True])
def test_an_error_of_a_delivery_is_raised(waits: bool) -> None:
    async def check(service: Service) -> None:
        async def deliver() -> None:
            if waits:
                await asyncio.sleep(0)
            raise ValueError("no")

        await service.wait_first(deliver(), asyncio.Event().wait())

    assert in_both(check) == ("ValueError('no')", "ValueError('no')")


def test_a_stop_ends_the_wait() -> None:
    async def check(service: Service) -> Any:
        service._stopped.set()
        results = await service.wait_first(asyncio.sleep(9), asyncio.Event().wait())
        return results.results, results.stopped

    assert in_both(check) == (([], True), ([], True))


AT = TP("posts", 0)


class ReadingConsumer(DirectConsumer):
    """Faust's consumer as it is, but for Kafka: these offsets of one partition, then the end."""

    committed: int | None
    offsets: Sequence[int]
    fetches: int = 1
    """How many fetches bring them, where lists are fetched."""

    def assignment(self) -> set[Any]:
        return {AT}

    async def seek_to_committed(self) -> dict[Any, int | None]:  # type: ignore[override]
        return {AT: self.committed}

    async def getmany(self, timeout: float) -> AsyncIterator[Any]:  # noqa: ASYNC109
        for offset in self.offsets:
            args: Any = ("posts", 0, offset, 1.0, 0, [], b"k", b"v", None)
            yield AT, ConsumerMessage(*args, tp=AT)
        self._stopped.set()

    async def _wait_next_records(self, timeout: float) -> Any:  # noqa: ASYNC109
        if not self.offsets:
            self._stopped.set()
            return {}, {AT}
        size = -(-len(self.offsets) // self.fetches)
        fetched, self.offsets = self.offsets[:size], self.offsets[size:]
        return {AT: [Incoming("posts", 0, offset, b"k", b"v") for offset in fetched]}, {AT}


def read(
    committed: int | None, offsets: Sequence[int], lists: int = 0
) -> tuple[ReadingConsumer, list[Any]]:
    """The consumer after it has read them, and what it told of: messages, and gaps.

    ``lists``: in so many lists, instead of one by one.
    """
    told: list[Any] = []

    async def run() -> ReadingConsumer:
        app = create_app(KafkaSettings(), "process", 10, lists=bool(lists))
        app.on_gap = lambda partition, first, after: told.append((partition, first, after))
        app.topics.acks_enabled_for = lambda topic: True

        async def deliver(message: Any) -> None:
            told.append(message.offset)

        async def moved(partitions: Any) -> None: ...

        consumer = ReadingConsumer(
            app.transport, deliver, on_partitions_revoked=moved, on_partitions_assigned=moved
        )
        consumer.committed, consumer.offsets, consumer.fetches = committed, offsets, lists
        await consumer.perform_seek()
        app.flow_control.resume()
        await consumer._drain_messages(Service())
        if lists:
            app.consumer_generation_id = 0
            told.extend(message.offset for message in app.intake._remove(1_000))
        consumer._thread.thread_loop.close()
        return consumer

    return asyncio.run(run()), told


@pytest.mark.parametrize("lists", [0, 1, 2])
@pytest.mark.parametrize(
    ("committed", "told"),
    [
        (None, [7, 8, (0, 9, 12), 12]),
        (7, [7, 8, (0, 9, 12), 12]),
        (6, [(0, 6, 7), 7, 8, (0, 9, 12), 12]),
        (0, [(0, 0, 7), 7, 8, (0, 9, 12), 12]),
    ],
)
def test_the_offsets_that_kafka_skips_are_told_also_before_the_first(
    committed: int | None, told: list[Any], lists: int
) -> None:
    consumer, found = read(committed, [7, 8, 12], lists)
    if lists:  # all gaps, then all messages
        told = sorted(told, key=lambda each: isinstance(each, int))
    assert found == told
    assert consumer.positions == {AT: 13}


@st.composite
def readings(draw: st.DrawFn) -> tuple[int | None, list[int], list[int]]:
    """A committed offset, the offsets that Kafka has after it, and the order of their acks."""
    committed = draw(st.none() | st.integers(0, 3))
    steps = draw(st.lists(st.sampled_from([1, 1, 1, 2, 5, 10**9]), min_size=1, max_size=12))
    offsets = [draw(st.integers(committed or 0, 6))]
    for step in steps:
        offsets.append(offsets[-1] + step)
    return committed, offsets, draw(st.permutations(offsets))


@given(readings(), st.integers(0, 3))
def test_a_commit_passes_gaps_of_any_size_and_no_message_that_is_not_handled(
    reading: tuple[int | None, list[int], list[int]], lists: int
) -> None:
    committed, offsets, acks = reading
    consumer, _ = read(committed, offsets, lists)
    handled: set[int] = set()
    commits = [committed or 0]
    for offset in acks:
        args: Any = ("posts", 0, offset, 1.0, 0, [], b"k", b"v", None)
        if lists:
            consumer.acknowledge(AT, [offset, offset])
        else:
            consumer.ack(ConsumerMessage(*args, tp=AT))
        handled.add(offset)
        if (found := consumer._new_offset(AT)) is not None:
            consumer._committed_offset[AT] = found
            commits.append(found)
        assert {each for each in offsets if each < commits[-1]} <= handled
    assert commits[-1] == offsets[-1] + 1
    assert all(before < after for before, after in pairwise(commits))


def test_offsets_that_are_committed_already_are_not_acknowledged_again() -> None:
    consumer, _ = read(7, [7, 8, 9], lists=1)
    consumer.acknowledge(AT, [5, 6, 7])
    assert consumer._acked[AT] == [7]
    assert consumer._new_offset(AT) == 8


def test_a_list_is_read_from_the_offset_where_reading_begins() -> None:
    consumer, told = read(8, [6, 7, 8, 9], lists=1)
    assert told == [8, 9]
    assert consumer.positions == {AT: 10}


def test_kafka_gathers_messages_for_a_fetch() -> None:
    async def run() -> tuple[Any, Any]:
        app = create_app(KafkaSettings(), "process", 10)

        async def none(*of: Any) -> None: ...

        made = DirectConsumer(
            app.transport, none, on_partitions_revoked=none, on_partitions_assigned=none
        )
        client: Any = made._thread._create_worker_consumer(app.transport)
        made._thread.thread_loop.close()
        client._closed = True  # it never began
        return client._fetch_min_bytes, client._fetch_max_wait_ms

    assert asyncio.run(run()) == (MIN_FETCH_BYTES, MAX_FETCH_WAIT_MS)
