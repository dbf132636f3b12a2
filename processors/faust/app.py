"""What our Faust applications share: how they connect, and the offsets that they are at.

Uses little of Faust: it declares no topics and has no tables and no web server.
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import faust
from faust.types.auth import CredentialsArg

from processors.faust.direct_delivery import DirectApp
from processors.faust.messages import Incoming, end_process
from processors.faust.watchdog import PartitionState
from runtime.health import Health
from runtime.kafka.client import MAX_MESSAGE_BYTES, sasl_login, tls_context
from runtime.kafka.reader import with_messages
from runtime.service import start_monitor
from runtime.settings import KafkaSettings
from schemas.errors import TocsinError


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
    kafka: KafkaSettings, service: str, batch_size: int, data_dir: Path | None = None
) -> faust.App:
    """The application of a service, without its agent; ``batch_size`` is that of one fetch."""
    return DirectApp(
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
        topic_allow_declare=False,
        topic_disable_leader=True,
        # Its web server would expose tables; ours serves metrics and health.
        web_enabled=False,
        store="memory://",
        datadir=str(data_dir or tempfile.mkdtemp(prefix=f"tocsin-{service}-")),
        worker_redirect_stdouts=False,
    )


def partition_states(app: faust.App) -> list[PartitionState]:
    consumer: Any = app.consumer
    states = []
    for tp in sorted(consumer.assignment(), key=lambda tp: tp.partition):
        # aiokafka knows the end from its last fetch; a negative end means none yet.
        end = consumer.highwater(tp)
        committed = consumer._committed_offset.get(tp)
        pending = len(consumer._acked_index.get(tp, ()))
        states.append(PartitionState(tp.partition, end, committed, pending))
    return states


def lag_of(states: Sequence[PartitionState]) -> int:
    """Consumer lag: messages up to the ends that are not committed."""
    return sum(
        max(0, state.end - (state.committed or 0))
        for state in states
        if state.end is not None and state.end >= 0 and state.committed is not None
    )


def acknowledge(events: Sequence[Any]) -> None:
    for event in events:
        event.ack()


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
    """Serve metrics and health, or end the process."""
    try:
        return start_monitor(service)[0]
    except TocsinError as error:
        end_process(error)


def leave_if_stuck(
    kafka: KafkaSettings, topic: str, after_s: float, partitions: list[int]
) -> list[int]:
    """For the watchdog: asks Kafka first, since an expired partition only looks stuck."""
    try:
        stuck = with_messages(kafka, kafka.topic_prefix + topic, partitions)
    except TocsinError as error:
        end_process(error)
    if stuck:
        why = f"partitions {stuck} have lag and committed nothing for {after_s:.0f} s"
        end_process(TocsinError(f"{why}; leaving them to another process"))
    return partitions
