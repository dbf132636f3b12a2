"""Faust's Kafka consumer without four asyncio tasks a message.

For each message Faust waits for the first of four tasks: its delivery to the agent's buffer, a
rebalance, a stop and a crash. Delivery nearly always ends at once, and the tasks cost more than
everything else that Faust does. Here delivery is tried without a task; only if it has to wait (the
buffer is full, the flow is suspended) does it go on as Faust has it, so that a rebalance still
interrupts it.
"""

from collections.abc import Coroutine, Generator
from functools import partial
from inspect import iscoroutine
from typing import Any

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


class _DirectConsumer(DirectDelivery, Consumer):
    pass


class DirectApp(faust.App):
    """A Faust application whose consumer delivers without tasks, into buffers bound by bytes."""

    def FlowControlQueue(  # noqa: N802 (Faust's name)
        self, maxsize: int | None = None, *, clear_on_resume: bool = False
    ) -> ByteBoundQueue:
        return ByteBoundQueue(
            maxsize or 0, flow_control=self.flow_control, clear_on_resume=clear_on_resume
        )

    def _new_transport(self) -> Any:
        transport: Any = super()._new_transport()
        transport.Consumer = _DirectConsumer
        return transport
