"""``tocsin sink alerts``: alerts to the index and to people."""

from typing import Annotated

import typer

from runtime.kafka import client as kafka
from runtime.kafka.membership import watch_groups
from runtime.kafka.protocols import Producer
from runtime.service import announce, service
from runtime.settings import (
    AlertsSettings,
    ElasticsearchSettings,
    KafkaSettings,
    load,
)
from schemas.errors import ConfigurationError
from sinks.alerts import service as alerts_service
from sinks.alerts.channels.base import Channel
from sinks.alerts.channels.channels_file import load_channels
from sinks.alerts.deliveries import TOPIC as DELIVERIES
from sinks.alerts.deliveries import Deliveries
from sinks.alerts.store import Index
from sinks.alerts.workers import memberships, run_all
from sinks.elasticsearch.connection import connect
from sinks.elasticsearch.indices.mappings import IndexNames


def alerts(
    channel: Annotated[
        list[str] | None,
        typer.Option(help="Only this channel, such as index; may be repeated. The default is all."),
    ] = None,
) -> None:
    """Deliver alerts to the index and to the channels of TOCSIN_ALERTS_CHANNELS until SIGTERM.

    Example: `TOCSIN_ALERTS_CHANNELS=channels.yaml tocsin sink alerts`
    """
    settings, kafka_settings = load(AlertsSettings), load(KafkaSettings)
    es_settings = load(ElasticsearchSettings)
    configured = [] if settings.channels is None else load_channels(settings.channels, settings)
    channels: dict[str, Channel] = {each.name: each for each in configured}
    names = set(channels)
    indices = IndexNames(es_settings)
    index = Index(connect(es_settings), indices.alerts, indices.erasures)
    channels = {index.name: index, **channels}
    wanted = set(channel or channels)
    if missing := sorted(wanted - channels.keys()):
        raise ConfigurationError(
            f"there is no channel {missing[0]} in TOCSIN_ALERTS_CHANNELS; choose from "
            f"{', '.join(channels)}"
        )
    with service(alerts_service.SERVICE) as (health, stop):
        reading = f"{kafka_settings.topic_prefix}{alerts_service.TOPIC} as one group per channel"
        announce(health, reading=reading, writing=", ".join(sorted(wanted)))
        health.hinder("start", f"waiting for Kafka at {kafka_settings.bootstrap_servers}")
        kafka.check_topics(kafka_settings, (alerts_service.TOPIC, DELIVERIES))
        producer = kafka.producer(kafka_settings, alerts_service.SERVICE, linger_ms=0)
        workers = [
            _worker(each, kafka_settings, settings, producer, names)
            for name, each in channels.items()
            if name in wanted
        ]
        groups = memberships(workers, health)
        watch = watch_groups(kafka_settings, alerts_service.TOPIC, groups, health)
        try:
            run_all(workers, stop, health)
        finally:
            watch.stop()
            kafka.close(producer, timeout_s=2)


def _worker(
    channel: Channel,
    kafka_settings: KafkaSettings,
    settings: AlertsSettings,
    producer: Producer,
    configured: set[str],
) -> alerts_service.ChannelWorker:
    """A worker with its own connections; the index needs no deliveries, it orders states itself."""
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
            fetch_max_bytes=kafka.MAX_MESSAGE_BYTES,
        ),
        producer,
        deliveries,
        configured=configured,
        topic_prefix=prefix,
        settings=settings,
    )
