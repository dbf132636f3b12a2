"""``tocsin detector``: the crisis detector of the stream, and its states made anew."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Annotated

import typer

from brands.registry import current_brands, decoded_brands
from runtime.clock import utc_now
from runtime.settings import ElasticsearchSettings, KafkaSettings, load
from schemas.activity import Activity
from schemas.errors import ConfigurationError
from tocsin.cli.output import say

app = typer.Typer(invoke_without_command=True)


@app.callback()
def detector(context: typer.Context) -> None:
    """Detect crises: read `activity`, write `alerts`, until SIGTERM.

    One process serves many brands; start more up to the partitions of the topic. What it knows is
    kept on `detector-state`, so that a restart goes on where it was; what is missing there is
    counted again from `activity`, as far as that goes back.

    Example: `TOCSIN_MONITOR_PORT=0 tocsin detector`
    """
    if context.invoked_subcommand is not None:
        return
    from processors.detector.app import main  # Faust takes a second; other commands do without

    main()


@app.command("rebuild")
def rebuild(
    brand: Annotated[
        list[str] | None, typer.Option(help="Id of a brand; may be repeated. All if not given.")
    ] = None,
    days: Annotated[int, typer.Option(min=1, help="Days of the index that are read.")] = 28,
) -> None:
    """Make the states of brands anew from the index and from `activity`. Stop the detector first.

    For what `activity` no longer holds: after a loss of `detector-state`, or to have a new brand's
    past in its state. The states that are there are replaced.

    Example: `tocsin detector rebuild --brand velmora`
    """
    from tocsin.offline.rebuild import rebuild as states_of
    from tocsin.offline.rebuild import write

    settings, now = load(KafkaSettings), utc_now()
    brands = decoded_brands(current_brands(settings))
    unknown = sorted(set(brand or ()) - brands.keys())
    if unknown:
        raise ConfigurationError(f"there is no brand {unknown[0]}; see 'tocsin brands list'")
    desk, of_index, of_kafka = states_of(
        settings, brands, sorted(brand or brands), _of_index, timedelta(days=days), now
    )
    written = write(settings, desk.snapshots(now))
    say(f"{written} states: {of_index} records of the index, {of_kafka} of activity")


def _of_index(brand: str, first: datetime, end: datetime) -> Iterator[Activity]:
    from tocsin.offline.activity_history import records_of_index

    yield from records_of_index(load(ElasticsearchSettings), brand, first, end)
