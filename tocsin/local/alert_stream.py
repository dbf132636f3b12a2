"""Follows the alerts topic, for a screen that shows alerts as they open."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import chain

from runtime.kafka import client as kafka
from runtime.kafka.reader import partitions_of
from runtime.settings import KafkaSettings
from schemas.alert import Alert
from schemas.codec import ALERT
from schemas.errors import InvalidMessage, ServiceUnavailable

TOPIC = "alerts"
MAX_SHOWN = 3


@dataclass(frozen=True, slots=True)
class OpenedAlerts:
    """How many alerts have opened since the feed began, and the newest ones, newest last."""

    count: int = 0
    newest: tuple[Alert, ...] = ()
    positions: Mapping[int, int] = field(default_factory=dict)
    """Partition to the offset of the next record, to go on after a reconnect."""


class AlertStream:
    """Reads from the end of the topic on, without a group: each feed sees every alert.

    :raises ServiceUnavailable: Kafka is away, or the topic is missing.
    """

    def __init__(self, settings: KafkaSettings, before: OpenedAlerts | None = None) -> None:
        before = before or OpenedAlerts()
        self._settings = settings
        self._count = before.count
        self._newest: deque[Alert] = deque(before.newest, MAX_SHOWN)
        self._consumer = kafka.consumer(settings, "alert-stream")
        with kafka.kafka_errors(settings):
            assigned = partitions_of(self._consumer, settings.topic_prefix + TOPIC)
            if not assigned:
                raise ServiceUnavailable(f"there is no topic {settings.topic_prefix}{TOPIC} yet")
            self._consumer.assign(assigned)
            self._consumer.seek_to_end(*assigned)
            for tp in assigned:
                if tp.partition in before.positions:
                    self._consumer.seek(tp, before.positions[tp.partition])
        self._assigned = assigned

    def look(self) -> OpenedAlerts:
        """Wait up to a second for new states."""
        with kafka.kafka_errors(self._settings):
            polled = self._consumer.poll(timeout_ms=1_000)
            positions = {tp.partition: self._consumer.position(tp) for tp in self._assigned}
        for record in chain.from_iterable(polled.values()):
            self._take(record.value)
        return OpenedAlerts(self._count, tuple(self._newest), positions)

    def _take(self, value: bytes | None) -> None:
        try:
            alert = ALERT.decode(value or b"")
        except InvalidMessage:
            return  # the alert sink makes a dead letter of it
        if alert.status == "open" and not alert.muted:
            self._count += 1
            self._newest.append(alert)

    def close(self) -> None:
        self._consumer.close()
