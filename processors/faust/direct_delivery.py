"""Faust's Kafka consumer without four asyncio tasks a message, and with gaps that are told.

For each message Faust waits for the first of four tasks: its delivery to the agent's buffer, a
rebalance, a stop and a crash. Delivery nearly always ends at once, and the tasks cost more than
everything else that Faust does. Here delivery is tried without a task; only if it has to wait (the
buffer is full, the flow is suspended) does it go on as Faust has it, so that a rebalance still
interrupts it.
"""

from collections import deque
from collections.abc import Callable, Coroutine, Generator
from functools import partial
from inspect import iscoroutine
from typing import Any, cast

import faust
from faust.transport.drivers.aiokafka import Consumer
from mode.services import Service, WaitResults

from processors.faust.byte_limits import ByteBoundQueue


class DirectDelivery(Service):
    """A mixin for a service that waits for the first of a delivery and one other coroutine."""

    async def wait_first(self, *coros: Any, timeout: Any = None) -> WaitResults:  # noqa: ASYNC109
        if len(coros) == 2 and all(map(iscoroutine, coros)):
            delivery, suspended = coros
            try:
                pending = delivery.send(None)
            except StopIteration as ended:
                suspended.close()
                return WaitResults([delivery], [ended.value], False)
            except BaseException:
                suspended.close()
                raise
            coros = (_Begun(delivery, pending), suspended)
        return await super().wait_first(*coros, timeout=timeout)


class _Begun:
    """A coroutine after its first step, which waits for ``pending``, as an awaitable."""

    def __init__(self, coroutine: Coroutine[Any, Any, Any], pending: Any) -> None:
        self._coroutine = coroutine
        self._pending = pending

    def __await__(self) -> Generator[Any, Any, Any]:
        pending = self._pending
        while True:
            try:
                value = yield pending
            except BaseException as error:  # noqa: BLE001 (also when it is cancelled)
                step = partial(self._coroutine.throw, error)
            else:
                step = partial(self._coroutine.send, value)
            try:
                pending = step()
            except StopIteration as ended:
                return ended.value


class DirectConsumer(DirectDelivery, Consumer):
    """Tells of the offsets that Kafka skipped, and commits past them.

    Faust has gaps, too. It lists every offset of a gap before it commits, so a million expired
    messages cost it a million numbers; and it never commits past a gap behind offset 0. It also
    commits past one message that is not handled, and in a new group past any number.
    """

    def __init__(self, transport: Any, callback: Callable[[Any], Any], **options: Any) -> None:
        self.positions: dict[Any, int] = {}
        """Partition to the offset after the last message, or where reading begins."""
        self._skipped: dict[Any, deque[tuple[int, int]]] = {}
        """Partition to its gaps in order: the first offset, and the one after the last."""
        self._begun: dict[Any, int] = {}
        """Partition to its first message since the last seek."""

        def deliver(message: Any) -> Any:
            tp, offset = message.tp, message.offset
            self._begun.setdefault(tp, offset)
            expected = self.positions.get(tp, offset)
            if offset > expected:
                self._skip(tp, expected, offset)
            self.positions[tp] = offset + 1
            return callback(message)

        super().__init__(transport, deliver, **options)

    async def perform_seek(self) -> None:
        await super().perform_seek()
        self._skipped.clear()
        self._begun.clear()
        began = {tp: self._read_offset[tp] for tp in self.assignment()}
        self.positions = {tp: offset for tp, offset in began.items() if offset is not None}

    def _skip(self, tp: Any, first: int, after: int) -> None:
        self._skipped.setdefault(tp, deque()).append((first, after))
        cast("DirectApp", self.app).on_gap(tp.partition, first, after)

    async def _add_gap(self, tp: Any, offset_from: int, offset_to: int) -> None:
        """Faust's own gaps are not needed."""

    def _new_offset(self, tp: Any) -> int | None:
        """The offset to commit, past all gaps before it."""
        gaps, acknowledged = self._skipped.get(tp), self._acked[tp]
        offset: int | None = None
        while True:
            while gaps and (self._committed_offset[tp] or 0) >= gaps[0][0]:
                _, self._committed_offset[tp] = gaps.popleft()
                offset = None if offset is None else self._committed_offset[tp]
            next_offset = self._committed_offset[tp] or self._begun.get(tp, 0)
            if not acknowledged or min(acknowledged) > next_offset:
                return offset
            offset = super()._new_offset(tp)
            if not gaps or offset is None or offset < gaps[0][0]:
                return offset
            self._committed_offset[tp] = offset  # the next gap begins here


class DirectApp(faust.App):
    """A Faust application whose consumer delivers without tasks, into buffers bound by bytes."""

    on_gap: Callable[[int, int, int], None] = staticmethod(lambda partition, first, after: None)
    """Takes a partition, the first offset that Kafka skipped, and the one after the last."""

    def FlowControlQueue(  # noqa: N802 (Faust's name)
        self, maxsize: int | None = None, *, clear_on_resume: bool = False
    ) -> ByteBoundQueue:
        return ByteBoundQueue(
            maxsize or 0, flow_control=self.flow_control, clear_on_resume=clear_on_resume
        )

    def _create_directories(self) -> None:
        """Make no folders: the application has no tables."""

    def _new_transport(self) -> Any:
        transport: Any = super()._new_transport()
        transport.Consumer = DirectConsumer
        return transport
