"""The deliveries of a channel, on a compacted topic, so that a replay does not repeat them.

A delivery is stored after the channel accepted it and before the offset is committed. Only a crash
in between delivers again, under the same idempotency key. The store is Kafka, since alerts must go
out while Elasticsearch is away.
"""

from datetime import datetime, timedelta

from runtime.kafka.client import deliver
from runtime.kafka.protocols import Consumer, OutgoingRecord, Producer, Record
from runtime.kafka.reader import assign_all, read_until
from schemas.codec import ALERT_DELIVERY
from schemas.delivery import AlertDelivery
from schemas.errors import InvalidMessage

TOPIC = "alert-deliveries"
KEPT = timedelta(days=70)
"""Longer than ``alerts`` plus ``dead-letters`` keep a state that a replay could repeat."""

_FORGET_EVERY = timedelta(days=1)


class Deliveries:
    """The deliveries of one channel; ``consumer`` has no group and reads the whole topic."""

    def __init__(self, consumer: Consumer, producer: Producer, topic: str, channel: str) -> None:
        self._consumer = consumer
        self._producer = producer
        self._topic = topic
        self._channel = channel
        self._partitions = assign_all(consumer, topic)
        self._last: dict[str, AlertDelivery] = {}
        self._forgot_at: datetime | None = None

    def catch_up(self) -> None:
        """Read up to the current end: another copy of this service may have written."""
        for record in read_until(self._consumer, self._consumer.end_offsets(self._partitions)):
            self._take(record)

    def _take(self, record: Record) -> None:
        channel, _, alert_id = (record.key or b"").decode("utf-8", "replace").partition("|")
        if channel != self._channel:
            return
        if record.value is None:
            self._last.pop(alert_id, None)
            return
        try:
            self._last[alert_id] = ALERT_DELIVERY.decode(record.value)
        except InvalidMessage:
            return  # at worst, one delivery is repeated

    def last(self, alert_id: str) -> AlertDelivery | None:
        return self._last.get(alert_id)

    def held(self) -> list[AlertDelivery]:
        """The open alerts to repeat, oldest first."""
        held = [d for d in self._last.values() if d.status != "close" and d.repeat is not None]
        return sorted(held, key=lambda delivery: delivery.version)

    def remember(self, delivery: AlertDelivery) -> None:
        """Store a delivery; returns once Kafka has it."""
        deliver(self._producer, [self._record(delivery.alert_id, ALERT_DELIVERY.encode(delivery))])
        self._last[delivery.alert_id] = delivery
        if self._forgot_at is None or delivery.at - self._forgot_at >= _FORGET_EVERY:
            self.forget(delivery.at)

    def forget(self, now: datetime) -> int:
        """Delete deliveries older than :data:`KEPT`, or the topic would grow for ever."""
        self._forgot_at = now
        old = [d.alert_id for d in self._last.values() if d.at < now - KEPT]
        deliver(self._producer, [self._record(alert_id, None) for alert_id in old])
        for alert_id in old:
            del self._last[alert_id]
        return len(old)

    def _record(self, alert_id: str, value: bytes | None) -> OutgoingRecord:
        return OutgoingRecord(self._topic, f"{self._channel}|{alert_id}".encode(), value)

    def close(self) -> None:
        self._consumer.close()
