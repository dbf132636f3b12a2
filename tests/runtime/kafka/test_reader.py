"""A topic is read from one offset to another, and a stalled Kafka ends the read."""

from collections.abc import Callable

import pytest
from kafka.errors import KafkaTimeoutError
from kafka.structs import TopicPartition

from runtime.kafka.reader import READ_STALLED_AFTER_S, Span, read_ranges, read_to_end, spans
from runtime.settings import KafkaSettings
from schemas.errors import ConfigurationError, ServiceUnavailable
from tests.runtime.kafka.fake_kafka import FakeKafka, FakeRecord

SETTINGS = KafkaSettings(topic_prefix="t.")
TOPIC = "t.activity"
Connect = Callable[[FakeKafka], FakeKafka]


def filled(*counts: int, retained_from: int = 0) -> FakeKafka:
    return FakeKafka(len(counts), retained_from).fill(TOPIC, *counts)


def read(kafka: FakeKafka, take: Callable[[int], None]) -> None:
    for record in read_to_end(kafka.consumer(), TOPIC, lambda: kafka.now):
        take(record.offset)


def test_a_topic_is_read_to_the_end_of_each_partition() -> None:
    kafka = filled(30, 0, 9)
    kafka.polls = iter([7] * 10)
    consumer = kafka.consumer()
    records = list(read_to_end(consumer, TOPIC))
    assert sorted((record.partition, record.offset) for record in records) == [
        *((0, offset) for offset in range(30)),
        *((2, offset) for offset in range(9)),
    ]
    assert not consumer.paused(), "the caller must be able to read on"


def test_a_topic_that_is_missing_is_a_sentence() -> None:
    with pytest.raises(ConfigurationError, match=r"t\.activity does not exist; run"):
        list(read_to_end(FakeKafka(partitions=0).consumer(), TOPIC))


def test_a_kafka_that_goes_away_ends_the_reading() -> None:
    kafka, offsets = filled(10), []
    kafka.polls = iter([3, 4])
    with pytest.raises(KafkaTimeoutError, match=r"t\.activity gave nothing for 30 s"):
        read(kafka, offsets.append)
    assert offsets == list(range(7))


def test_a_slow_kafka_is_waited_for() -> None:
    kafka, offsets = filled(10), []
    # Ten times the limit in all, but never without a record for so long.
    kafka.polls, kafka.poll_s = iter([0, 1] * 10), READ_STALLED_AFTER_S / 2
    read(kafka, offsets.append)
    assert offsets == list(range(10))


def test_a_slow_reader_is_not_kafka_being_away() -> None:
    kafka, offsets = filled(2), []
    kafka.polls = iter([1, 0, 1])

    def slowly(offset: int) -> None:
        offsets.append(offset)
        kafka.now += 10 * READ_STALLED_AFTER_S

    read(kafka, slowly)
    assert offsets == [0, 1]


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Connect:
    """Let kafka-python's consumers read from a fake."""

    def connect(kafka: FakeKafka) -> FakeKafka:
        monkeypatch.setattr(
            "runtime.kafka.client.KafkaConsumer", lambda group_id, **_: kafka.consumer(group_id)
        )
        return kafka

    return connect


def ranges(kafka: FakeKafka, ranges: dict[int, tuple[int, int]]) -> list[FakeRecord]:
    return list(read_ranges(SETTINGS, "test", "activity", ranges, lambda: kafka.now))


def test_each_partition_is_read_between_its_offsets(connect: Connect) -> None:
    kafka = connect(filled(100, 100, 9))
    kafka.polls = iter([7] * 100)
    records = ranges(kafka, {0: (3, 31), 1: (95, 100), 2: (9, 9)})
    assert [record.offset for record in records if record.partition == 0] == list(range(3, 31))
    assert [record.offset for record in records if record.partition == 1] == list(range(95, 100))
    assert len(records) == 28 + 5


def test_a_stalled_kafka_is_a_sentence(connect: Connect) -> None:
    kafka = connect(filled(100))
    kafka.polls = iter([7, 7, 6])
    with pytest.raises(ServiceUnavailable, match=f"nothing for {READ_STALLED_AFTER_S:.0f} s"):
        ranges(kafka, {0: (0, 100)})


def test_a_group_resumes_at_its_commit_or_at_the_oldest_record(connect: Connect) -> None:
    kafka = connect(filled(80, 80, 80, 80, retained_from=10))
    # Committed, expired since, of an earlier topic of this name, and never committed.
    for partition, offset in {0: 40, 1: 5, 2: 500}.items():
        group = SETTINGS.group_prefix + "detector"
        kafka.committed[group, TopicPartition(TOPIC, partition)] = offset
    by_partition = spans(SETTINGS, "detector", "activity", range(4))
    assert [by_partition[number].position for number in range(4)] == [40, 10, 10, 10]
    assert by_partition[0] == Span(10, 40, 90)
