"""Lists of messages on their way to an agent: none is lost, doubled or out of order."""

import asyncio
from collections.abc import Coroutine
from types import SimpleNamespace
from typing import Any

from faust.types.tuples import TP
from hypothesis import given
from hypothesis import strategies as st
from mode.utils.queues import FlowControlEvent

from processors.faust.intake import ByteBoundQueue, Intake, Taken, size_of
from processors.faust.messages import Incoming

SOON = 0.001


class App:
    """As much of a Faust application as an intake asks."""

    def __init__(self) -> None:
        self.flow_control = FlowControlEvent(initially_suspended=False)
        self.consumer_generation_id = 1
        self.monitor = SimpleNamespace(stream_inbound_time={})
        self.consumer = self
        self._unacked_messages: set[Taken] = set()
        self.acknowledged: list[tuple[TP, list[int]]] = []

    def acknowledge(self, tp: TP, offsets: list[int]) -> None:
        self.acknowledged.append((tp, offsets))


def messages(*sizes: int, partition: int = 0, first: int = 0) -> list[Incoming]:
    return [
        Incoming("posts", partition, first + at, None, b"x" * size) for at, size in enumerate(sizes)
    ]


def in_a_loop(scenario: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(scenario, 30))


async def moment() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def put(intake: Intake, *lists: list[Incoming], generation: int = 1) -> None:
    for each in lists:
        await intake.put(TP("posts", each[0].partition), each, generation)


@given(
    st.lists(st.lists(st.integers(0, 12), min_size=1, max_size=6), min_size=1, max_size=12),
    st.integers(1, 7),
)
def test_what_is_put_is_taken_in_order_within_both_limits(
    sizes: list[list[int]], max_messages: int
) -> None:
    async def scenario() -> None:
        app = App()
        intake = Intake(app, 1_000, max_taken_bytes=10)
        lists = [messages(*each, partition=at % 3, first=at * 10) for at, each in enumerate(sizes)]
        await put(intake, *lists)
        read: list[Incoming] = []
        while len(read) < sum(map(len, sizes)):
            taken = await intake.take(max_messages, SOON)
            assert 0 < len(taken.messages) <= max_messages
            size = sum(len(message.value or b"") for message in taken.messages)
            assert size <= 10 or len(taken.messages) == 1
            read += taken.messages  # type: ignore[arg-type]
        assert read == [message for each in lists for message in each]
        assert (intake.count, intake.bytes) == (0, 0)

    in_a_loop(scenario())


def test_a_full_intake_lets_the_consumer_wait_until_something_is_taken() -> None:
    async def scenario() -> None:
        intake = Intake(App(), max_messages=3, max_bytes=10)
        await put(intake, messages(1, 1), messages(1, 1))
        waiting = asyncio.create_task(put(intake, messages(20)))
        await moment()
        assert intake.full() and not waiting.done()
        assert len((await intake.take(2, SOON)).messages) == 2
        await waiting
        assert intake.full(), "by its bytes"
        assert len((await intake.take(2, SOON)).messages) == 2
        assert not intake.full() or intake.bytes == 20

    in_a_loop(scenario())


def test_a_batch_waits_for_more_until_it_is_full() -> None:
    async def scenario() -> None:
        intake = Intake(App(), 100)
        taking = asyncio.create_task(intake.take(3, within_s=20))
        for at in range(3):
            assert not taking.done()
            await put(intake, messages(1, first=at))
            await moment()
        assert [message.offset for message in (await taking).messages] == [0, 1, 2]

    in_a_loop(scenario())


def test_a_rebalance_empties_it_and_nothing_is_put_before_the_flow_resumes() -> None:
    async def scenario() -> None:
        app = App()
        intake = Intake(app, max_messages=1)
        await put(intake, messages(1))
        waiting = asyncio.create_task(put(intake, messages(1, first=1)))
        await moment()
        app.flow_control.suspend()
        app.flow_control.clear()
        await moment()
        assert (intake.count, waiting.done()) == (0, False)
        app.flow_control.resume()
        await waiting
        assert intake.count == 1

    in_a_loop(scenario())


def test_what_was_fetched_in_an_earlier_generation_is_dropped() -> None:
    async def scenario() -> None:
        app = App()
        intake = Intake(app, 100)
        await put(intake, messages(1, 1, first=7), generation=1)
        app.consumer_generation_id = 2
        await put(intake, messages(1, first=3), generation=2)
        taken = await intake.take(10, SOON)
        assert [message.offset for message in taken.messages] == [3]
        assert intake.count == 0

    in_a_loop(scenario())


def test_a_rebalance_waits_for_a_batch_until_all_of_it_is_acknowledged() -> None:
    async def scenario() -> None:
        app = App()
        intake = Intake(app, 100)
        await put(intake, messages(1, 1, partition=2, first=5), messages(1, partition=1, first=8))
        taken = await intake.take(10, SOON)
        taken.acknowledge(0, 1)
        assert app._unacked_messages == {taken} and not taken.acked
        taken.acknowledge(1, 3)
        assert app._unacked_messages == set() and taken.acked
        assert app.acknowledged == [
            (TP("posts", 2), [5]),
            (TP("posts", 2), [6]),
            (TP("posts", 1), [8]),
        ]

    in_a_loop(scenario())


def event(size: int) -> Any:
    return SimpleNamespace(message=SimpleNamespace(key=None, value=b"x" * size))


def test_a_buffer_is_full_by_bytes_and_has_room_again_once_they_are_read() -> None:
    async def scenario() -> None:
        flow = FlowControlEvent(initially_suspended=False)
        queue = ByteBoundQueue(1_000, flow_control=flow, max_bytes=10)
        for size in (4, 8):
            await queue.put(event(size))
        assert queue.full() and queue.bytes == 12
        waiting = asyncio.create_task(queue.put(event(1)))
        await moment()
        assert not waiting.done()
        assert size_of((await queue.get()).message) == 4
        await waiting
        assert queue.bytes == 9
        queue.clear()
        assert queue.bytes == 0 and not queue.full()

    in_a_loop(scenario())
