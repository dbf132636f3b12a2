"""``tocsin sink elasticsearch``: mentions to the index."""

from threading import Event

from runtime.health import Health
from runtime.kafka import client as kafka
from runtime.kafka.dead_letters import TOPIC as DEAD_LETTERS
from runtime.kafka.membership import watch_groups
from runtime.service import announce, service
from runtime.settings import (
    ElasticsearchSettings,
    KafkaSettings,
    SinkSettings,
    load,
)
from sinks.elasticsearch.connection import connect
from sinks.elasticsearch.coverage import coverage_sink
from sinks.elasticsearch.coverage.coverage_sink import CoverageSink, CoverageThread
from sinks.elasticsearch.indices.mappings import IndexNames
from sinks.elasticsearch.indices.setup import check
from sinks.elasticsearch.side_threads import Housekeeping, SearchableProbe
from sinks.elasticsearch.sink import GROUP, NAME, SERVICE, TOPIC, ElasticsearchSink

_COVERAGE_S = 1.0


def elasticsearch() -> None:
    """Write mentions, and the coverage of sources, to Elasticsearch until SIGTERM.

    Example: `TOCSIN_ELASTICSEARCH_URL=https://es:9200 tocsin sink elasticsearch`
    """
    needs = (KafkaSettings, SinkSettings, ElasticsearchSettings)
    with service(SERVICE, needs) as (health, stop):
        _run_elasticsearch(health, stop)


def _run_elasticsearch(health: Health, stop: Event) -> None:
    kafka_settings, settings = load(KafkaSettings), load(SinkSettings)
    es_settings = load(ElasticsearchSettings)
    names, prefix = IndexNames(es_settings), kafka_settings.group_prefix
    reading = f"{kafka_settings.topic_prefix}{TOPIC} as group {prefix}{GROUP}"
    announce(health, reading=reading, writing=es_settings.url)
    with connect(es_settings) as client:
        health.hinder("start", f"waiting for Elasticsearch at {es_settings.url}")
        check(client, es_settings)
        health.hinder("start", f"waiting for Kafka at {kafka_settings.bootstrap_servers}")
        kafka.check_topics(kafka_settings, (TOPIC, coverage_sink.TOPIC, DEAD_LETTERS))
        probe = SearchableProbe(client, names, NAME)
        producer = kafka.producer(kafka_settings, SERVICE)
        sink = ElasticsearchSink(
            kafka.consumer(
                kafka_settings,
                SERVICE,
                GROUP,
                max_poll_records=settings.batch_size,
                # At most this many bytes from one broker, as they are compressed in Kafka.
                fetch_max_bytes=max(settings.batch_bytes, kafka.MAX_MESSAGE_BYTES),
            ),
            producer,
            client,
            names=names,
            topic_prefix=kafka_settings.topic_prefix,
            settings=settings,
            health=health,
            on_written=probe.sample,
        )
        housekeeping = Housekeeping(
            client,
            names,
            settings.tombstone_days,
            snapshot_days=settings.snapshot_days,
            expunge_hours=settings.expunge_hours,
            coverage_days=settings.coverage_days,
            leads=lambda: sink.leads,
        )
        coverage = CoverageThread(
            lambda: CoverageSink(
                kafka.consumer(kafka_settings, coverage_sink.GROUP, coverage_sink.GROUP),
                producer,
                client,
                names=names,
                topic_prefix=kafka_settings.topic_prefix,
                settings=settings,
                health=health,
            ),
            health,
        )
        probe.start()
        housekeeping.start()
        coverage.start()
        watch = watch_groups(kafka_settings, TOPIC, {GROUP: sink.membership}, health)
        try:
            sink.run(stop)
        finally:
            for side in (probe, housekeeping, watch):
                side.stop()
            coverage.stop(_COVERAGE_S)
            kafka.close(producer, timeout_s=2)
