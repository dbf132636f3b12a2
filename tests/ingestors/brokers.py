"""The two brokers of the runner's tests: a fake that obeys the test, and real Kafka.

A broker has a producer with the part of kafka-python's interface that the runner uses, and the
acknowledged values of each topic.
"""

import uuid
from collections import defaultdict
from collections.abc import Callable, Collection
from typing import Any

from kafka.errors import KafkaError, KafkaTimeoutError, MessageSizeTooLargeError
from kafka.future import Future

from ingestors.checkpoints import load_checkpoint
from runtime.kafka import client as kafka
from runtime.kafka.client import MAX_MESSAGE_BYTES, setup_topics
from runtime.kafka.native_producer import NativeProducer
from runtime.kafka.reader import read_to_end
from runtime.settings import KafkaSettings
from schemas.checkpoint import Checkpoint
from schemas.codec import CHECKPOINT
from schemas.topic_registry import topics


class FakeBroker:
    """Acknowledges at once, or on ``release`` while ``holding``. Refuses what Kafka refuses.

    ``refusing`` names topics that cannot be written, ``away`` those without a leader.
    """

    prefix = "t."

    def __init__(
        self, *, holding: bool = False, refusing: Collection[str] = (), away: Collection[str] = ()
    ) -> None:
        self.producer: Any = self
        self.holding, self.refusing, self.away = holding, refusing, away
        self.held: list[tuple[Future, str, bytes | None, bytes | None]] = []
        self.max_held = 0
        self.attempts = 0
        self.on_away: Callable[[], None] = lambda: None
        self._log: dict[str, list[tuple[bytes | None, bytes | None]]] = defaultdict(list)

    def send(self, topic: str, value: bytes | None = None, key: bytes | None = None) -> Future:
        name, size = topic.removeprefix(self.prefix), len(key or b"") + len(value or b"")
        if name in self.away:
            self.attempts += 1
            assert self.attempts < 1_000, "it never gave up"
            self.on_away()
            raise KafkaTimeoutError("no metadata")
        if size > MAX_MESSAGE_BYTES:
            raise MessageSizeTooLargeError("larger than the producer sends")
        future = Future()
        if name in self.refusing or size > topics()[name].max_message_bytes:
            return future.failure(MessageSizeTooLargeError("larger than the topic takes"))
        self.held.append((future, topic, key, value))
        if not self.holding:
            self.release()
        self.max_held = max(self.max_held, len(self.held))
        return future

    def flush(self, timeout: float | None = None) -> None:
        if not self.holding:
            self.release()

    def close(self, timeout: float | None = None) -> None:
        pass

    def release(self, count: int | None = None) -> None:
        taken, self.held = self.held[:count], [] if count is None else self.held[count:]
        for future, topic, key, value in taken:
            self._log[topic].append((key, value))
            future.success(None)

    def let_go(self) -> None:
        self.holding = False
        self.release()

    def refuse(self, error: KafkaError) -> None:
        taken, self.held = self.held, []
        for future, *_ in taken:
            future.failure(error)

    def values(self, topic: str) -> list[bytes]:
        return [value for _, value in self._log[self.prefix + topic] if value is not None]

    def checkpoint(self, source_id: str) -> Checkpoint | None:
        value = dict(self._log[self.prefix + "checkpoints"]).get(source_id.encode())
        return None if value is None else CHECKPOINT.decode(value)


class RealBroker:
    def __init__(self, bootstrap_servers: str) -> None:
        self.prefix = f"r{uuid.uuid4().hex[:8]}."
        self.settings = KafkaSettings(
            bootstrap_servers=bootstrap_servers, topic_prefix=self.prefix, partitions=1
        )
        setup_topics(self.settings, topics().values())
        self.producer = NativeProducer(self.settings, "test")

    def values(self, topic: str) -> list[bytes]:
        consumer = kafka.consumer(self.settings, "test")
        try:
            return [record.value for record in read_to_end(consumer, self.prefix + topic)]
        finally:
            consumer.close()

    def checkpoint(self, source_id: str) -> Checkpoint | None:
        return load_checkpoint(self.settings, source_id)

    def close(self) -> None:
        self.producer.close(5)


Broker = FakeBroker | RealBroker
