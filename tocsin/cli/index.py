"""``tocsin index``: the Elasticsearch indices."""

import typer

from runtime.clock import utc_now
from tocsin.cli.erase import erase
from tocsin.cli.output import counted, say

app = typer.Typer(no_args_is_help=True, help="Set up and clean the Elasticsearch indices.")


@app.command("setup")
def setup() -> None:
    """Create or migrate templates, aliases and indices. You can repeat it safely.

    Example: `TOCSIN_ELASTICSEARCH_REPLICAS=1 tocsin index setup`
    """
    from runtime.settings import ElasticsearchSettings, load
    from sinks.elasticsearch.connection import connect
    from sinks.elasticsearch.indices.setup import setup as setup_indices

    settings = load(ElasticsearchSettings)
    with connect(settings) as client:
        setup_indices(client, settings, say)


@app.command("purge")
def purge() -> None:
    """Delete old tombstones (TOCSIN_SINK_TOMBSTONE_DAYS), and posts whose time is over.

    The sink does the first hourly, the second every ten minutes.

    Example: `tocsin index purge`
    """
    from runtime.settings import ElasticsearchSettings, SinkSettings, load
    from sinks.elasticsearch import retention
    from sinks.elasticsearch.connection import connect, elasticsearch_errors
    from sinks.elasticsearch.indices.mappings import IndexNames

    settings, sink = load(ElasticsearchSettings), load(SinkSettings)
    with connect(settings) as client, elasticsearch_errors(settings):
        names, now = IndexNames(settings), utc_now()
        purged = retention.purge(client, names, now, sink.tombstone_days)
        expired = retention.purge_expired(client, names, now, pages=None)
    say(f"{counted(purged, 'tombstone')} and {counted(expired, 'expired post')} deleted")


app.command("erase", hidden=True)(erase)
