"""``tocsin detector``: the crisis detector of the stream, and the rebuild of its state."""

from datetime import timedelta
from functools import partial
from typing import Annotated

import typer

from runtime.clock import utc_now
from schemas.errors import ConfigurationError
from tocsin.cli.confirm import YesOption, confirm
from tocsin.cli.output import counted, say

app = typer.Typer(invoke_without_command=True)


@app.callback()
def detector(context: typer.Context) -> None:
    """Detect crises until SIGTERM: read `activity`, write `alerts`.

    One process serves many brands; start up to one per partition of the topic. A restart resumes
    from the snapshots on `detector-state`, and counts what is newer again from `activity`.

    Example: `TOCSIN_MONITOR_PORT=0 tocsin detector`
    """
    if context.invoked_subcommand is not None:
        return
    from processors.detector.app import main  # Faust takes a second to import

    main()


@app.command("rebuild")
def rebuild(
    brand: Annotated[
        list[str] | None,
        typer.Option(help="A brand id; may be repeated. The default is all."),
    ] = None,
    days: Annotated[int, typer.Option(min=1, help="Days of the index to read.")] = 28,
    yes: YesOption = False,
) -> None:
    """Rebuild detector state from the index and from `activity`. Stop the detector first.

    Use it after a loss of `detector-state`, or to learn the past of a new brand. It replaces the
    present state, so it asks first, or needs --yes where nobody can answer.

    Example: `tocsin detector rebuild --brand velmora --yes`
    """
    from brands.registry import current_brands, decoded_brands
    from runtime.settings import ElasticsearchSettings, KafkaSettings, load
    from tocsin.offline.rebuild import rebuild as states_of
    from tocsin.offline.rebuild import write
    from tower.desk.activity_history import records_of_index

    settings, now = load(KafkaSettings), utc_now()
    brands = decoded_brands(current_brands(settings))
    unknown = sorted(set(brand or ()) - brands.keys())
    if unknown:
        raise ConfigurationError(f"there is no brand {unknown[0]}; see 'tocsin brands list'")
    named = ", ".join(sorted(brand or ())) or counted(len(brands), "brand")
    confirm(f"Replace the detector state of {named}?", yes)
    history = partial(records_of_index, load(ElasticsearchSettings))
    detectors, from_index, from_kafka = states_of(
        settings, brands, sorted(brand or brands), history, timedelta(days=days), now
    )
    written = write(settings, detectors.snapshots(now))
    say(f"{written} states: {from_index} records of the index, {from_kafka} of activity")
