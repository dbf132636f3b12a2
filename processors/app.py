"""The Faust application: ``tocsin process``, or plainly ``faust -A processors.app worker``.

A thin shell. It reads batches of raw messages, hands them to :class:`processors.worker.Worker`
and acknowledges them, in order, once that returns. Settings are read here, once.
"""

import tempfile
from collections.abc import Sequence
from functools import partial
from typing import Any

import faust
from faust.types.auth import CredentialsArg

from processors.batch import SERVICE, Incoming
from processors.pipeline import check_annotators
from processors.watchdog import PartitionState, watch
from processors.worker import Worker, end_process
from runtime.dead_letters import TOPIC as DEAD_LETTERS
from runtime.dead_letters import replays_of
from runtime.errors import TocsinError
from runtime.health import Health
from runtime.kafka import (
    MAX_MESSAGE_BYTES,
    check_topics,
    sasl_login,
    tls_context,
    with_messages,
)
from runtime.service import start_monitor
from runtime.settings import KafkaSettings, MonitorSettings, ProcessSettings, load


def _credentials(kafka: KafkaSettings) -> CredentialsArg | None:
    context = tls_context(kafka)
    login = sasl_login(kafka)
    if login is not None:
        return faust.SASLCredentials(
            username=login[0],
            password=login[1],
            ssl_context=context,
            mechanism=kafka.sasl_mechanism,
        )
    return None if context is None else faust.SSLCredentials(context=context)


def create_app(kafka: KafkaSettings, settings: ProcessSettings) -> faust.App:
    """The application, without its agent."""
    return faust.App(
        kafka.group_prefix + SERVICE,
        broker=[f"kafka://{server}" for server in kafka.bootstrap_servers.split(",")],
        broker_credentials=_credentials(kafka),
        broker_commit_interval=1.0,
        # A killed process's partitions are given to another after this; the default is a minute.
        broker_session_timeout=15.0,
        broker_heartbeat_interval=3.0,
        broker_max_poll_records=settings.batch_size,
        broker_client_id="tocsin-process",
        consumer_auto_offset_reset="earliest",
        consumer_max_fetch_size=MAX_MESSAGE_BYTES,
        stream_buffer_maxsize=2 * settings.batch_size,
        topic_allow_declare=False,
        topic_disable_leader=True,
        # Its web server would serve tables to anybody; ours serves metrics and health.
        web_enabled=False,
        store="memory://",
        datadir=str(settings.data_dir or tempfile.mkdtemp(prefix="tocsin-process-")),
        worker_redirect_stdouts=False,
    )


def partition_states(app: faust.App) -> list[PartitionState]:
    """The offsets of the partitions that this process has now."""
    consumer: Any = app.consumer
    states = []
    for tp in sorted(consumer.assignment(), key=lambda tp: tp.partition):
        # aiokafka knows the end from its last fetch; a negative one means not fetched yet.
        end = consumer.highwater(tp)
        committed = consumer._committed_offset.get(tp)
        pending = len(consumer._acked_index.get(tp, ()))
        states.append(PartitionState(tp.partition, end, committed, pending))
    return states


_kafka = load(KafkaSettings)
_settings = load(ProcessSettings)
app = create_app(_kafka, _settings)
posts = app.topic(
    _kafka.topic_prefix + "posts",
    key_type=bytes,
    value_type=bytes,
    key_serializer="raw",
    value_serializer="raw",
)


def _acknowledge(events: Sequence[Any]) -> None:
    for event in events:
        event.ack()


def _incoming(event: Any) -> Incoming:
    message = event.message
    return Incoming(
        message.topic,
        message.partition,
        message.offset,
        message.key,
        message.value,
        replays_of(message.headers),
    )


def _stuck(partitions: list[int]) -> list[int]:
    """Called by the watchdog; asks Kafka first, since an expired partition only looks stuck."""
    try:
        stuck = with_messages(_kafka, _kafka.topic_prefix + "posts", partitions)
    except TocsinError as error:
        end_process(error)
    if stuck:
        why = (
            f"partitions {stuck} have lag and committed nothing for {_settings.stuck_after_s:.0f} s"
        )
        end_process(TocsinError(f"{why}; leaving them to another process"))
    return partitions


def _lag() -> int:
    """Messages behind the end of this process's partitions that it has not committed."""
    if app.consumer is None:
        return 0
    return sum(
        max(0, state.end - (state.committed or 0))
        for state in partition_states(app)
        if state.end is not None and state.end >= 0 and state.committed is not None
    )


def _monitor() -> Health:
    try:
        return start_monitor(SERVICE)[0]
    except TocsinError as error:
        end_process(error)


@app.agent(posts)
async def enrich(stream: Any) -> None:
    """Read batches; acknowledge each once all that it came to is delivered."""
    try:
        await _work(stream, Worker(_kafka, _settings, _monitor(), _lag))
    except Exception as error:  # noqa: BLE001
        # Left to itself, Faust would log this and go on without an agent, or acknowledge.
        end_process(error)


async def _work(stream: Any, worker: Worker) -> None:
    watch(
        lambda: partition_states(app),
        lambda: worker.holding,
        _stuck,
        _settings.stuck_after_s,
    )
    await worker.start()
    async for events in stream.noack_take(_settings.batch_size, within=_settings.batch_within_s):
        await worker.take([_incoming(event) for event in events], partial(_acknowledge, events))
    await worker.stop()


def main() -> None:
    """Run a worker until SIGTERM; does not return."""
    load(MonitorSettings)
    # Told in a sentence here, before Faust tells it in a traceback.
    check_annotators(_settings)
    check_topics(_kafka, ("posts", "mentions", "activity", DEAD_LETTERS, "brands"))
    worker = faust.Worker(app, loglevel="WARNING", quiet=True, redirect_stdouts=False)
    worker.spinner = None  # it writes to the terminal even where there is none
    worker.execute_from_commandline()


if __name__ == "__main__":
    main()
