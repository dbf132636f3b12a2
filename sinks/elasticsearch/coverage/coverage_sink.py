"""Writes records of coverage to their index, on a thread of the process that writes mentions.

The loop and its invariants are :mod:`runtime.kafka.consumer`. Here:

1. A record is handled once its state is in the index, superseded there, or a dead letter.
2. Of the states of one interval the highest version stays (``external_gte``), in any order.
3. Nothing of it holds or ends the writing of mentions: an error ends its consumer, which is started
   again; one that needs a person is told on ``/readyz``, which stays 200.
"""

import random
import threading
from collections.abc import Callable, Sequence
from functools import partial

import msgspec
from elastic_transport import TransportError
from elasticsearch import ApiError, Elasticsearch

from runtime import metrics
from runtime.backoff import Busy, JitteredBackoff
from runtime.clock import Clock, utc_now
from runtime.health import Health
from runtime.kafka.consumer import BatchLimits, PausingConsumer
from runtime.kafka.dead_letters import Brake, internal_error
from runtime.kafka.protocols import Consumer, Producer, Record
from runtime.logs import get_logger
from runtime.settings import SinkSettings
from schemas.codec import COVERAGE
from schemas.coverage import CoverageInterval
from schemas.dead_letter import Reason
from schemas.errors import BrakeTripped, ConfigurationError, InvalidMessage, TocsinError
from sinks.elasticsearch.connection import reason
from sinks.elasticsearch.documents import Operation
from sinks.elasticsearch.indices.index_shape import check_index
from sinks.elasticsearch.indices.mappings import IndexNames
from sinks.elasticsearch.writes.bulk import RequestSize, write

NAME = "coverage"
GROUP = "sink-coverage"
TOPIC = "coverage"
SERVICE = "sink-elasticsearch"
RESTART_FIRST_S, RESTART_MAX_S = 2.0, 60.0
log = get_logger("sink")
_encode = msgspec.json.Encoder().encode


def operation_of(record: CoverageInterval, names: IndexNames) -> Operation:
    """The document of a record: the record itself."""
    return Operation(record.id, names.coverage, record.version, _encode(record))


