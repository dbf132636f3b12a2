"""A topic is followed from its end, over failures, without a group."""

import pytest
from kafka.errors import KafkaTimeoutError
from kafka.structs import TopicPartition

from runtime.kafka.reader import TAIL_CHECK_S, TopicTail
from runtime.settings import KafkaSettings
from schemas.errors import ConfigurationError, ServiceUnavailable
from tests.runtime.kafka.fake_kafka import FakeKafka

SETTINGS = KafkaSettings(topic_prefix="t.")
TOPIC = "t.mentions"


def tail(kafka: FakeKafka, *names: str) -> TopicTail:
    return TopicTail(SETTINGS, "test", names or ("mentions",), lambda: kafka.now)


def values(following: TopicTail) -> list[bytes | None]:
    return [record.value for record in following.poll(0.1)]


def test_what_was_there_before_is_not_read(kafka: FakeKafka) -> None:
    kafka.fill(TOPIC, 3)
    following = tail(kafka)
    assert values(following) == []
    kafka.send(TOPIC, value=b"new")
    assert values(following) == [b"new"]
    assert values(following) == []
    assert kafka.committed == {}


def test_all_partitions_of_all_topics_are_followed(kafka: FakeKafka) -> None:
    kafka.partitions = range(3)
    following = tail(kafka, "mentions", "alerts")
    following.poll(0.1)
    for partition in range(3):
        kafka.send(TOPIC, value=b"m", partition=partition)
        kafka.send("t.alerts", value=b"a", partition=partition)
    assert sorted(values(following), key=str) == [b"a"] * 3 + [b"m"] * 3


def test_a_poll_gives_at_most_so_many(kafka: FakeKafka) -> None:
    following = tail(kafka)
    following.poll(0.1)
    kafka.fill(TOPIC, 7)
    assert [len(following.poll(0.1, 3)) for _ in range(4)] == [3, 3, 1, 0]


def test_after_a_failure_it_goes_on_where_it_was(kafka: FakeKafka) -> None:
    following = tail(kafka)
    following.poll(0.1)
    kafka.send(TOPIC, value=b"1")
    assert values(following) == [b"1"]
    kafka.send(TOPIC, value=b"2")

    def fail() -> None:
        raise KafkaTimeoutError("gone")

    kafka.on_poll = fail
    with pytest.raises(ServiceUnavailable):
        following.poll(0.1)
    following.close()
    following.close()
    kafka.on_poll = lambda: None
    kafka.send(TOPIC, value=b"3")
    assert values(following) == [b"2", b"3"]


def test_a_broker_that_is_silent_is_asked_whether_it_is_there(kafka: FakeKafka) -> None:
    following = tail(kafka)
    following.poll(0.1)

    def fail() -> None:
        raise KafkaTimeoutError("no answer")

    kafka.on_end_offsets = fail
    kafka.now += TAIL_CHECK_S + 1
    with pytest.raises(ServiceUnavailable):
        following.poll(0.1)


def test_a_topic_that_is_missing_is_a_sentence(kafka: FakeKafka) -> None:
    kafka.partitions = range(0)
    following = tail(kafka)
    with pytest.raises(ConfigurationError, match=r"t\.mentions does not exist; run"):
        following.poll(0.1)
    # Once it is there, the same tail follows it.
    kafka.partitions = range(1)
    assert values(following) == []
    kafka.send(TOPIC, value=b"1")
    assert values(following) == [b"1"]


def test_a_topic_that_was_made_anew_is_read_from_its_start(kafka: FakeKafka) -> None:
    kafka.fill(TOPIC, 90)
    following = tail(kafka)
    following.poll(0.1)
    following.close()
    del kafka.log[TOPIC]
    kafka.fill(TOPIC, 2)
    assert values(following) == [b"0", b"1"]


def test_records_that_expired_meanwhile_are_passed_over(kafka: FakeKafka) -> None:
    following = tail(kafka)
    following.poll(0.1)
    following.close()
    kafka.fill(TOPIC, 50)
    kafka.expire(TopicPartition(TOPIC, 0), *range(40))
    kafka.retained_from = 40
    assert values(following) == [b"%d" % number for number in range(40, 50)]
