"""The stored deliveries: read back, shared between copies, and not for ever."""

from datetime import timedelta
from functools import partial

import pytest

from schemas.topic_registry import topics
from sinks.alerts.deliveries import KEPT, Deliveries
from tests import make
from tests.runtime.kafka.fake_kafka import FakeKafka
from tests.sinks.alerts.states import NOW

TOPIC = "t.alert-deliveries"


@pytest.fixture
def kafka() -> FakeKafka:
    return FakeKafka()


def memory(kafka: FakeKafka, channel: str = "desk") -> Deliveries:
    deliveries = Deliveries(kafka.consumer(), kafka, TOPIC, channel)
    deliveries.catch_up()
    return deliveries


sent = partial(make.delivery, at=NOW)


def test_it_remembers_after_a_restart_and_learns_what_another_copy_sent(kafka: FakeKafka) -> None:
    first, second = memory(kafka), memory(kafka)
    first.remember(sent("a|b", 1))
    first.remember(sent("a|b", 2))
    assert first.last("a|b") == sent("a|b", 2)
    assert memory(kafka).last("a|b") == sent("a|b", 2)
    assert memory(kafka).last("other") is None
    assert memory(kafka, "slack").last("a|b") is None
    assert second.last("a|b") is None
    second.catch_up()
    assert second.last("a|b") == sent("a|b", 2)


def test_only_open_alerts_with_something_to_repeat_are_held(kafka: FakeKafka) -> None:
    made = memory(kafka)
    made.remember(sent("b", 2, repeat="{}"))
    made.remember(sent("a", 1, repeat="{}"))
    made.remember(sent("c", 3))
    made.remember(sent("d", 4, repeat="{}"))
    made.remember(sent("d", 5, status="close"))
    assert [delivery.alert_id for delivery in made.held()] == ["a", "b"]


def test_what_is_too_old_to_come_again_is_forgotten(kafka: FakeKafka) -> None:
    made = memory(kafka)
    made.remember(sent("old", at=NOW - KEPT - timedelta(hours=1)))
    made.remember(sent("new"))
    assert memory(kafka).last("old") is None
    assert memory(kafka).last("new") == sent("new")
    made.remember(sent("newer", at=NOW + KEPT - timedelta(hours=1)))
    assert made.last("new") is not None
    assert made.forget(NOW + KEPT + timedelta(days=1)) == 1


def test_the_memory_is_longer_than_what_can_come_again() -> None:
    kept = [topics()[name].kept_days for name in ("alerts", "dead-letters")]
    assert timedelta(days=sum(kept)) <= KEPT


def test_what_is_not_ours_is_passed_over(kafka: FakeKafka) -> None:
    kafka.send(TOPIC, key=b"desk|a", value=b"{")
    kafka.send(TOPIC, key=None, value=b"{}")
    assert memory(kafka).last("a") is None
