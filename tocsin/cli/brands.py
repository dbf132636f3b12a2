"""``tocsin brands``: the brands that the processors look for."""

import typer

from tocsin.cli.lazy_commands import LazyCommand, LazyCommands

COMMANDS = {
    "check": LazyCommand(
        "tocsin.cli.brands_check:check",
        "Check a brands file: every mistake, every doubtful query, and what it finds in posts.",
    ),
    "diff": LazyCommand(
        "tocsin.cli.brands_apply:diff",
        "Print what `brands apply` would change: brands added, changed and removed, by field.",
    ),
    "apply": LazyCommand(
        "tocsin.cli.brands_apply:apply",
        "Publish a brands file; running processors follow within a few seconds.",
    ),
    "list": LazyCommand("tocsin.cli.brands_list:list_", "List the published brands."),
}
"""The commands, as in ``tocsin.cli.main``."""


class _Commands(LazyCommands):
    table = COMMANDS


app = typer.Typer(
    cls=_Commands, no_args_is_help=True, help="Check, publish and list the brands to look for."
)
