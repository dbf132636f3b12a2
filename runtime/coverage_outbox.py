"""Brings records of coverage to Kafka on a thread of its own, so that they hold nothing else up.

Invariants:

1. :meth:`CoverageOutbox.put` returns at once, whatever Kafka does.
2. It has a producer of its own: what Kafka refuses here cannot end the producer of the posts.
3. A record is sent until Kafka has acknowledged it, or a newer state of the same interval; a
   restart of the service tells the same intervals again.
4. It holds the newest state of at most ``MAX_HELD`` intervals; beyond that the oldest is dropped,
   which is counted.
"""

import random
import threading
from collections.abc import Callable
from typing import Any

from kafka.errors import InvalidRecordError, MessageSizeTooLargeError, RecordListTooLargeError

from runtime import metrics
from runtime.backoff import JitteredBackoff
from runtime.kafka import client
from runtime.logs import get_logger
from runtime.settings import KafkaSettings
from schemas.codec import COVERAGE
from schemas.coverage import CoverageInterval
from schemas.errors import InvalidMessage

TOPIC = "coverage"
MAX_HELD = 1_000
ACKNOWLEDGED_S = 15.0
"""Wait for Kafka's answer to what is sent together, seconds."""
_RETRY_FIRST_S, _RETRY_MAX_S = 1.0, 60.0
_NEVER_TAKEN = (MessageSizeTooLargeError, RecordListTooLargeError, InvalidRecordError)
"""What Kafka would say of this record each time."""
log = get_logger("coverage")


class CoverageOutbox:
    """``service``: the label of its metric. ``connect`` opens a producer, and may raise."""

    def __init__(
        self,
        settings: KafkaSettings,
        service: str,
        *,
        connect: Callable[[], Any] | None = None,
        retry_first_s: float = _RETRY_FIRST_S,
    ) -> None:
        self._topic = settings.topic_prefix + TOPIC
        self._service = service
        self._connect = connect or (
            lambda: client.producer(
                settings,
                f"{service}-coverage",
                delivery_timeout_s=ACKNOWLEDGED_S,
                max_block_ms=5_000,
            )
        )
        self._backoff = JitteredBackoff(retry_first_s, _RETRY_MAX_S, random.random)
        self._held: dict[str, CoverageInterval] = {}
        self._changed = threading.Condition()
        self._stopping = threading.Event()
        self._producer: Any = None
        self._is_failing = False
        self._thread = threading.Thread(target=self._run, name="coverage", daemon=True)
        for result in ("written", "failed", "dropped"):
            self._count(result, 0)

    def start(self) -> None:
        self._thread.start()

    def put(self, record: CoverageInterval) -> None:
        """Take a record to send; returns at once."""
        with self._changed:
            self._hold(record)
            self._changed.notify()

    def stop(self, within_s: float) -> None:
        """Send what is held, at most so long; what is left then is lost with the process."""
        with self._changed:
            self._stopping.set()
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join(within_s)

    def _hold(self, record: CoverageInterval) -> None:
        before = self._held.pop(record.id, None)
        newest = before is not None and before.version > record.version
        self._held[record.id] = before if newest and before is not None else record
        while len(self._held) > MAX_HELD:
            self._held.pop(next(iter(self._held)))
            self._count("dropped")

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._held and not self._stopping.is_set():
                    self._changed.wait()
                records, self._held = list(self._held.values()), {}
            if not records:
                break
            failed = self._send(records)
            if failed and self._stopping.is_set():
                break
            if failed:
                with self._changed:
                    for record in failed:
                        self._hold(record)
                self._stopping.wait(self._backoff.failed())
        self._close()

    def _send(self, records: list[CoverageInterval]) -> list[CoverageInterval]:
        """Send the records together; returns those to try again."""
        failed, why = list[CoverageInterval](), ""
        sent: list[tuple[CoverageInterval, Any]] = []
        for number, record in enumerate(records):
            try:
                value = COVERAGE.encode(record)
                self._producer = self._producer or self._connect()
                key = record.id.encode("utf-8", "replace")
                sent.append((record, self._producer.send(self._topic, key=key, value=value)))
            except (InvalidMessage, *_NEVER_TAKEN) as error:
                self._give_up(record, error)
            except Exception as error:  # noqa: BLE001 - nothing of it may reach the posts
                # Without Kafka each of the others would wait as long.
                failed, why = records[number:], client.told(error)
                break
        for record, future in sent:
            try:
                future.get(timeout=ACKNOWLEDGED_S)
                self._count("written")
            except _NEVER_TAKEN as error:
                self._give_up(record, error)
                why = why or client.told(error)
            except Exception as error:  # noqa: BLE001
                failed.append(record)
                why = why or client.told(error)
        self._judge(failed, why)
        return failed

    def _judge(self, failed: list[CoverageInterval], why: str) -> None:
        if why:
            # A producer that is idempotent may send nothing more after a refusal.
            self._close()
        if failed:
            self._count("failed", len(failed))
            if not self._is_failing:
                log.warning("coverage is not written; it is tried again", why=why)
        else:
            self._backoff.healthy()
        self._is_failing = bool(failed)

    def _give_up(self, record: CoverageInterval, error: BaseException) -> None:
        self._count("dropped")
        log.error("a record of coverage is given up", id=record.id, why=client.told(error))

    def _close(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            client.close(producer, timeout_s=0.5)

    def _count(self, result: str, by: int = 1) -> None:
        metrics.COVERAGE_RECORDS.labels(self._service, result).inc(by)
