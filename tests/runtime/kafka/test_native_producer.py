"""The producer on librdkafka: its options, its errors, and what real Kafka makes of it."""

import contextlib
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import KafkaError as NativeError
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import (
    KafkaError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    TopicAuthorizationFailedError,
)
from pydantic import SecretStr

from runtime.kafka import client
from runtime.kafka.native_producer import NativeProducer, error_of, options
from runtime.kafka.reader import read_to_end
from runtime.settings import KafkaSettings
from schemas.errors import ConfigurationError, ServiceUnavailable
from schemas.topic_registry import topics
from tests.stack_fixtures import RunningEngines

NO_BROKER = {"bootstrap_servers": "127.0.0.1:1"}


@pytest.fixture
def mocked() -> Iterator[NativeProducer]:
    """With librdkafka's own mock of a broker."""
    settings = KafkaSettings(**NO_BROKER)
    mock: dict[str, Any] = {"test.mock.num.brokers": 1, "bootstrap.servers": ""}
    producer = NativeProducer(settings, "test", linger_ms=1, **mock)
    yield producer
    producer.close(5)


def test_what_is_sent_is_acknowledged_and_told_once(mocked: NativeProducer) -> None:
    told: list[None] = []
    deliveries = [mocked.send("t", key=b"k%d" % at, value=b"v") for at in range(100)]
    for delivery in deliveries:
        delivery.add_callback(told.append)
        delivery.get(timeout=30)
    assert all(delivery.succeeded() and not delivery.failed() for delivery in deliveries)
    mocked.flush(1)
    assert len(told) <= len(deliveries)
    mocked.send("t", key=None, value=b"v", headers=[("h", b"x")]).get(timeout=30)


def test_a_message_that_is_larger_than_any_topic_is_refused_at_once(mocked: NativeProducer) -> None:
    with pytest.raises(MessageSizeTooLargeError):
        mocked.send("t", value=b"x" * (client.MAX_MESSAGE_BYTES + 1))


def test_without_kafka_the_sentence_is_the_usual_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runtime.kafka.native_producer.BOOTSTRAP_S", 0.2)
    with pytest.raises(ServiceUnavailable, match=r"Kafka at 127\.0\.0\.1:1 does not answer"):
        NativeProducer(KafkaSettings(**NO_BROKER), "test")


def test_a_full_queue_waits_and_then_says_so(mocked: NativeProducer) -> None:
    full: dict[str, Any] = {
        "test.mock.num.brokers": 1,
        "bootstrap.servers": "",
        "queue.buffering.max.messages": 1,
    }
    settings = KafkaSettings(**NO_BROKER)
    slow = NativeProducer(settings, "test", max_block_s=0.05, linger_ms=60_000, **full)
    waiting = slow.send("t", value=b"1")
    with pytest.raises(KafkaTimeoutError, match="queue is full"):
        slow.send("t", value=b"2")
    with pytest.raises(KafkaTimeoutError, match="no acknowledgement"):
        waiting.get(timeout=0.01)
    with pytest.raises(KafkaTimeoutError):
        slow.close(0.01)
    assert waiting.failed(), "what is given up at the end is told"


def test_errors_are_those_of_kafka_python() -> None:
    kinds = {
        NativeError.MSG_SIZE_TOO_LARGE: MessageSizeTooLargeError,
        NativeError.TOPIC_AUTHORIZATION_FAILED: TopicAuthorizationFailedError,
        NativeError._MSG_TIMED_OUT: KafkaTimeoutError,
        NativeError._ALL_BROKERS_DOWN: KafkaError,
    }
    for code, kind in kinds.items():
        assert type(error_of(NativeError(code))) is kind


def test_a_login_and_its_certificates_are_handed_on(tmp_path: Path) -> None:
    assert options(KafkaSettings(), "x") == {
        "bootstrap.servers": "127.0.0.1:9092",
        "client.id": "tocsin-x",
        "security.protocol": "PLAINTEXT",
    }
    login = KafkaSettings(
        security_protocol="SASL_SSL",
        sasl_mechanism="SCRAM-SHA-256",
        sasl_username="ana",
        sasl_password=SecretStr("secret"),
    )
    found = options(login, "x")
    assert found["security.protocol"] == "SASL_SSL"
    assert found["sasl.mechanism"] == "SCRAM-SHA-256"
    assert (found["sasl.username"], found["sasl.password"]) == ("ana", "secret")
    with pytest.raises(ConfigurationError, match="TLS files"):
        options(KafkaSettings(security_protocol="SSL", ssl_cafile=tmp_path / "absent.pem"), "x")


# --- on real Kafka ---------------------------------------------------------------------------


@pytest.fixture
def settings(engines: RunningEngines) -> KafkaSettings:
    settings = KafkaSettings(
        bootstrap_servers=engines.endpoints.kafka,
        topic_prefix=f"n{uuid.uuid4().hex[:8]}.",
        partitions=4,
    )
    client.setup_topics(settings, [topics()["posts"]])
    return settings


def read(settings: KafkaSettings) -> list[Any]:
    with closing(client.consumer(settings, "test")) as consumer:
        return list(read_to_end(consumer, settings.topic_prefix + "posts"))


@pytest.mark.engines
def test_a_key_goes_to_the_partition_where_kafka_python_sends_it(settings: KafkaSettings) -> None:
    topic = settings.topic_prefix + "posts"
    keys = [b"x:%d" % at * (1 + at % 4) for at in range(200)]
    with closing(client.producer(settings, "test")) as theirs:
        for key in keys:
            theirs.send(topic, key=key, value=b"theirs")
    ours = NativeProducer(settings, "test")
    for at, key in enumerate(keys):
        ours.send(topic, key=key, value=b"%d" % at)
    ours.close(30)
    records = read(settings)
    assert len(records) == 2 * len(keys)
    assert len({(record.key, record.partition) for record in records}) == len(keys)
    for partition in range(4):
        numbers = [
            int(record.value)
            for record in records
            if record.partition == partition and record.value != b"theirs"
        ]
        assert numbers == sorted(numbers)


@pytest.mark.engines
def test_one_message_that_kafka_calls_too_large_fails_alone_and_the_others_are_delivered(
    settings: KafkaSettings,
) -> None:
    topic = settings.topic_prefix + "posts"
    with client.admin(settings) as admin:
        limit = {"max.message.bytes": "20000"}
        admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, limit)])
    producer = NativeProducer(settings, "test", linger_ms=200)
    sizes = [100, 9_000, 9_000, 9_000, 30_000, 9_000, 100]
    # One key, so that they are one batch, which is too large as a whole.
    sent = [producer.send(topic, key=b"k", value=b"x" * size) for size in sizes]
    for size, delivery in zip(sizes, sent, strict=True):
        with contextlib.suppress(MessageSizeTooLargeError):
            delivery.get(timeout=60)
        assert delivery.failed() == (size == 30_000)
    producer.send(topic, key=b"k", value=b"later").get(timeout=60)
    producer.close(30)
    found = sorted(len(record.value) for record in read(settings))
    assert found == sorted([*(size for size in sizes if size != 30_000), len(b"later")])
