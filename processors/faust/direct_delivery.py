"""Faust's Kafka consumer without four asyncio tasks a message, and with gaps that are told.

To an application that takes lists it hands what it fetched as it is. For others:

For each message Faust waits for the first of four tasks: its delivery to the agent's buffer, a
rebalance, a stop and a crash. Delivery nearly always ends at once, and the tasks cost more than
everything else that Faust does. Here delivery is tried without a task; only if it has to wait (the
buffer is full, the flow is suspended) does it go on as Faust has it, so that a rebalance still
interrupts it.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Generator, Iterable, Sequence
from contextlib import suppress
from functools import cached_property, partial
from inspect import iscoroutine
from typing import Any, Final, cast

import faust
from aiokafka.errors import ConsumerStoppedError
from faust.transport.consumer import ensure_TP
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Consumer
from mode.services import Service, WaitResults
from mode.utils.futures import notify

from processors.faust.intake import ByteBoundQueue, Intake

MIN_FETCH_BYTES: Final = 2**15
MAX_FETCH_WAIT_MS: Final = 200
"""Kafka answers a fetch once it has so many bytes, or after so long.

Answered at once, a fetch brings one or two of a thousand posts a second, and costs more than to
enrich them; so it brings 40.
"""


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


class _PatientThread(AIOKafkaConsumerThread):
    """Lets Kafka gather messages for a fetch; Faust has no setting for it."""

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_min_bytes = MIN_FETCH_BYTES
        consumer._fetch_max_wait_ms = MAX_FETCH_WAIT_MS
        return consumer


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
            self._arrived(message.tp, (message,))
            return callback(message)

        super().__init__(transport, deliver, **options)

    def _new_consumer_thread(self) -> AIOKafkaConsumerThread:
        return _PatientThread(self, loop=self.loop, beacon=self.beacon)

    def _arrived(self, tp: Any, messages: Sequence[Any]) -> None:
        """Note where these messages of a partition end, and the gaps before and between them."""
        first, last = messages[0].offset, messages[-1].offset
        self._begun.setdefault(tp, first)
        expected = self.positions.get(tp, first)
        if first > expected or last - first + 1 != len(messages):
            for message in messages:
                if message.offset > expected:
                    self._skip(tp, expected, message.offset)
                expected = message.offset + 1
        self.positions[tp] = last + 1

    async def _drain_messages(self, fetcher: Any) -> None:
        """Faust's loop; with an intake, lists are handed over as they are fetched."""
        app = cast("DirectApp", self.app)
        if not app.takes_lists:
            await super()._drain_messages(fetcher)
            return
        try:
            while not (self.should_stop or fetcher.should_stop):
                await self._hand_over(app.intake)
                await asyncio.sleep(0)  # an intake with room and a full fetch would never wait
        except (ConsumerStoppedError, asyncio.CancelledError):
            if not app.should_stop:
                raise

    async def _hand_over(self, intake: Intake) -> None:
        """One fetch. What a rebalance interrupts is read again from the committed offset."""
        fetched, active = await self._wait_next_records(timeout=1.0)
        generation = self.app.consumer_generation_id
        if self.should_stop:
            return
        if not self.flow_active:
            with suppress(Exception):  # as Faust: the resumption seeks, too
                await self.perform_seek()
            return
        for each, records in (fetched or {}).items():
            tp = ensure_TP(each)
            if not self.flow_active or self.app.consumer_generation_id != generation:
                return
            if active is not None and tp not in active:
                continue
            if messages := self._unread(tp, records):
                self._arrived(tp, messages)
                await self.wait_first(
                    intake.put(tp, messages, generation), self.suspend_flow.wait()
                )
                self._read_offset[tp] = messages[-1].offset

    def _unread(self, tp: Any, records: Sequence[Any]) -> Sequence[Any]:
        """Without the records before the offset that is read next."""
        read = self._read_offset[tp]
        if read is None or records[0].offset >= read:
            return records
        return [record for record in records if record.offset >= read]

    def acknowledge(self, tp: Any, offsets: Iterable[int]) -> None:
        """Acknowledge many messages; offsets below what is committed already are ignored."""
        committed, known = self._committed_offset[tp] or 0, self._acked_index[tp]
        new = {offset for offset in offsets if offset >= committed} - known
        known.update(new)
        self._acked[tp].extend(new)
        notify(self._waiting_for_ack)

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

    takes_lists: bool = False
    """Whether fetched lists go to the intake, in the place of Faust's streams and events."""

    @cached_property
    def intake(self) -> Intake:
        return Intake(self, self.conf.stream_buffer_maxsize)

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