class CoverageSink:
    """A :class:`runtime.kafka.consumer.Sink`; :meth:`run` owns the thread."""

    def __init__(
        self,
        consumer: Consumer,
        producer: Producer,
        client: Elasticsearch,
        *,
        names: IndexNames,
        topic_prefix: str,
        settings: SinkSettings,
        health: Health,
        clock: Clock = utc_now,
    ) -> None:
        self.client = client
        self.names = names
        self.health = health
        self._is_busy = False
        self._is_shaped = False
        self._size = RequestSize(settings.batch_bytes)
        self._consumer = PausingConsumer(
            consumer=consumer,
            producer=producer,
            sink=self,
            name="the sink of coverage",
            service=SERVICE,
            topic_prefix=topic_prefix,
            limits=BatchLimits(settings.batch_size, settings.batch_bytes, settings.batch_within_s),
            backoff=JitteredBackoff(settings.retry_first_s, settings.retry_max_s, random.random),
            brake=Brake.of(settings),
            clock=clock,
            on_committed=metrics.SINK_BATCH_SECONDS.labels(NAME).observe,
            on_poison=lambda record: metrics.SINK_ITEMS.labels(NAME, "dead").inc(),
        )
        metrics.SINK_PAUSED.labels(NAME).set(0)

    def run(self, stop: threading.Event) -> None:
        """Consume until ``stop`` is set; raises if its consumer cannot go on."""
        self._consumer.run(TOPIC, stop)

    def begin(self) -> None:
        self.health.note(NAME, None)

    def beat(self) -> None:
        # The health of the process is told by the sink of mentions.
        for partition, messages in self._consumer.lag().items():
            metrics.SINK_LAG.labels(NAME, str(partition)).set(messages)

    def handle(self, records: Sequence[Record]) -> int:
        newest: dict[str, tuple[CoverageInterval, Record]] = {}
        letters: list[tuple[Record, Reason, str]] = []
        superseded = 0
        for record in records:
            try:
                interval = COVERAGE.decode(record.value or b"")
            except InvalidMessage as error:
                letters.append((record, error.reason, error.detail))
                continue
            before = newest.get(interval.id)
            superseded += before is not None
            if before is None or interval.version >= before[0].version:
                newest[interval.id] = interval, record
        operations = [operation_of(interval, self.names) for interval, _ in newest.values()]
        letters += [
            (newest[operation.id][1], "index_rejected", why)
            for operation, why in self._write(operations)
        ]
        self._consumer.dead_letter(letters)
        metrics.SINK_ITEMS.labels(NAME, "dead").inc(len(letters))
        metrics.SINK_ITEMS.labels(NAME, "superseded").inc(superseded)
        return len(letters)

    def _write(self, operations: Sequence[Operation]) -> list[tuple[Operation, str]]:
        """Retry until each operation is written or refused; returns the refused ones."""
        if not operations:
            return []
        if not self._is_shaped:
            self._consumer.insist(partial(_shaped, self.client, self.names))
            self._is_shaped = True
        rejected: list[tuple[Operation, str]] = []
        pending = list(operations)

        def attempt() -> None:
            nonlocal pending
            outcome = write(self.client, pending, self._size)
            pending = [*outcome.retry, *(operation for operation, _ in outcome.blocked)]
            rejected.extend(outcome.rejected)
            metrics.SINK_ITEMS.labels(NAME, "written").inc(len(outcome.written))
            metrics.SINK_ITEMS.labels(NAME, "superseded").inc(len(outcome.superseded))
            if pending:
                raise Busy(outcome.why or outcome.blocked[0][1], outcome.cause or "index_blocked")

        self._consumer.insist(attempt)
        return rejected

    def busy(self, why: str, cause: str) -> None:
        if not self._is_busy:
            log.warning("the index of coverage takes no writes; waiting", why=why)
        self._is_busy = True
        self.health.note(NAME, f"its index takes no writes ({why})")
        metrics.RETRIES.labels(GROUP, cause).inc()
        metrics.SINK_PAUSED.labels(NAME).set(1)

    def free(self) -> None:
        if self._is_busy:
            log.info("the index of coverage takes writes again")
            self.health.note(NAME, None)
        self._is_busy = False
        metrics.SINK_PAUSED.labels(NAME).set(0)


def _shaped(client: Elasticsearch, names: IndexNames) -> None:
    try:
        check_index(client, names, names.coverage)
    except ApiError as error:
        why = f"{error.status_code}: {reason(error)}"
        raise Busy(why, f"status_{error.status_code}") from None
    except TransportError as error:
        raise Busy(str(error), "connection") from None


class CoverageThread:
    """Runs the sink of coverage beside another one; what ends it never ends the process.

    ``open_sink`` makes a sink with a consumer of its own.
    """

    def __init__(
        self,
        open_sink: Callable[[], CoverageSink],
        health: Health,
        restart_first_s: float = RESTART_FIRST_S,
    ) -> None:
        self._open_sink = open_sink
        self._health = health
        self._backoff = JitteredBackoff(restart_first_s, RESTART_MAX_S, random.random)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="coverage", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, within_s: float) -> None:
        """Ask the thread to end; a batch that is under way then is delivered again."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(within_s)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._open_sink().run(self._stop)
            except (BrakeTripped, ConfigurationError) as error:
                self._tell(str(error))
                return
            except Exception as error:  # noqa: BLE001 - mentions go on whatever it is
                why = str(error) if isinstance(error, TocsinError) else internal_error(error)
                self._tell(f"it is started again ({why})")
                self._stop.wait(self._backoff.failed())

    def _tell(self, why: str) -> None:
        self._health.note(NAME, why)
        log.error("coverage is not stored; mentions are", why=why)
