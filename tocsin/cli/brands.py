"""``tocsin brands``: what the processors listen for."""

from pathlib import Path
from typing import Annotated

import typer
from kafka.errors import KafkaError

from brands.brands_file import load_brands
from runtime.kafka import client as kafka
from runtime.settings import KafkaSettings, load
from schemas.brand import Brand
from schemas.codec import BRAND
from schemas.errors import ServiceUnavailable
from tocsin.cli.output import result, say

app = typer.Typer(no_args_is_help=True, help="The brands that are listened for.")
TOPIC = "brands"


def current_brands(settings: KafkaSettings) -> dict[str, bytes]:
    """The brands topic as it is now: brand id to the encoded brand."""
    found = kafka.latest_values(settings, "brands", TOPIC)
    return {(key or b"").decode("utf-8", "replace"): value for key, value in found.items()}


def publish(settings: KafkaSettings, brands: list[Brand], keep_others: bool) -> tuple[int, int]:
    """Make the topic say what ``brands`` says; returns how many changed and how many went."""
    present = current_brands(settings)
    changed = {
        brand.id: encoded
        for brand in brands
        if present.get(brand.id) != (encoded := BRAND.encode(brand))
    }
    gone = set() if keep_others else present.keys() - {brand.id for brand in brands}
    producer = kafka.producer(settings, "brands", delivery_timeout_s=30)
    topic = settings.topic_prefix + TOPIC
    try:
        futures = [
            producer.send(topic, key=name.encode(), value=value) for name, value in changed.items()
        ]
        futures += [producer.send(topic, key=name.encode(), value=None) for name in sorted(gone)]
        for future in futures:
            future.get(timeout=30)
    except KafkaError as error:
        raise ServiceUnavailable(f"Kafka did not take the brands ({error!r}); try again") from None
    finally:
        producer.close(timeout=5)
    return len(changed), len(gone)


@app.command("apply")
def apply(
    file: Annotated[Path, typer.Argument(help="The brands file (docs/brands.md).")],
    keep_others: Annotated[
        bool, typer.Option(help="Keep listening for brands that the file does not name.")
    ] = False,
    if_none: Annotated[
        bool, typer.Option(help="Only if none are published yet; for a first set-up.")
    ] = False,
) -> None:
    """Publish a brands file; running processors follow within a few seconds.

    Example: `tocsin brands apply brands.yaml`
    """
    brands = load_brands(file)
    if if_none and current_brands(load(KafkaSettings)):
        say("there are brands already; they stay as they are")
        return
    changed, gone = publish(load(KafkaSettings), brands, keep_others)
    say(f"{len(brands)} brands: {changed} new or changed, {gone} taken away")


@app.command("list")
def list_() -> None:
    """Print the brands that are listened for now, one JSON object a line.

    Example: `tocsin brands list`
    """
    for _, value in sorted(current_brands(load(KafkaSettings)).items()):
        result(value.decode())
