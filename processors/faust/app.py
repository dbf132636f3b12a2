"""What our Faust applications share: how they connect, and the offsets that they are at.

Uses little of Faust: it declares no topics and has no tables and no web server.
"""

import os
import signal
import tempfile
from array import array
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import faust
from aiokafka.errors import KafkaError, UnsupportedCodecError
from faust.types.auth import CredentialsArg
from prometheus_client import Gauge

from processors.faust.direct_delivery import DirectApp
from processors.faust.messages import Incoming, end_process
from processors.faust.watchdog import PartitionState
from runtime.health import Health
from runtime.kafka.client import (
    MAX_MESSAGE_BYTES,
    sasl_login,
    tls_context,
    told,
)
from runtime.kafka.membership import Membership, watch_groups
from runtime.kafka.reader import with_messages
from runtime.kafka.topic_configs import unreadable_compression
from runtime.limits.process_end import end_after
from runtime.service import STOP_WITHIN_S, start_monitor
from runtime.settings import Group, KafkaSettings
from schemas.errors import ConfigurationError, ServiceUnavailable, TocsinError

_health: dict[str, Health] = {}
"""The one health of this process; ``faust -A`` begins with the agent, our commands before it."""


def _credentials(kafka: KafkaSettings) -> CredentialsArg | None:
    context = tls_context(kafka)
    login = sasl_login(kafka)
    if login is not None:
        name, password = login
        return faust.SASLCredentials(
            username=name, password=password, ssl_context=context, mechanism=kafka.sasl_mechanism
        )
    return None if context is None else faust.SSLCredentials(context=context)


def create_app(
    kafka: KafkaSettings,
    service: str,
    batch_size: int,
    data_dir: Path | None = None,
    *,
    holds: bool = False,
    lists: bool = False,
) -> DirectApp:
    """The application of a service, without its agent; ``batch_size`` is that of one fetch.

    ``holds``: it acknowledges long after it reads, so that a stop or a rebalance does not wait.
    ``lists``: its agent reads the application's intake, not the stream that Faust hands it.
    """
    app = DirectApp(
        kafka.group_prefix + service,
        broker=[f"kafka://{server}" for server in kafka.bootstrap_servers.split(",")],
        broker_credentials=_credentials(kafka),
        broker_commit_interval=1.0,
        # After this a killed process loses its partitions; the default is a minute.
        broker_session_timeout=15.0,
        broker_heartbeat_interval=3.0,
        broker_max_poll_records=batch_size,
        broker_client_id=f"tocsin-{service}",
        consumer_auto_offset_reset="earliest",
        consumer_max_fetch_size=MAX_MESSAGE_BYTES,
        stream_buffer_maxsize=2 * batch_size,
        stream_wait_empty=not holds,
        topic_allow_declare=False,
        topic_disable_leader=True,
        # Its web server would expose tables; ours serves metrics and health.
        web_enabled=False,
        store="memory://",
        # Named only: without tables, nothing is written there.
        datadir=str(data_dir or Path(tempfile.gettempdir(), f"tocsin-{service}")),
        worker_redirect_stdouts=False,
    )
    app.takes_lists = lists
    return app


def partition_states(app: faust.App) -> list[PartitionState]:
    consumer: Any = app.consumer
    states = []
    for tp in sorted(consumer.assignment(), key=lambda tp: tp.partition):
        # aiokafka knows the end from its last fetch; a negative end means none yet.
        end = consumer.highwater(tp)
        committed = consumer._committed_offset.get(tp)
        pending = len(consumer._acked_index.get(tp, ()))
        position = consumer.positions.get(tp)
        states.append(PartitionState(tp.partition, end, committed, pending, position))
    return states


def lag_of(states: Sequence[PartitionState]) -> int:
    """Consumer lag: messages up to the ends that are not committed."""
    return sum(
        max(0, state.end - (state.committed or 0))
        for state in states
        if state.end is not None and state.end >= 0 and state.committed is not None
    )


def held_offsets(events: Sequence[Any]) -> dict[Any, "array[int]"]:
    """The offsets of events by partition: 8 bytes each, where a message is half a kilobyte."""
    held: dict[Any, array[int]] = {}
    for event in events:
        held.setdefault(event.message.tp, array("q")).append(event.message.offset)
    return held


