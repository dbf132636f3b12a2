"""``tocsin ingest``: services that read a platform and write to Kafka."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from brands.registry import current_brands, decoded_brands
from ingestors.checkpoints import load_checkpoint
from ingestors.runner import Runner
from ingestors.source import Source
from runtime.kafka import client as kafka
from runtime.service import service
from runtime.settings import IngestSettings, KafkaSettings, load
from schemas.brand import Brand
from schemas.errors import ConfigurationError
from tocsin.cli.output import say

app = typer.Typer(no_args_is_help=True, help="Services that read a platform and write to Kafka.")

_A_DAY_S = 86_400.0
PaceOption = Annotated[
    float | None,
    typer.Option(min=0.001, help="1 is the original pace, 60 a minute a second; none: at once."),
]


AfreshOption = Annotated[
    bool, typer.Option("--afresh", help="Begin at the beginning, whatever the checkpoint says.")
]


def run_source(source: Source, settings: IngestSettings, afresh: bool = False) -> None:
    """Run one source as a service, from its checkpoint on."""
    kafka_settings = load(KafkaSettings)
    with service("ingest") as (health, stop):
        checkpoint = None if afresh else load_checkpoint(kafka_settings, source.source_id)
        # A broker that is away holds the source back; it does not make us lose what was read.
        producer = kafka.producer(
            kafka_settings, "ingest", delivery_timeout_s=_A_DAY_S, max_block_ms=10_000
        )
        runner = Runner(
            source,
            producer,
            topic_prefix=kafka_settings.topic_prefix,
            settings=settings,
            health=health,
        )
        try:
            runner.run(stop, checkpoint)
        finally:
            producer.close(timeout=1)


@app.command("replay")
def replay(
    file: Annotated[str, typer.Argument(help="JSON lines or CSV, plain or .gz; - for stdin.")],
    mapping: Annotated[
        str | None, typer.Option(help="Mapping of its fields: a YAML file, or a name of ours.")
    ] = None,
    pace: PaceOption = None,
    redate: Annotated[
        str | None,
        typer.Option(help="Shift all times so that the first (start) or last (end) post is now."),
    ] = None,
    sort: Annotated[bool, typer.Option(help="Bring the file into time order first.")] = False,
    source: Annotated[str, typer.Option(help="Source of posts that do not name theirs.")] = "file",
    afresh: AfreshOption = False,
) -> None:
    """Replay a file; a restart goes on where it stopped.

    Example: `tocsin ingest replay tweets.csv.gz --mapping my.yaml --pace 60 --redate start`
    """
    from ingestors.files.source import ReplaySource

    if redate not in (None, "start", "end"):
        raise ConfigurationError(f"--redate is {redate!r}; write start or end")
    shift: Literal["start", "end"] | None = redate  # type: ignore[assignment]
    run_source(
        ReplaySource(
            file, mapping=mapping, pace=pace, redate=shift, sort=sort, default_source=source
        ),
        load(IngestSettings),
        afresh,
    )


@app.command("generate")
def generate(
    posts: Annotated[int, typer.Option(min=1, help="Posts of the day.")] = 20_000,
    seed: Annotated[int, typer.Option(help="The same seed makes the same day.")] = 1,
    start: Annotated[
        datetime | None, typer.Option(help="When the day begins (UTC); near now if not given.")
    ] = None,
    pace: PaceOption = None,
    afresh: AfreshOption = False,
) -> None:
    """Invent a day of posts about invented brands (docs/replay.md).

    Example: `tocsin ingest generate --posts 100000 --pace 600`
    """
    from ingestors.generator.source import GeneratorSource

    begins = None if start is None else start.replace(tzinfo=UTC)
    source = GeneratorSource(seed=seed, posts=posts, start=begins, pace=pace)
    run_source(source, load(IngestSettings), afresh)


@app.command("bluesky")
def bluesky() -> None:
    """Read all public posts of Bluesky from Jetstream; needs no key.

    Example: `tocsin ingest bluesky`
    """
    from ingestors.bluesky.source import BlueskySource, JetstreamOptions

    settings = load(IngestSettings)
    run_source(BlueskySource(JetstreamOptions.of(settings)), settings)


@app.command("x")
def x(
    brands: Annotated[
        Path | None, typer.Option(help="Brands to ask for; those of the topic if not given.")
    ] = None,
) -> None:
    """Read X's filtered stream; its rules are made to ask for the brands, and no others.

    Example: `TOCSIN_INGEST_X_BEARER_TOKEN_FILE=token tocsin ingest x`
    """
    from brands.brands_file import load_brands
    from ingestors.x.rules import compiled, rules_for
    from ingestors.x.source import XSource
    from ingestors.x.stream import XOptions

    settings = load(IngestSettings)
    wanted = load_brands(brands) if brands else _published_brands()
    rules = rules_for(wanted)
    for brand in wanted:
        for note in compiled(brand).lost:
            say(f"{brand.id}: X may not send all of {note.clause}: {note.how}, {note.why}")
    options = XOptions(
        url=settings.x_url,
        backfill_minutes=settings.x_backfill_minutes,
        keep_alive_timeout_s=settings.x_keep_alive_timeout_s,
    )
    run_source(XSource(settings.x_bearer_token, rules, options), settings)


def _published_brands() -> list[Brand]:
    brands = decoded_brands(current_brands(load(KafkaSettings)))
    if not brands:
        raise ConfigurationError("there are no brands to ask for; run 'tocsin brands apply' first")
    return list(brands.values())
