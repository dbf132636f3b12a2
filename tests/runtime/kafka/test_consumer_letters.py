"""A dead letter that Kafka has not acknowledged is no reason to commit its record."""

from typing import Any

import pytest
from kafka.errors import KafkaTimeoutError

from schemas.errors import ServiceUnavailable
from tests.runtime.kafka.fake_kafka import Done, FakeKafka
from tests.runtime.kafka.test_consumer import TOPIC, Store, committed


class Refused(Done):
    def get(self, timeout: float | None = None) -> None:
        raise KafkaTimeoutError("not acknowledged")


class Unwilling(FakeKafka):
    """Takes dead letters, and never acknowledges one."""

    def send(self, topic: str, **message: Any) -> Done:
        sent = super().send(topic, **message)
        return Refused() if topic.endswith("dead-letters") else sent


def test_a_letter_without_an_acknowledgement_leaves_its_record_uncommitted() -> None:
    kafka = Unwilling().fill(TOPIC, 2)
    store = Store(kafka)
    store.refused = {1}
    with pytest.raises(ServiceUnavailable):
        store.run()
    assert kafka.log["t.dead-letters"], "the letter was sent"
    assert committed(kafka) == 1
