"""``tocsin query``: check, explain, compile, price and preview brand queries."""

import typer

from tocsin.cli.lazy_commands import LazyCommand, LazyCommands

QUERY_COMMANDS = {
    "lint": LazyCommand(
        "tocsin.cli.query_lint:lint",
        "Print errors and doubtful parts of a query; the exit status is 1 if there are any.",
    ),
    "explain": LazyCommand(
        "tocsin.cli.query_explain:explain",
        "Print a query in its canonical form, then explain it clause by clause.",
    ),
    "compile": LazyCommand(
        "tocsin.cli.query_rules:compile_",
        "Compile a query to a filter of Elasticsearch, a search in Kibana, or rules of X.",
    ),
    "cost": LazyCommand(
        "tocsin.cli.query_rules:cost_",
        "Estimate from a sample how many posts X would send per day and what they cost per month.",
    ),
    "preview": LazyCommand(
        "tocsin.cli.preview:preview_",
        "Show what a query finds: how many posts, when, in which languages, and some examples.",
    ),
}


class _QueryCommands(LazyCommands):
    table = QUERY_COMMANDS


app = typer.Typer(
    cls=_QueryCommands,
    no_args_is_help=True,
    help="Work with brand queries (docs/queries.md).",
)
