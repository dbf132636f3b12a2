"""What waits in a process is bounded by bytes as well as by count."""

import asyncio
from types import SimpleNamespace
from typing import Any

from mode.utils.queues import FlowControlEvent

from processors.faust.byte_limits import ByteBoundQueue, TakenBytes, size_of


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
        await asyncio.sleep(0)
        assert not waiting.done()
        assert size_of(await queue.get()) == 4
        await waiting
        assert queue.bytes == 9
        queue.clear()
        assert queue.bytes == 0 and not queue.full()

    asyncio.run(scenario())


def test_a_message_waits_for_the_batch_before_it_and_a_large_one_is_a_batch() -> None:
    async def scenario() -> None:
        stream = SimpleNamespace(current_event=event(6))
        taken = TakenBytes(stream, max_bytes=10)
        assert await taken.hold("first") == "first"
        waiting = asyncio.create_task(taken.hold("second"))
        await asyncio.sleep(0)
        assert not waiting.done()
        taken.taken()
        assert await waiting == "second"
        taken.taken()
        stream.current_event = event(100)
        assert await taken.hold("large") == "large"

    asyncio.run(scenario())


def test_what_is_no_message_has_no_size() -> None:
    assert [size_of(item) for item in (None, object(), event(3))] == [0, 0, 3]
