"""``tocsin brands``: the brands that the processors look for."""

from pathlib import Path
from typing import Annotated

import typer

from tocsin.cli.output import result, say

app = typer.Typer(no_args_is_help=True, help="Publish and list the brands that are looked for.")


@app.command("apply")
def apply(
    file: Annotated[Path, typer.Argument(help="A brands file (docs/brands.md).")],
    keep_others: Annotated[
        bool, typer.Option(help="Keep brands that the file does not name.")
    ] = False,
    if_none: Annotated[
        bool, typer.Option(help="Only if no brands are published yet, for a first set-up.")
    ] = False,
) -> None:
    """Publish a brands file; running processors follow within a few seconds.

    Example: `tocsin brands apply brands.yaml`
    """
    from brands.brands_file import load_brands
    from brands.registry import current_brands, publish_brands
    from runtime.settings import KafkaSettings, load

    brands = load_brands(file)
    if if_none and current_brands(load(KafkaSettings)):
        say("brands are published already; nothing was changed")
        return
    changed, gone = publish_brands(load(KafkaSettings), brands, keep_others)
    say(f"{len(brands)} brands: {changed} new or changed, {gone} removed")


@app.command("list")
def list_() -> None:
    """Print the published brands, one JSON object per line.

    Example: `tocsin brands list`
    """
    from brands.registry import current_brands
    from runtime.settings import KafkaSettings, load

    for _, value in sorted(current_brands(load(KafkaSettings)).items()):
        result(value.decode())
