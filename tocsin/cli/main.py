"""``tocsin``: puts the commands together, and turns errors into one sentence and a status."""

import functools
import os
import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer

from runtime.service import VERSION
from schemas.errors import TocsinError
from tocsin.cli import (
    alerts,
    annotate,
    backtest,
    brands,
    checkpoints,
    dead_letters,
    demo,
    detector,
    doctor,
    index,
    ingest,
    match,
    query,
    score_series,
    sink,
    topics,
    up,
    watch,
)
from tocsin.cli.output import console

app = typer.Typer(
    name="tocsin",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="Streaming social listening: know within seconds what people say about your brands.",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def renamed(name: str, command: Callable[..., None]) -> Callable[..., None]:
    """A command under its old name: it prints the new name, then runs."""

    @functools.wraps(command)
    def run(*arguments: Any, **options: Any) -> None:
        console.print(f"this command is now 'tocsin {name}'; 0.3.0 removes the old name")
        command(*arguments, **options)

    return run


def _version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"tocsin {VERSION}\n")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Settings come from the environment (TOCSIN_...); docs/settings.md lists them."""


def process() -> None:
    """Enrich posts until SIGTERM: read `posts`, write `mentions` and `activity`.

    One process uses one core. Start up to one per partition of the topic, on any machine; Kafka
    shares the work among them.

    Example: `TOCSIN_MONITOR_PORT=0 tocsin process`
    """
    from processors.enrichment.app import main  # spaCy and Faust take seconds to import

    main()


app.command("demo")(demo.demo)
app.command("up")(up.up)
app.command("watch")(watch.watch)
app.command("annotate")(annotate.annotate)
app.command("match")(match.match)
app.command("score-series")(score_series.score_series)
app.command("detect", hidden=True)(renamed("score-series", score_series.score_series))
app.command("doctor")(doctor.doctor)
app.add_typer(brands.app, name="brands")
app.add_typer(query.app, name="query")
app.add_typer(topics.app, name="topics")
app.add_typer(index.app, name="index")
app.add_typer(ingest.app, name="ingest")
app.command("process")(process)
app.command("backtest")(backtest.backtest)
app.add_typer(detector.app, name="detector")
app.add_typer(sink.app, name="sink")
app.add_typer(alerts.app, name="alerts")
app.add_typer(dead_letters.app, name="dead-letters")
app.add_typer(checkpoints.app, name="checkpoints")


def _refuse_unknown_settings() -> None:
    """A setting with a typing error in its name ends every command, also those that read none."""
    if any(name.upper().startswith("TOCSIN_") for name in os.environ):
        from runtime.settings_group import refuse_unknown_settings  # takes a fifth of a second

        refuse_unknown_settings()


def _tell(error: TocsinError) -> None:
    if os.environ.get("TOCSIN_LOG_STYLE") != "json":
        console.print(f"tocsin: {error}", style="red", markup=False)
        return
    from runtime import logs

    logs.configure("json", "error")
    logs.get_logger("tocsin").error(str(error), status=error.exit_status)


def main() -> None:
    """Entry point; an error that a person can fix never shows a traceback."""
    try:
        _refuse_unknown_settings()
        app()
    except TocsinError as error:
        _tell(error)
        sys.exit(error.exit_status)
    except BrokenPipeError:
        # The reader of our output has gone ('| head').
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except KeyboardInterrupt:
        sys.exit(130)
