"""``tocsin``: the table of commands; turns errors into one sentence and a status."""

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from runtime.limits.process_end import ends_after_interrupt
from schemas.errors import ServiceUnavailable, TocsinError
from tocsin.cli.lazy_commands import MARKUP, LazyCommand, LazyCommands

COMMANDS = {
    "demo": LazyCommand(
        "tocsin.cli.demo:demo",
        "Run a day of posts through the whole pipeline, print a summary, and serve the tower.",
    ),
    "up": LazyCommand(
        "tocsin.cli.up:up",
        "Start a stack and all services, show their status, and stop them on Ctrl-C.",
    ),
    "tower": LazyCommand(
        "tocsin.cli.tower:app",
        "Serve the control tower, the web application, until SIGTERM.",
    ),
    "env": LazyCommand(
        "tocsin.cli.env:env",
        "Print the addresses of the stack that `tocsin up` or `tocsin demo --keep` runs here.",
    ),
    "watch": LazyCommand(
        "tocsin.cli.watch:watch",
        "Show live posts of Bluesky that a query matches, without a key, a broker or an index.",
    ),
    "annotate": LazyCommand(
        "tocsin.cli.annotate:annotate",
        "Annotate posts of a file in the same way as the stream.",
    ),
    "match": LazyCommand(
        "tocsin.cli.match:match",
        "Print the ids of the posts that a query matches, one per line, in the order of the input.",
    ),
    "score-series": LazyCommand(
        "tocsin.cli.score_series:score_series",
        "Score a series of counts: how unusual each count is, and where an alert would open.",
    ),
    "detect": LazyCommand("tocsin.cli.score_series:score_series", renamed="score-series"),
    "doctor": LazyCommand(
        "tocsin.cli.doctor:doctor",
        "Check settings, servers, topics, services, lag, sources, brands, channels, models, disks.",
    ),
    "process": LazyCommand(
        "tocsin.cli.process:process",
        "Enrich posts until SIGTERM: read `posts`, write `mentions` and `activity`.",
    ),
    "backtest": LazyCommand(
        "tocsin.cli.backtest:backtest",
        "Run past mentions through the detector and show which alerts it would have raised.",
    ),
    "init": LazyCommand(
        "tocsin.cli.init:init",
        "Write a commented brands file for one brand; in a terminal it asks for the name.",
    ),
    "brands": LazyCommand(
        "tocsin.cli.brands:app", "Check, publish and list the brands to look for."
    ),
    "query": LazyCommand("tocsin.cli.query:app", "Work with brand queries (docs/queries.md)."),
    "topics": LazyCommand("tocsin.cli.topics:app", "Create and list the Kafka topics."),
    "index": LazyCommand("tocsin.cli.index:app", "Set up and clean the Elasticsearch indices."),
    "erase": LazyCommand(
        "tocsin.cli.erase:erase",
        "Erase all that an author wrote, in every place, or check what is left of it.",
    ),
    "ingest": LazyCommand(
        "tocsin.cli.ingest:app", "Read posts from a source and write them to Kafka."
    ),
    "detector": LazyCommand(
        "tocsin.cli.detector:app", "Detect crises until SIGTERM: read `activity`, write `alerts`."
    ),
    "sink": LazyCommand(
        "tocsin.cli.sink:app", "Write mentions to Elasticsearch, or deliver alerts."
    ),
    "alerts": LazyCommand(
        "tocsin.cli.alerts:app", "List alerts, and record what people do about them."
    ),
    "coverage": LazyCommand(
        "tocsin.cli.coverage:coverage",
        "Show when each source was heard, late, away, blind, or lost posts (docs/operations.md).",
    ),
    "report": LazyCommand(
        "tocsin.cli.report:report",
        "Make a report from the index; mail it, write it to a file, or print it.",
    ),
    "dead-letters": LazyCommand(
        "tocsin.cli.dead_letters:app", "Messages that could not be handled."
    ),
    "checkpoints": LazyCommand(
        "tocsin.cli.checkpoints:app", "List and reset the resume positions of sources."
    ),
}
"""Every command: where it is, and its line of ``tocsin --help`` (a test holds it against the
command's own help)."""

_INTERRUPTED_WITHIN_S = 2.0
"""After Ctrl-C a command may close its connections for so long."""


class _Commands(LazyCommands):
    table = COMMANDS

    # Typer itself would end with 1 when the reader of the output has gone ('| head').
    def make_context(self, *arguments: Any, **options: Any) -> Any:
        with _reader_may_go():
            return super().make_context(*arguments, **options)

    def invoke(self, context: Any) -> Any:
        with _reader_may_go():
            return super().invoke(context)


@contextlib.contextmanager
def _reader_may_go() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        _drop_output()
        raise typer.Exit(0) from None


def _drop_output() -> None:
    """Nobody reads it any more; what is written from now on, goes nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


app = typer.Typer(
    name="tocsin",
    cls=_Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=MARKUP,
    help="Streaming social listening: know within seconds what people say about your brands.",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        sys.stdout.write(f"tocsin {version('tocsin')}\n")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Settings come from the environment (TOCSIN_...); docs/settings.md lists them."""


def _refuse_unknown_settings() -> None:
    """A setting with a typing error in its name ends every command, also those that read none."""
    if {"--help", "-h", "--version"} & set(sys.argv[1:]):
        return  # help is at once, and there for whoever has a wrong setting
    if any(name.upper().startswith("TOCSIN_") for name in os.environ):
        from runtime.configuration.settings_group import (
            refuse_unknown_settings,  # takes a fifth of a second
        )

        refuse_unknown_settings()


def _tell(error: TocsinError) -> None:
    if os.environ.get("TOCSIN_LOG_STYLE") != "json":
        from text.terminal import printable_lines
        from tocsin.cli.output import console

        console.print(f"tocsin: {printable_lines(str(error))}", style="red", markup=False)
        if error.exit_status == ServiceUnavailable.exit_status:
            from tocsin.cli.env import hint

            if advice := hint(os.environ):
                console.print(advice, markup=False)
        return
    from runtime import logs

    logs.configure("json", "error")
    logs.get_logger("tocsin").error(str(error), status=error.exit_status)


def main() -> None:
    """Entry point; an error that a person can fix never shows a traceback."""
    try:
        try:
            with ends_after_interrupt(_INTERRUPTED_WITHIN_S):
                _refuse_unknown_settings()
                app()
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()  # what is still here may meet a reader that has gone
    except TocsinError as error:
        _tell(error)
        sys.exit(error.exit_status)
    except BrokenPipeError:
        _drop_output()
        sys.exit(0)
    except KeyboardInterrupt:
        sys.exit(130)
