"""What Kafka will never take is given up, and what needs a person is not."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from kafka.errors import (
    InvalidRecordError,
    KafkaError,
    MessageSizeTooLargeError,
    NotEnoughReplicasError,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
)
from kafka.future import Future

from ingestors.source import Batch, Unreadable
from schemas.codec import DEAD_LETTER
from schemas.errors import ServiceUnavailable
from tests.ingestors.brokers import FakeBroker
from tests.ingestors.runner_rig import (
    ListSource,
    checkpoint,
    delivered,
    event,
    large_event,
    only_letter,
    run,
    runner,
)


@dataclass
class SmallBroker(FakeBroker):
    """Its limits are lower than those of our registry, as those of a topic made by others."""

    limits: dict[str, int] = field(default_factory=dict)
    error: Callable[[str], KafkaError] = MessageSizeTooLargeError
    refused: int = 0

    def __post_init__(self) -> None:
        FakeBroker.__init__(self)

    def send(self, topic: str, value: bytes | None = None, key: bytes | None = None) -> Future:
        if len(value or b"") > self.limits.get(topic.removeprefix(self.prefix), 2**30):
            self.refused += 1
            return Future().failure(self.error("larger than the server accepts"))
        return super().send(topic, value, key)


@pytest.mark.parametrize("error", [MessageSizeTooLargeError, RecordListTooLargeError])
def test_an_event_that_kafka_itself_calls_too_large_is_a_dead_letter(
    error: Callable[[str], KafkaError],
) -> None:
    broker = SmallBroker(limits={"posts": 100_000}, error=error)
    assert run(broker, Batch([large_event(1, 500_000), event(2)], {"at": 2})) == 2
    letter = only_letter(broker)
    assert (letter.reason, broker.refused) == ("too_large", 1)
    assert b"test:1" in letter.payload
    assert delivered(broker) == ["test:2"]
    assert checkpoint(broker).position == {"at": 2}


def test_a_letter_that_kafka_calls_too_large_is_cut_until_it_fits() -> None:
    broker = SmallBroker(limits={"posts": 100_000, "dead-letters": 50_000})
    items = [Unreadable(b"{" * 700_000, "line 1: not JSON")]
    run(broker, Batch([large_event(1, 500_000)], {"at": 1}, items))
    first, second = (DEAD_LETTER.decode(value) for value in broker.values("dead-letters"))
    assert {first.reason, second.reason} == {"too_large", "unreadable_post"}
    for letter in (first, second):
        assert 10_000 < len(letter.payload) < 50_000
        assert "cut further" in letter.detail
    assert broker.refused > 2
    assert checkpoint(broker).position == {"at": 1}


def test_what_kafka_would_call_too_large_is_not_sent_where_its_limits_are_known() -> None:
    """The real producer sends nothing more after the first refusal."""
    limits = {"posts": 104_096, "dead-letters": 54_096}
    broker = SmallBroker(limits={"posts": 100_000, "dead-letters": 50_000})
    source = ListSource([Batch([large_event(1, 500_000), event(2)], {"at": 2}, finished=True)])
    assert runner(source, broker, limits=limits).run(threading.Event(), None) == 2
    letter = only_letter(broker)
    assert (letter.reason, broker.refused) == ("too_large", 0)
    assert 10_000 < len(letter.payload) < 50_000
    assert delivered(broker) == ["test:2"]


def test_an_event_that_kafka_calls_invalid_is_a_dead_letter() -> None:
    broker = SmallBroker(limits={"posts": 10}, error=InvalidRecordError)
    run(broker, Batch([event(1)], {"at": 1}))
    assert only_letter(broker).reason == "unreadable_post"
    assert checkpoint(broker).position == {"at": 1}


@pytest.mark.parametrize("error", [TopicAuthorizationFailedError, NotEnoughReplicasError])
def test_what_kafka_says_of_a_topic_needs_a_person(error: Callable[[str], KafkaError]) -> None:
    broker = SmallBroker(limits={"posts": 10}, error=error)
    with pytest.raises(ServiceUnavailable, match="Kafka refused"):
        run(broker, Batch([event(1)], {"at": 1}))
    assert broker.checkpoint("list") is None
    assert broker.values("dead-letters") == []
