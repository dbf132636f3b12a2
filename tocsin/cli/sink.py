"""``tocsin sink``: services that write mentions to stores."""

import typer

from runtime import kafka
from runtime.service import service
from runtime.settings import ElasticsearchSettings, KafkaSettings, SinkSettings, load
from sinks.elasticsearch.client import connect
from sinks.elasticsearch.housekeeping import Housekeeping
from sinks.elasticsearch.indices import Names
from sinks.elasticsearch.probe import SearchableProbe
from sinks.elasticsearch.service import GROUP, NAME, SERVICE, ElasticsearchSink
from sinks.elasticsearch.setup import check

app = typer.Typer(no_args_is_help=True, help="Services that write mentions to stores.")


@app.callback()
def _sinks() -> None:
    """Keeps ``sink`` a group while it has one command."""


@app.command("elasticsearch")
def elasticsearch() -> None:
    """Write mentions to Elasticsearch until SIGTERM.

    Example: `TOCSIN_ELASTICSEARCH_URL=https://es:9200 tocsin sink elasticsearch`
    """
    kafka_settings, settings = load(KafkaSettings), load(SinkSettings)
    es_settings = load(ElasticsearchSettings)
    names = Names(es_settings)
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
