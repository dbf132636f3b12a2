"""Bounds the bytes that wait in a Faust process; Faust itself counts messages alone.

A buffer of a thousand messages is one megabyte of posts, or four gigabytes of the largest ones.
"""

import asyncio
from typing import Any, Final

from mode.utils.queues import ThrowableQueue

MAX_BUFFERED_BYTES: Final = 16 * 2**20
"""Bytes in the buffer of a stream; delivery waits beyond it, unless the buffer is empty."""
MAX_TAKEN_BYTES: Final = 16 * 2**20
"""Bytes in one batch of a stream, unless it is one message."""


def size_of(item: Any) -> int:
    """Bytes of a Faust event: its key and value; 0 for anything else."""
    message = getattr(item, "message", None)
    return len(getattr(message, "key", None) or b"") + len(getattr(message, "value", None) or b"")


class ByteBoundQueue(ThrowableQueue[Any]):
    """A buffer that is also full once its messages have ``max_bytes``."""

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
        self.bytes += size_of(item)
        super()._put(item)

    def _get(self) -> Any:
        item = super()._get()
        self.bytes -= size_of(item)
        return item


class TakenBytes:
    """A stream processor that holds messages back until the batch before them was taken."""

    def __init__(self, stream: Any, max_bytes: int = MAX_TAKEN_BYTES) -> None:
        self._stream = stream
        self._max_bytes = max_bytes
        self._bytes = 0
        self._room = asyncio.Event()

    async def hold(self, value: Any) -> Any:
        """Give this to ``stream.add_processor`` before ``noack_take``."""
        own = size_of(self._stream.current_event)
        while self._bytes and self._bytes + own > self._max_bytes:
            self._room.clear()
            await self._room.wait()
        self._bytes += own
        return value

    def taken(self) -> None:
        """A batch was taken: all that was let through is in it."""
        self._bytes = 0
        self._room.set()
