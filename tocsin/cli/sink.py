"""``tocsin sink``: services that write mentions to stores, and bring alerts to people."""

from typing import Annotated

import typer

from runtime.kafka import client as kafka
from runtime.kafka.protocols import Producer
from runtime.service import service
from runtime.settings import (
    AlertsSettings,
    ElasticsearchSettings,
    KafkaSettings,
    SinkSettings,
    load,
)
from schemas.errors import ConfigurationError
from sinks.alerts import service as alerts_service
from sinks.alerts.channels.base import Channel
from sinks.alerts.channels.channels_file import load_channels
from sinks.alerts.deliveries import TOPIC as DELIVERIES
from sinks.alerts.deliveries import Deliveries
from sinks.alerts.store import Index
from sinks.alerts.workers import run_all
from sinks.elasticsearch.connection import connect
from sinks.elasticsearch.mappings import IndexNames
from sinks.elasticsearch.setup import check
from sinks.elasticsearch.side_threads import Housekeeping, SearchableProbe
from sinks.elasticsearch.sink import GROUP, NAME, SERVICE, ElasticsearchSink

app = typer.Typer(no_args_is_help=True, help="Services that write to stores and to people.")


@app.command("elasticsearch")
def elasticsearch() -> None:
    """Write mentions to Elasticsearch until SIGTERM.

    Example: `TOCSIN_ELASTICSEARCH_URL=https://es:9200 tocsin sink elasticsearch`
    """
    kafka_settings, settings = load(KafkaSettings), load(SinkSettings)
    es_settings = load(ElasticsearchSettings)
    names = IndexNames(es_settings)
    with service(SERVICE) as (health, stop), connect(es_settings) as client:
        check(client, es_settings)
        probe = SearchableProbe(client, names, NAME)
        housekeeping = Housekeeping(client, names, settings.tombstone_days)
        producer = kafka.producer(kafka_settings, SERVICE)
        sink = ElasticsearchSink(
            kafka.consumer(
                kafka_settings,
                SERVICE,
                GROUP,
                max_poll_records=settings.batch_size,
                fetch_max_wait_ms=100,
            ),
            producer,
            client,
            names=names,
            topic_prefix=kafka_settings.topic_prefix,
            settings=settings,
            health=health,
            on_written=probe.sample,
        )
        probe.start()
        housekeeping.start()
        try:
            sink.run(stop)
        finally:
            probe.stop()
            housekeeping.stop()
            producer.close(timeout=5)


@app.command("alerts")
def alerts(
    channel: Annotated[
        list[str] | None,
        typer.Option(help="Only this channel (may be repeated); `index` is one too. All if none."),
    ] = None,
) -> None:
    """Bring alerts to the index and to the channels of TOCSIN_ALERTS_CHANNELS until SIGTERM.

    Example: `TOCSIN_ALERTS_CHANNELS=channels.yaml tocsin sink alerts`
    """
    settings, kafka_settings = load(AlertsSettings), load(KafkaSettings)
    es_settings = load(ElasticsearchSettings)
    configured = [] if settings.channels is None else load_channels(settings.channels, settings)
    names = {one.name for one in configured}
    everything = [Index(connect(es_settings), IndexNames(es_settings).alerts), *configured]
    wanted = set(channel or [one.name for one in everything])
    if missing := sorted(wanted - {one.name for one in everything}):
        raise ConfigurationError(
            f"there is no channel {missing[0]} in TOCSIN_ALERTS_CHANNELS; known are "
            f"{', '.join(one.name for one in everything)}"
        )
    kafka.check_topics(kafka_settings, (alerts_service.TOPIC, DELIVERIES))
    with service(alerts_service.SERVICE) as (health, stop):
        producer = kafka.producer(kafka_settings, alerts_service.SERVICE, linger_ms=0)
        workers = [
            _worker(one, kafka_settings, settings, producer, names)
            for one in everything
            if one.name in wanted
        ]
        try:
            run_all(workers, stop, health)
        finally:
            producer.close(timeout=5)


def _worker(
    channel: Channel,
    kafka_settings: KafkaSettings,
    settings: AlertsSettings,
    producer: Producer,
    configured: set[str],
) -> alerts_service.ChannelWorker:
    """A worker with connections of its own; the index orders states by itself."""
    prefix, client_id = kafka_settings.topic_prefix, f"{alerts_service.SERVICE}-{channel.name}"
    deliveries = None
    if not channel.takes_all:
        memory = kafka.consumer(kafka_settings, f"{client_id}-deliveries")
        with kafka.kafka_errors(kafka_settings):
            deliveries = Deliveries(memory, producer, prefix + DELIVERIES, channel.name)
    return alerts_service.ChannelWorker(
        channel,
        kafka.consumer(
            kafka_settings,
            client_id,
            alerts_service.group_of(channel.name),
            max_poll_records=100,
            fetch_max_wait_ms=100,
        ),
        producer,
        deliveries,
        configured=configured,
        topic_prefix=prefix,
        settings=settings,
    )
