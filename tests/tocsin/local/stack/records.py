"""Records to and from a Kafka, for the tests of the stacks."""

from contextlib import closing
from uuid import uuid4

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import NewTopic


def quiet(line: str) -> None:
    """Progress that nobody reads."""


def create_topic(kafka: str, name: str = "", partitions: int = 1) -> str:
    name = name or f"test.{uuid4().hex}"
    topic = NewTopic(name, partitions, 1, topic_configs={"max.message.bytes": "4194304"})
    with closing(KafkaAdminClient(bootstrap_servers=kafka)) as admin:
        admin.create_topics([topic])
    return name


def produce(kafka: str, topic: str, values: list[bytes]) -> None:
    producer = KafkaProducer(bootstrap_servers=kafka, acks="all", max_request_size=4 << 20)
    with closing(producer):
        futures = [producer.send(topic, value) for value in values]
        producer.flush()
        for future in futures:
            future.get(timeout=10)


def consume(kafka: str, topic: str, count: int) -> list[bytes]:
    consumer = KafkaConsumer(
        bootstrap_servers=kafka, auto_offset_reset="earliest", consumer_timeout_ms=15000
    )
    consumer.assign([TopicPartition(topic, 0)])
    values = [message.value for message, _ in zip(consumer, range(count), strict=False)]
    consumer.close()
    return values


def group_consumer(kafka: str, topic: str) -> KafkaConsumer:
    """A member of the group named as the topic, which the broker misses after six seconds."""
    return KafkaConsumer(
        topic,
        bootstrap_servers=kafka,
        group_id=topic,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        session_timeout_ms=6000,
        heartbeat_interval_ms=500,
        consumer_timeout_ms=30000,
    )
