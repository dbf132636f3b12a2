"""``tocsin sink``: services that write mentions to a store, and deliver alerts to people."""

import typer

from tocsin.cli.lazy_commands import LazyCommand, LazyCommands

SINKS = {
    "elasticsearch": LazyCommand(
        "tocsin.cli.sink_elasticsearch:elasticsearch",
        "Write mentions, and the coverage of sources, to Elasticsearch until SIGTERM.",
    ),
    "alerts": LazyCommand(
        "tocsin.cli.sink_alerts:alerts",
        "Deliver alerts to the index and to the channels of TOCSIN_ALERTS_CHANNELS until SIGTERM.",
    ),
}


class _Sinks(LazyCommands):
    table = SINKS


app = typer.Typer(
    cls=_Sinks, no_args_is_help=True, help="Write mentions to Elasticsearch, or deliver alerts."
)
