"""What a channel was told, on a compacted topic: the memory that makes a replay harmless.

A delivery is written down after the channel took it, and before the offset is committed. A crash
in between delivers once more, under the same idempotency key; any other replay does not.

It is on Kafka and not in the index, since alerts must go out while Elasticsearch is away.
"""

import time
from datetime import datetime, timedelta
from typing import Any

from kafka.errors import KafkaTimeoutError
from kafka.structs import TopicPartition

from schemas.codec import ALERT_DELIVERY
from schemas.delivery import AlertDelivery
from schemas.errors import ConfigurationError, InvalidMessage

TOPIC = "alert-deliveries"
KEPT = timedelta(days=120)
"""Longer than ``alerts`` and then ``dead-letters`` keep a state that could come again."""
_STALLED_AFTER_S = 30.0


class Deliveries:
    """The deliveries of one channel. ``consumer`` has no group: it reads the topic from its
    beginning."""

    def __init__(self, consumer: Any, producer: Any, topic: str, channel: str) -> None:
        self._consumer = consumer
        self._producer = producer
        self._topic = topic
        self._channel = channel
        # One, if the registry decided; as many as TOCSIN_KAFKA_PARTITIONS says, if that is set.
        partitions = consumer.partitions_for_topic(topic)
        if not partitions:
            raise ConfigurationError(f"topic {topic} does not exist; run 'tocsin topics setup'")
        self._partitions = [TopicPartition(topic, number) for number in sorted(partitions)]
        self._last: dict[str, AlertDelivery] = {}
        consumer.assign(self._partitions)
        consumer.seek_to_beginning(*self._partitions)

    def catch_up(self) -> None:
        """Read on to the end as it is now: another copy of this service may have written."""
        ends = self._consumer.end_offsets(self._partitions)
        deadline = time.monotonic() + _STALLED_AFTER_S
        while any((self._consumer.position(tp, timeout_ms=1_000) or 0) < ends[tp] for tp in ends):
            if time.monotonic() > deadline:
                raise KafkaTimeoutError(f"{self._topic} gave nothing for {_STALLED_AFTER_S:.0f} s")
            for records in self._consumer.poll(timeout_ms=500).values():
                for record in records:
                    self._take(record)

    def _take(self, record: Any) -> None:
        channel, _, alert_id = (record.key or b"").decode("utf-8", "replace").partition("|")
        if channel != self._channel:
            return
        if record.value is None:
            self._last.pop(alert_id, None)
            return
        try:
            self._last[alert_id] = ALERT_DELIVERY.decode(record.value)
        except InvalidMessage:
            # Not ours: as if it had not been said. The worst is one delivery more.
            return

    def last(self, alert_id: str) -> AlertDelivery | None:
        """What the channel was told last of this alert."""
        return self._last.get(alert_id)

    def held(self) -> list[AlertDelivery]:
        """What is open and has to be said again, oldest first."""
        found = [d for d in self._last.values() if d.status != "close" and d.repeat is not None]
        return sorted(found, key=lambda delivery: delivery.version)

    def remember(self, delivery: AlertDelivery) -> None:
        """Write a delivery down; returns when Kafka has it."""
        self._send(delivery.alert_id, ALERT_DELIVERY.encode(delivery)).get(timeout=60)
        self._last[delivery.alert_id] = delivery

    def forget(self, now: datetime) -> int:
        """Take away what is too old to come again, so that the topic does not grow for ever."""
        old = [d.alert_id for d in self._last.values() if d.at < now - KEPT]
        futures = [self._send(alert_id, None) for alert_id in old]
        for future in futures:
            future.get(timeout=60)
        for alert_id in old:
            del self._last[alert_id]
        return len(old)

    def _send(self, alert_id: str, value: bytes | None) -> Any:
        key = f"{self._channel}|{alert_id}".encode()
        return self._producer.send(self._topic, key=key, value=value)

    def close(self) -> None:
        """Disconnect."""
        self._consumer.close()
