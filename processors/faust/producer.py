"""Delivery of batches of results, one after the other, several under way.

One future a batch: a future a message costs more than to send it. It confirms that the brokers have
all messages of the batch, which ``await topic.send()`` of Faust does not.
"""

import asyncio
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from typing import Any

from processors.faust.messages import Outgoing
from runtime.crash_points import reached
from runtime.kafka.native_producer import NativeProducer, Refusal, error_of
from runtime.settings import KafkaSettings
from schemas.errors import ServiceUnavailable

DELIVERY_S = 40.0
"""How long one message is tried before the process ends, and a batch is read again."""


class _Batch:
    """Counts the answers for a batch. Called by the producer's thread alone."""

    def __init__(self, producer: NativeProducer, count: int) -> None:
        self._producer = producer
        self._loop = asyncio.get_running_loop()
        self._left = count
        self.delivered: asyncio.Future[None] = self._loop.create_future()

    def __call__(self, error: Any, message: Any) -> None:
        if not self._producer.send_alone(error, message, self._answered):
            self._answered(error, message)

    def _answered(self, error: Any, message: Any) -> None:
        self._left -= 1
        if error is not None:
            self._tell(error_of(error))
        elif not self._left:
            self._tell(None)

    def _tell(self, error: Refusal | None) -> None:
        with suppress(RuntimeError):  # the loop is closed, so nobody waits
            self._loop.call_soon_threadsafe(self.tell, error)

    def tell(self, error: Refusal | None) -> None:
        if self.delivered.done():
            return
        if error is None:
            self.delivered.set_result(None)
        else:
            self.delivered.set_exception(error)


class BatchProducer:
    """Belongs to the event loop that it was started in."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._producer: NativeProducer | None = None

    async def start(self) -> None:
        """Raises :class:`ServiceUnavailable` without Kafka."""
        options: dict[str, Any] = {"delivery_timeout_s": DELIVERY_S, "max_block_s": DELIVERY_S}
        self._producer = await asyncio.to_thread(
            NativeProducer, self._settings, "process", linger_ms=5, **options
        )

    async def send(self, outgoing: Sequence[Outgoing]) -> Awaitable[None]:
        """Queue a batch behind those before it; call it again once it has returned.

        What it returns is done when the brokers have every message, and raises
        :class:`ServiceUnavailable` if they refuse one.
        """
        assert self._producer is not None, "start() comes first"
        batch = _Batch(self._producer, len(outgoing))
        if not outgoing:
            batch.tell(None)
        try:
            await asyncio.to_thread(self._queue, outgoing, batch)
        except Refusal as error:
            raise self._refused(error) from None
        reached("process_delivering")
        return self._delivered(batch)

    async def deliver(self, outgoing: Sequence[Outgoing]) -> None:
        """Returns once the brokers have every message; raises if they refuse one."""
        await (await self.send(outgoing))

    def _queue(self, outgoing: Sequence[Outgoing], batch: _Batch) -> None:
        assert self._producer is not None
        prefix, produce = self._settings.topic_prefix, self._producer.produce
        for message in outgoing:
            produce(prefix + message.topic, message.key, message.value, batch)

    async def _delivered(self, batch: _Batch) -> None:
        try:
            await batch.delivered
        except Refusal as error:
            raise self._refused(error) from None

    def _refused(self, error: Refusal) -> ServiceUnavailable:
        return ServiceUnavailable(
            f"Kafka at {self._settings.bootstrap_servers} did not take a batch ({error!r}); "
            "none of it was acknowledged, so it is read again"
        )

    async def stop(self) -> None:
        if self._producer is not None:
            with suppress(Refusal):
                await asyncio.to_thread(self._producer.close, 5)
