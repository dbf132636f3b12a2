"""The memory of what was told: read back, shared between copies, and not for ever."""

from datetime import timedelta
from functools import partial

from schemas.topic_registry import topics
from sinks.alerts.deliveries import KEPT, Deliveries
from tests import make
from tests.runtime.kafka.fake_kafka import FakeKafka
from tests.sinks.alerts.states import NOW

TOPIC = "t.alert-deliveries"


def memory(kafka: FakeKafka, channel: str = "desk") -> Deliveries:
    made = Deliveries(kafka.consumer(), kafka, TOPIC, channel)
    made.catch_up()
    return made


told = partial(make.delivery, at=NOW)


def test_it_remembers_after_a_restart() -> None:
    kafka = FakeKafka()
    first = memory(kafka)
    first.remember(told("a|b", 1))
    first.remember(told("a|b", 2))
    assert first.last("a|b") == told("a|b", 2)
    assert memory(kafka).last("a|b") == told("a|b", 2)
    assert memory(kafka).last("other") is None


def test_channels_do_not_share_their_memory() -> None:
    kafka = FakeKafka()
    memory(kafka).remember(told("a"))
    assert memory(kafka, "slack").last("a") is None


def test_it_learns_what_another_copy_told() -> None:
    kafka = FakeKafka()
    first, second = memory(kafka), memory(kafka)
    first.remember(told("a"))
    assert second.last("a") is None
    second.catch_up()
    assert second.last("a") == told("a")


def test_only_open_alerts_with_something_to_repeat_are_held() -> None:
    kafka = FakeKafka()
    made = memory(kafka)
    made.remember(told("b", 2, repeat="{}"))
    made.remember(told("a", 1, repeat="{}"))
    made.remember(told("c", 3))
    made.remember(told("d", 4, repeat="{}"))
    made.remember(told("d", 5, status="close"))
    assert [delivery.alert_id for delivery in made.held()] == ["a", "b"]


def test_what_is_too_old_to_come_again_is_forgotten() -> None:
    kafka = FakeKafka()
    made = memory(kafka)
    made.remember(told("old", at=NOW - KEPT - timedelta(hours=1)))
    made.remember(told("new"))
    assert made.forget(NOW) == 1
    assert memory(kafka).last("old") is None
    assert memory(kafka).last("new") == told("new")


def test_the_memory_is_longer_than_what_can_come_again() -> None:
    kept = [topics()[name].retention_days or 0 for name in ("alerts", "dead-letters")]
    assert timedelta(days=sum(kept)) <= KEPT


def test_what_is_not_ours_is_passed_over() -> None:
    kafka = FakeKafka()
    kafka.send(TOPIC, key=b"desk|a", value=b"{")
    kafka.send(TOPIC, key=None, value=b"{}")
    assert memory(kafka).last("a") is None
