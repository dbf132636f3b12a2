"""``tocsin index``: the Elasticsearch indices."""

import sys
from typing import Annotated

import typer

from runtime.clock import utc_now
from tocsin.cli.confirm import YesOption, confirm
from tocsin.cli.output import counted, say

app = typer.Typer(no_args_is_help=True, help="Set up and clean the Elasticsearch indices.")


@app.command("setup")
def setup() -> None:
    """Create or migrate templates, aliases and indices. You can repeat it safely.

    Example: `TOCSIN_ELASTICSEARCH_REPLICAS=1 tocsin index setup`
    """
    from runtime.settings import ElasticsearchSettings, load
    from sinks.elasticsearch.connection import connect
    from sinks.elasticsearch.setup import setup as setup_indices

    settings = load(ElasticsearchSettings)
    with connect(settings) as client:
        setup_indices(client, settings, say)


@app.command("purge")
def purge() -> None:
    """Delete tombstones older than TOCSIN_SINK_TOMBSTONE_DAYS. The sink does this hourly.

    Example: `tocsin index purge`
    """
    from runtime.settings import ElasticsearchSettings, SinkSettings, load
    from sinks.elasticsearch import erasure
    from sinks.elasticsearch.connection import connect, elasticsearch_errors
    from sinks.elasticsearch.mappings import IndexNames

    settings, sink = load(ElasticsearchSettings), load(SinkSettings)
    with connect(settings) as client, elasticsearch_errors(settings):
        purged = erasure.purge(client, IndexNames(settings), utc_now(), sink.tombstone_days)
    say(f"{counted(purged, 'tombstone')} deleted")


@app.command("erase")
def erase(
    source: Annotated[str, typer.Argument(help="The platform, such as bluesky.")],
    author_id: Annotated[str, typer.Argument(help="The author's id there.")],
    yes: YesOption = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say how many posts it would erase.")
    ] = False,
) -> None:
    """Erase all posts of an author for good, indexed or still in the topics.

    It asks first, or needs --yes where nobody can answer. The exit status is 1 if the index has no
    post of the author; later posts from the topics are erased all the same.

    Example: `tocsin index erase bluesky did:plc:abc123`
    """
    from runtime.settings import ElasticsearchSettings, load
    from sinks.elasticsearch import erasure
    from sinks.elasticsearch.connection import connect, elasticsearch_errors
    from sinks.elasticsearch.mappings import IndexNames

    settings, now = load(ElasticsearchSettings), utc_now()
    version = int(now.timestamp() * 1_000_000)
    names = IndexNames(settings)
    with connect(settings) as client, elasticsearch_errors(settings):
        author = erasure.Erasure(source, author_id, version)
        found = erasure.count(client, names, author)
        if dry_run:
            say(f"{_matched(found)}; nothing is erased")
        else:
            confirm(f"{_matched(found)}: erase what {author_id} of {source} wrote, for good?", yes)
            erasure.remember(client, names, author, now)
            erased = erasure.erase(client, names, author, now)
            say(f"{counted(erased, 'post')} erased" if found or erased else _matched(0))
    if not found:
        sys.exit(1)


def _matched(count: int) -> str:
    return f"{count:,} {'post matches' if count == 1 else 'posts match'}"
