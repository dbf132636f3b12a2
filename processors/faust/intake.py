"""What waits between Kafka's consumer and an agent, bound by count and bytes.

A buffer of a thousand messages is one megabyte of posts, or four gigabytes of the largest ones;
Faust itself counts messages alone. :class:`ByteBoundQueue` is its buffer of events, with bytes.

:class:`Intake` takes whole fetched lists: an event a message, on its way through a conductor, a
channel, a stream and a batch, costs more than to find the brands in it. As Faust's own buffers, an
intake is emptied at a rebalance, and what an agent took is awaited then.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from itertools import groupby
from operator import attrgetter
from time import monotonic
from typing import Any, Final, NamedTuple

from faust.types.tuples import TP
from mode.utils.queues import ThrowableQueue

from runtime.kafka.protocols import Record

MAX_BUFFERED_BYTES: Final = 16 * 2**20
"""Bytes in a buffer; delivery waits beyond it, unless the buffer is empty."""
MAX_TAKEN_BYTES: Final = 16 * 2**20
"""Bytes in one batch of an intake, unless it is one message."""


def size_of(message: Record) -> int:
    return len(message.key or b"") + len(message.value or b"")


class ByteBoundQueue(ThrowableQueue[Any]):
    """A buffer of Faust's events that is also full once their messages have ``max_bytes``."""

    def __init__(self, *args: Any, max_bytes: int = MAX_BUFFERED_BYTES, **kwargs: Any) -> None:
        self.bytes = 0
        self._max_bytes = max_bytes
        super().__init__(*args, **kwargs)

    def full(self) -> bool:
        return self.bytes >= self._max_bytes or super().full()

    def clear(self) -> None:
        super().clear()
        self.bytes = 0

    def _put(self, item: Any) -> None:
        self.bytes += size_of(item.message)
        super()._put(item)

    def _get(self) -> Any:
        item = super()._get()
        self.bytes -= size_of(item.message)
        return item


class Fetched(NamedTuple):
    """Messages of one partition in order, fetched in one generation of the group."""

    tp: TP
    messages: Sequence[Record]
    bytes: int
    generation: int


class Taken:
    """A batch in the hands of an agent; Faust's consumer waits for it before a rebalance."""

    __slots__ = ("__weakref__", "_consumer", "_open", "acked", "messages", "refcount")

    def __init__(self, consumer: Any, messages: Sequence[Record]) -> None:
        self._consumer = consumer
        self.messages = messages
        self._open = len(messages)
        self.acked, self.refcount = False, 1

    def acknowledge(self, first: int, end: int) -> None:
        """Acknowledge the messages at these places; each place once."""
        self._open -= end - first
        if not self._open:
            self.acked = True
            self._consumer._unacked_messages.discard(self)
        for tp, messages in groupby(self.messages[first:end], attrgetter("topic", "partition")):
            self._consumer.acknowledge(TP(*tp), [message.offset for message in messages])


class Intake:
    """Lists of messages for one agent. Belongs to the event loop of its application."""

    def __init__(
        self,
        app: Any,
        max_messages: int,
        max_bytes: int = MAX_BUFFERED_BYTES,
        max_taken_bytes: int = MAX_TAKEN_BYTES,
    ) -> None:
        self.count = self.bytes = 0
        self._app = app
        self._max_messages, self._max_bytes = max_messages, max_bytes
        self._max_taken_bytes = max_taken_bytes
        self._lists: deque[Fetched] = deque()
        self._changed = asyncio.Event()
        # Faust empties what it manages when it suspends or resumes the flow.
        app.flow_control.manage_queue(self)

    def full(self) -> bool:
        return self.count >= self._max_messages or self.bytes >= self._max_bytes

    def clear(self) -> None:
        self._lists.clear()
        self.count = self.bytes = 0
        self._tell()

    def _tell(self) -> None:
        """Wake all that wait for a change."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def put(self, tp: TP, messages: Sequence[Record], generation: int) -> None:
        """Wait while the flow is suspended, or the intake is full. It may then be one list over."""
        while True:
            await self._app.flow_control.acquire()
            if not self.full():
                break
            await self._changed.wait()
        self._lists.append(Fetched(tp, messages, sum(map(size_of, messages)), generation))
        self._count(self._lists[-1], 1)
        self._tell()

    async def take(self, max_messages: int, within_s: float) -> Taken:
        """At most so many messages; waits for the first, then ``within_s`` for so many."""
        while True:
            while not self._lists:
                await self._changed.wait()
            with suppress(TimeoutError):
                async with asyncio.timeout(within_s):
                    while self.count < max_messages and not self.full():
                        await self._changed.wait()
            messages = self._remove(max_messages)
            self._tell()
            if messages:
                taken = Taken(self._app.consumer, messages)
                self._app.consumer._unacked_messages.add(taken)
                return taken

    def _remove(self, max_messages: int) -> list[Record]:
        """The first messages. What was fetched before a rebalance is dropped: it is read again."""
        messages: list[Record] = []
        left = self._max_taken_bytes
        while self._lists and len(messages) < max_messages:
            fetched = self._lists[0]
            if fetched.generation == self._app.consumer_generation_id:
                end = _room(fetched, max_messages - len(messages), left)
                if not end and messages:
                    break
                end = end or 1
                messages += fetched.messages[:end]
                left -= self._shorten(end)
                # Faust's own watch over a partition that stands still.
                self._app.monitor.stream_inbound_time[fetched.tp] = monotonic()
            else:
                self._shorten(len(fetched.messages))
        return messages

    def _shorten(self, end: int) -> int:
        """Remove so many messages of the first list; returns their bytes."""
        fetched = self._lists.popleft()
        self._count(fetched, -1)
        if rest := fetched.messages[end:]:
            fetched_rest = fetched._replace(messages=rest, bytes=sum(map(size_of, rest)))
            self._lists.appendleft(fetched_rest)
            self._count(fetched_rest, 1)
            return fetched.bytes - fetched_rest.bytes
        return fetched.bytes

    def _count(self, fetched: Fetched, sign: int) -> None:
        self.count += sign * len(fetched.messages)
        self.bytes += sign * fetched.bytes


def _room(fetched: Fetched, max_messages: int, left_bytes: int) -> int:
    """How many messages of a list there is room for."""
    if fetched.bytes > left_bytes:
        for place, message in enumerate(fetched.messages[:max_messages]):
            left_bytes -= size_of(message)
            if left_bytes < 0:
                return place
    return min(max_messages, len(fetched.messages))
