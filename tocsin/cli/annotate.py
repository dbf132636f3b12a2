"""``tocsin annotate``: the stream's enrichment over files, without a broker."""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Final, TypeAlias

import msgspec
import typer
from rich.progress import Progress

from brands.brand_matcher import BrandMatcher
from brands.brands_file import load_brands
from processors.enrichment.annotator_table import build_enricher
from processors.enrichment.enricher import Enricher
from runtime.clock import utc_now
from runtime.settings import ProcessSettings, load
from schemas.codec import MENTION_EVENT
from schemas.errors import ConfigurationError
from schemas.mention import Mention, MentionUpsert
from schemas.post import PostEvent
from schemas.types import Tier
from text.terminal import safe_json_bytes
from tocsin.cli.output import FormatOption, console, counted, report, write_rows
from tocsin.cli.query_options import EncodingOption, MappingOption, PostsArgument, posts_of
from tocsin.cli.row_writers import Row
from tocsin.offline.post_reader import LineFields

_CHUNK = 1_000
_encode = msgspec.json.Encoder().encode


COLUMNS: Final = (
    "id", "key", "created_at", "source", "author", "text", "url", "language", "brands", "sentiment",
    "sentiment_score", "emotion", "aspects", "intents", "entities", "hashtags",
)  # fmt: skip
"""The cells of ``--format csv`` and its like; JSON lines have every annotation."""
_Line: TypeAlias = tuple[PostEvent, LineFields]


def _chunks(lines: Iterable[_Line]) -> Iterator[dict[str, _Line]]:
    """Lines in chunks, by the id of their post; a repeated id begins another chunk."""
    chunk: dict[str, _Line] = {}
    for event, fields in lines:
        if len(chunk) == _CHUNK or event.id in chunk:
            yield chunk
            chunk = {}
        chunk[event.id] = event, fields
    if chunk:
        yield chunk


def _flat(mention: Mention, id_: str | int) -> dict[str, Any]:
    """One line of output, with every annotation, empty ones too."""
    fields = msgspec.structs.asdict(mention)
    # ``key`` is the id in Kafka and in the index. The order of the first fields is documented.
    key = fields.pop("post").id
    first = {name: fields[name] for name in ("language", "brands", "sentiment")}
    return {"id": id_, "key": key, **first, **fields}


def _row(mention: Mention, id_: str | int) -> Row:
    """The annotations that fit into cells."""
    post, language, sentiment = mention.post, mention.language, mention.sentiment
    return (
        id_,
        post.id,
        post.created_at,
        post.source,
        post.author.handle or post.author.name or post.author.id,
        post.text,
        post.url,
        language.code if language else None,
        [brand.id for brand in mention.brands],
        sentiment.label if sentiment else None,
        sentiment.score if sentiment else None,
        mention.emotion.label if mention.emotion else None,
        list(dict.fromkeys(aspect.label for aspect in mention.aspects)),
        list(mention.intents),
        list(dict.fromkeys(entity.name or entity.text for entity in mention.entities)),
        post.hashtags,
    )


def annotate_rows(lines: Iterable[_Line], enricher: Enricher) -> Iterator[Row]:
    """Annotated posts as rows of :data:`COLUMNS`."""
    for chunk in _chunks(lines):
        posts = [event for event, _ in chunk.values()]
        for event in enricher.enrich(posts, utc_now()).mentions:
            if isinstance(event, MentionUpsert):
                yield _row(event.mention, chunk[event.id][1].id)


def annotate_stream(
    lines: Iterable[_Line],
    target: BinaryIO,
    enricher: Enricher,
    *,
    events: bool = False,
) -> Iterator[int]:
    """Annotate line by line; yields the number of written posts after each chunk."""
    written = 0
    for chunk in _chunks(lines):
        targets = {id_: fields.targets for id_, (_, fields) in chunk.items() if fields.targets}
        posts = [event for event, _ in chunk.values()]
        mentions = enricher.enrich(posts, utc_now(), targets=targets).mentions
        for event in mentions:
            if events:
                target.write(safe_json_bytes(MENTION_EVENT.encode(event)) + b"\n")
            elif isinstance(event, MentionUpsert):
                flat = _encode(_flat(event.mention, chunk[event.id][1].id))
                target.write(safe_json_bytes(flat) + b"\n")
        written += len(mentions)
        yield written
    target.flush()


def _enricher(brands: Path | None, everything: bool, tier: Tier) -> Enricher:
    matcher = BrandMatcher(load_brands(brands) if brands else ())
    settings = load(ProcessSettings)
    keep_unmatched = everything or settings.keep_unmatched
    update = {"tier": tier, "keep_unmatched": keep_unmatched}
    settings = settings.model_copy(update=update)
    return build_enricher(settings, lambda: matcher, prefilter=not everything)


def annotate(
    file: PostsArgument = None,
    brands: Annotated[
        Path | None, typer.Option(help="A brands file; only posts that name a brand are written.")
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Also write posts that name no brand.")
    ] = False,
    tier: Annotated[
        Tier, typer.Option(help="The models: the fast tier, or the accurate tier too.")
    ] = "accurate",
    events: Annotated[
        bool, typer.Option(help="Write mention events as on the topic `mentions`.")
    ] = False,
    source: Annotated[str, typer.Option(help="The source of lines without one.")] = "file",
    mapping: MappingOption = None,
    encoding: EncodingOption = None,
    format: FormatOption = "jsonl",
) -> None:
    """Annotate posts of a file in the same way as the stream.

    A line needs only `{"id": "1", "text": "..."}`. With `"targets": ["the food"]` it also gets the
    sentiment towards these. The output is one JSON object per line, in the order of the input;
    --format csv or xlsx has the text and the annotations that fit into cells.

    Example: `tocsin annotate --all < examples/posts.jsonl > annotated.jsonl`
    """
    if events and format != "jsonl":
        raise ConfigurationError("mention events are JSON lines; leave out --format, or --events")
    written = 0
    with posts_of(file, source, mapping, encoding) as reader:
        enricher = _enricher(brands, everything or not brands, tier)
        if format != "jsonl":
            written = write_rows(annotate_rows(reader.events(), enricher), COLUMNS, format)
            report(reader.bad, f"{counted(written, 'post')} written")
            return
        with Progress(console=console, transient=True) as progress:
            task = progress.add_task("annotating", total=None)
            for written in annotate_stream(
                reader.events(), sys.stdout.buffer, enricher, events=events
            ):
                progress.update(task, completed=written, description=f"{written} posts")
    report(reader.bad, f"{written} posts written")
