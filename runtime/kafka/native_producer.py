"""A producer on librdkafka, for the two services that write a message a post or more.

kafka-python spends some 45 us of Python on a message, librdkafka 5, in threads that need no GIL;
its larger batches cost the broker a quarter. Its interface is the part of kafka-python's that
services use, with kafka-python's errors; consumers and administration stay kafka-python's.
"""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from confluent_kafka import KafkaError as NativeError
from confluent_kafka import KafkaException
from confluent_kafka import Producer as RdProducer
from kafka.errors import KafkaError, KafkaTimeoutError, for_code

from runtime.kafka.client import (
    BOOTSTRAP_S,
    MAX_MESSAGE_BYTES,
    kafka_errors,
    sasl_login,
    tls_context,
)
from runtime.logs import get_logger
from runtime.settings import KafkaSettings

log = get_logger("kafka")
_POLL_S = 0.2
_MAX_QUEUED_KIB = 64 * 1024
Refusal = KafkaError
"""What a message is refused with."""
Answered = Callable[[Any, Any], Any]
"""Gets librdkafka's error or None, and its message, in the producer's thread."""
_OF_A_BATCH = frozenset(
    (
        NativeError.MSG_SIZE_TOO_LARGE,
        NativeError.INVALID_RECORD,
        NativeError._INVALID_DIFFERENT_RECORD,
    )
)
"""What Kafka says of a whole batch, though one message of it is meant."""


class Delivery:
    """The future of one message. The producer's thread calls it once Kafka has answered."""

    __slots__ = ("_callbacks", "_producer", "exception", "is_done")

    def __init__(self, producer: "NativeProducer") -> None:
        self._producer = producer
        self._callbacks: Sequence[Callable[[Any], Any]] = ()
        self.exception: BaseException | None = None
        self.is_done = False

    def __call__(self, error: Any, message: Any) -> None:
        if not self._producer.send_alone(error, message, self._answered):
            self._answered(error, message)

    def _answered(self, error: Any, message: Any) -> None:
        if error is not None:
            self.exception = error_of(error)
        self.is_done = True
        if error is None:
            for callback in self._callbacks:
                callback(None)

    def succeeded(self) -> bool:
        return self.is_done and self.exception is None

    def failed(self) -> bool:
        return self.is_done and self.exception is not None

    def add_callback(self, callback: Callable[[Any], Any]) -> None:
        """Call it after the success; twice, where the success comes at this very moment."""
        self._callbacks = (*self._callbacks, callback)
        if self.succeeded():
            callback(None)

    def get(self, timeout: float | None = None) -> None:
        """Wait for Kafka's answer; raises its refusal, or ``KafkaTimeoutError``."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while not self.is_done:
            if deadline is not None and time.monotonic() > deadline:
                raise KafkaTimeoutError(f"no acknowledgement within {timeout:g} s")
            time.sleep(0.002)
        if self.exception is not None:
            raise self.exception


def error_of(error: Any) -> KafkaError:
    """librdkafka's error as kafka-python's exception."""
    code = error.code()
    if code == NativeError._MSG_TIMED_OUT:
        return KafkaTimeoutError(error.str())
    kind = for_code(code) if code > 0 else KafkaError
    return kind(error.str())


def options(settings: KafkaSettings, client_id: str) -> dict[str, Any]:
    """librdkafka's connection options; raises :class:`ConfigurationError` for unusable files."""
    config: dict[str, Any] = {
        "bootstrap.servers": settings.bootstrap_servers,
        "client.id": f"tocsin-{client_id}",
        "security.protocol": settings.security_protocol,
    }
    if tls_context(settings) is not None:  # it has read the files, and names one that is unusable
        files = {
            "ssl.ca.location": settings.ssl_cafile,
            "ssl.certificate.location": settings.ssl_certfile,
            "ssl.key.location": settings.ssl_keyfile or settings.ssl_certfile,
        }
        config |= {name: str(file) for name, file in files.items() if file is not None}
    if (login := sasl_login(settings)) is not None:
        config["sasl.mechanism"] = settings.sasl_mechanism
        config["sasl.username"], config["sasl.password"] = login
    return config


