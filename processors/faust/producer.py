"""Delivery of a batch's results through one aiokafka producer inside the agent.

Gathering its futures a batch at a time is faster than ``topic.send``, and a future, unlike ``await
topic.send()``, confirms that the brokers have the message.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from processors.faust.messages import Outgoing
from runtime.crash_points import reached
from runtime.kafka.client import MAX_MESSAGE_BYTES, connection
from runtime.settings import KafkaSettings
from schemas.errors import ServiceUnavailable

_OPTIONS = {
    "acks": "all",
    "enable_idempotence": True,
    "linger_ms": 5,
    "max_batch_size": 2**17,
    "max_request_size": MAX_MESSAGE_BYTES,
}


class BatchProducer:
    """Belongs to the event loop that it was started in."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._producer: Any = None

    async def start(self) -> None:
        """Raises :class:`ServiceUnavailable` without Kafka."""
        self._producer = AIOKafkaProducer(**connection(self._settings, "process"), **_OPTIONS)
        try:
            await self._producer.start()
        except (KafkaError, OSError) as error:
            raise ServiceUnavailable(
                f"Kafka at {self._settings.bootstrap_servers} does not take messages: {error!r}"
            ) from None

    async def deliver(self, outgoing: Sequence[Outgoing]) -> None:
        """Returns once the brokers have every message; raises if they refuse one."""
        prefix, send = self._settings.topic_prefix, self._producer.send
        try:
            futures = [
                await send(prefix + message.topic, value=message.value, key=message.key)
                for message in outgoing
            ]
            reached("process_delivering")
            await asyncio.gather(*futures)
        except (KafkaError, OSError) as error:
            raise ServiceUnavailable(
                f"Kafka at {self._settings.bootstrap_servers} did not take a batch ({error!r}); "
                "none of it was acknowledged, so it is read again"
            ) from None

    async def stop(self) -> None:
        if self._producer is not None:
            await self._producer.stop()