def acknowledge_offsets(app: faust.App, held: "Mapping[Any, array[int]]") -> None:
    """Acknowledge what was read."""
    consumer: Any = app.consumer
    for tp, offsets in held.items():
        consumer.acknowledge(tp, offsets)


def incoming(event: Any) -> Incoming:
    message = event.message
    return Incoming(
        message.topic,
        message.partition,
        message.offset,
        message.key,
        message.value,
        message.headers,
    )


def raw_topic(app: faust.App, name: str) -> Any:
    """A topic whose keys and values stay bytes: we decode and dead-letter ourselves."""
    return app.topic(
        name, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw"
    )


def monitor(service: str) -> Health:
    """The health of this process, served since :func:`run`; or end the process."""
    try:
        return _health.get(service) or start(service)
    except TocsinError as error:
        end_process(error)


def start(service: str, needs: Sequence[type[Group]] = ()) -> Health:
    """Validate settings, then serve metrics and health, once a process; raises
    :class:`TocsinError`. A service that was prepared before has begun already."""
    if service in _health:
        return _health[service]
    for number in (signal.SIGTERM, signal.SIGINT):
        # Until the worker runs, nothing is under way. As process 1 of a container, a process
        # without a handler would ignore the signal.
        signal.signal(number, lambda *_: os._exit(0))
    end_after((signal.SIGTERM, signal.SIGINT), STOP_WITHIN_S, 0)
    _health[service] = start_monitor(service, needs)[0]
    return _health[service]


class _Worker(faust.Worker):
    """Faust's worker, which ends in time whatever Kafka does."""

    def _install_signal_handlers_unix(self) -> None:
        super()._install_signal_handlers_unix()
        # Faust's own handlers wait for the event loop, which a model that loads may block.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_stop)
        # After the loop's own, which takes the place where signals are told first.
        end_after((signal.SIGTERM, signal.SIGINT), STOP_WITHIN_S, 0)

    def _on_stop(self, number: int, frame: FrameType | None) -> None:
        self.loop.call_soon_threadsafe(self._on_sigterm)


def run(app: faust.App) -> NoReturn:
    """Run a worker until SIGTERM; does not return. What is under way is read again.

    Raises :class:`TocsinError` where Faust ends because of Kafka.
    """
    worker = _Worker(
        app, loglevel="WARNING", quiet=True, redirect_stdouts=False, override_logging=False
    )
    worker.spinner = None  # It writes to the terminal even without one.
    try:
        worker.execute_from_commandline()
    except SystemExit:
        if (error := end_of(worker.crash_reason)) is not None:
            raise error from None
        raise


def end_of(crash: BaseException | None) -> TocsinError | None:
    """The sentence for what ended Faust, or None if it is a bug or no crash."""
    if isinstance(crash, UnsupportedCodecError):
        return ConfigurationError(unreadable_compression(crash))
    if isinstance(crash, KafkaError | OSError):
        return ServiceUnavailable(f"Kafka does not serve us ({told(crash)}); no record is lost")
    return crash if isinstance(crash, TocsinError) else None


def watch_group(
    app: DirectApp, kafka: KafkaSettings, service: str, topic: str, lag: Gauge
) -> Membership:
    """Report the place in the consumer group, and the lag of every partition."""
    health = monitor(service)
    membership = Membership(
        health, service, topic, lambda partition, count: lag.labels(str(partition)).set(count)
    )
    app.on_gap = membership.skipped
    watch_groups(kafka, topic, {service: membership}, health)
    return membership


def leave_if_stuck(
    kafka: KafkaSettings, topic: str, after_s: float, partitions: list[int]
) -> list[int]:
    """For the watchdog: asks Kafka first, since an expired partition only looks stuck."""
    if not partitions:
        why = f"no partition of {topic} for {after_s:.0f} s while messages wait"
        end_process(TocsinError(f"{why}; leaving the group, to join it anew"))
    try:
        stuck = with_messages(kafka, kafka.topic_prefix + topic, partitions)
    except TocsinError as error:
        end_process(error)
    if stuck:
        why = f"partitions {stuck} have lag and committed nothing for {after_s:.0f} s"
        end_process(TocsinError(f"{why}; leaving them to another process"))
    return partitions