class NativeProducer:
    """An idempotent producer that waits for all in-sync replicas. Safe from any thread.

    ``delivery_timeout_s``: how long one message is retried before its delivery fails.
    ``max_block_s``: how long ``send`` waits while the queue is full.
    ``overrides``: other options of librdkafka.
    Raises :class:`ServiceUnavailable` if Kafka does not answer within ``BOOTSTRAP_S``.
    """

    def __init__(
        self,
        settings: KafkaSettings,
        client_id: str,
        delivery_timeout_s: float = 120.0,
        max_block_s: float = 2.0,
        linger_ms: float = 20,
        **overrides: Any,
    ) -> None:
        self._settings = settings
        self._max_block_s = max_block_s
        self._trouble: Any = None
        self._config = {
            **options(settings, client_id),
            "acks": "all",
            "enable.idempotence": True,
            "partitioner": "murmur2_random",  # as Kafka's own and kafka-python's
            "linger.ms": linger_ms,
            "batch.size": 2**19,
            "message.max.bytes": MAX_MESSAGE_BYTES,
            "message.timeout.ms": int(delivery_timeout_s * 1000),
            "queue.buffering.max.kbytes": _MAX_QUEUED_KIB,
            "reconnect.backoff.max.ms": 2_000,
            "log_level": 0,
            "error_cb": self._on_error,
            **overrides,
        }
        self._alone: Any = None
        self._closing = threading.Event()
        with kafka_errors(settings):
            try:
                self._producer = RdProducer(self._config)
                self._producer.list_topics(timeout=BOOTSTRAP_S)
            except KafkaException as error:
                raise error_of(self._trouble or error.args[0]) from None
        self._thread = threading.Thread(target=self._poll, name=f"kafka-{client_id}", daemon=True)
        self._thread.start()

    def _on_error(self, error: Any) -> None:
        if str(error) != str(self._trouble):
            log.debug("kafka's client is in trouble", error=error.str())
        self._trouble = error

    def _poll(self) -> None:
        while not self._closing.is_set():
            self._producer.poll(_POLL_S)
            if self._alone is not None:
                self._alone.poll(0)

    def send(
        self,
        topic: str,
        *,
        key: bytes | None = None,
        value: bytes | None = None,
        headers: Sequence[tuple[str, str | bytes | None]] | None = None,
    ) -> Delivery:
        """As kafka-python's."""
        delivery = Delivery(self)
        self.produce(topic, key, value, delivery, headers)
        return delivery

    def produce(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        answered: Answered,
        headers: Sequence[tuple[str, str | bytes | None]] | None = None,
    ) -> None:
        """Queue one message, in order; raises kafka-python's errors."""
        deadline: float | None = None
        while True:
            try:
                if headers:
                    named = list(headers)
                    self._producer.produce(topic, value, key, on_delivery=answered, headers=named)
                else:
                    self._producer.produce(topic, value, key, on_delivery=answered)
            except BufferError:
                now = time.monotonic()
                deadline = now + self._max_block_s if deadline is None else deadline
                if now >= deadline:
                    raise KafkaTimeoutError("Kafka takes nothing; the queue is full") from None
                time.sleep(0.002)
            except KafkaException as error:
                raise error_of(error.args[0]) from None
            else:
                return

    def send_alone(self, error: Any, message: Any, answered: Answered) -> bool:
        """Send again, in a batch of its own, what was refused with its batch. False: it was not."""
        if error is None or error.code() not in _OF_A_BATCH:
            return False
        if self._alone is None:
            self._alone = RdProducer({**self._config, "batch.num.messages": 1})
        content = message.value(), message.key()
        try:
            self._alone.produce(message.topic(), *content, on_delivery=answered)
        except (KafkaException, BufferError):
            return False
        return True

    def flush(self, timeout: float) -> None:
        """Wait until Kafka has answered for all; raises ``KafkaTimeoutError``."""
        deadline = time.monotonic() + timeout
        while len(self._producer) or (self._alone is not None and len(self._alone)):
            if time.monotonic() > deadline:
                raise KafkaTimeoutError(f"no acknowledgement within {timeout:g} s")
            time.sleep(0.002)

    def close(self, timeout: float) -> None:
        """Send what is queued, for so many seconds; what is left then is given up."""
        try:
            self.flush(timeout)
        finally:
            self._closing.set()
            self._thread.join()
            for producer in (self._producer, self._alone):
                if producer is not None:
                    producer.purge()
                    producer.flush(1)  # tells of what is given up
