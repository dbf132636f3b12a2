"""``tocsin annotate``: the stream's enrichment over files, with no broker."""

import sys
from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, BinaryIO, TypeAlias

import msgspec
import typer
from msgspec import Struct
from rich.progress import Progress

from brands.brand_matcher import BrandMatcher
from brands.brands_file import load_brands
from ingestors.files.post_line import NotAPost
from processors.enrichment.annotator_table import build_enricher
from processors.enrichment.enricher import Enricher
from runtime.clock import utc_now
from runtime.settings import ProcessSettings, load
from schemas.codec import MENTION_EVENT
from schemas.mention import Mention, MentionUpsert
from schemas.post import PostEvent
from tocsin.cli.output import console, say
from tocsin.offline.post_reader import Bad, open_posts, read_lines

_CHUNK = 1_000
_encode = msgspec.json.Encoder().encode


class ReadingTier(StrEnum):
    """Which models read: the stream's own choice is a setting."""

    fast = "fast"
    accurate = "accurate"


class _Asked(Struct):
    """What a line may carry beside a post."""

    id: str | int
    targets: list[str] = []


_decode_asked = msgspec.json.Decoder(_Asked).decode
_Line: TypeAlias = tuple[PostEvent, _Asked]


def _asked(line: bytes) -> _Asked:
    try:
        return _decode_asked(line)
    except msgspec.MsgspecError as error:
        raise NotAPost(f"targets must be a list of strings ({error})") from None


def _chunks(lines: Iterable[_Line]) -> Iterator[dict[str, _Line]]:
    """Lines in chunks, by the id of their post; a post that comes again begins another chunk."""
    chunk: dict[str, _Line] = {}
    for event, asked in lines:
        if len(chunk) == _CHUNK or event.id in chunk:
            yield chunk
            chunk = {}
        chunk[event.id] = event, asked
    if chunk:
        yield chunk


def _flat(mention: Mention, id_: str | int) -> dict[str, Any]:
    """One line of output: every annotation is there, also those that are empty."""
    fields = msgspec.structs.asdict(mention)
    key = fields.pop("post").id
    # ``key``: as Kafka and the index have it. Sentiments come before entities, as they always did.
    first = {name: fields[name] for name in ("language", "brands", "sentiment")}
    return {"id": id_, "key": key, **first, **fields}


def annotate_stream(
    source: BinaryIO,
    target: BinaryIO,
    enricher: Enricher,
    name: str,
    bad: Bad,
    *,
    events: bool = False,
) -> Iterator[int]:
    """Annotate line by line; yields how many posts were written after each chunk."""
    written = 0
    for chunk in _chunks(read_lines(source, name, bad, _asked)):
        targets = {id_: asked.targets for id_, (_, asked) in chunk.items() if asked.targets}
        posts = [event for event, _ in chunk.values()]
        mentions = enricher.enrich(posts, utc_now(), targets=targets).mentions
        for event in mentions:
            if events:
                target.write(MENTION_EVENT.encode(event) + b"\n")
            elif isinstance(event, MentionUpsert):
                target.write(_encode(_flat(event.mention, chunk[event.id][1].id)) + b"\n")
        written += len(mentions)
        yield written
    target.flush()


def _enricher(brands: Path | None, everything: bool, tier: ReadingTier) -> Enricher:
    matcher = BrandMatcher(load_brands(brands) if brands else ())
    chosen = load(ProcessSettings)
    settings = chosen.model_copy(
        update={"tier": tier.value, "keep_unmatched": everything or chosen.keep_unmatched}
    )
    return build_enricher(settings, lambda: matcher, prefilter=not everything)


def annotate(
    file: Annotated[
        Path | None, typer.Argument(help="JSON lines; standard input if not given.")
    ] = None,
    brands: Annotated[
        Path | None, typer.Option(help="Match these brands, and write only posts that name one.")
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Read and write posts that name no brand as well.")
    ] = False,
    tier: Annotated[
        ReadingTier, typer.Option(help="Which models read: fast, or accurate as well.")
    ] = ReadingTier.accurate,
    events: Annotated[
        bool, typer.Option(help="Write whole mention events, as on the topic `mentions`.")
    ] = False,
    source: Annotated[str, typer.Option(help="Source of lines that do not name theirs.")] = "file",
) -> None:
    """Annotate posts offline, with the same function as the stream.

    A line needs only `{"id": "1", "text": "..."}`; with `"targets": ["the food"]` it asks for the
    sentiment towards these as well. One JSON object a line comes out, in the order of the input.

    Example: `tocsin annotate --all < posts.jsonl > annotated.jsonl`
    """
    bad, written = Bad(), 0
    with open_posts(file) as stream, Progress(console=console, transient=True) as progress:
        enricher = _enricher(brands, everything or not brands, tier)
        task = progress.add_task("annotating", total=None)
        for written in annotate_stream(
            stream, sys.stdout.buffer, enricher, source, bad, events=events
        ):
            progress.update(task, completed=written, description=f"{written} posts")
    for complaint in bad.first:
        say(complaint)
    say(f"{written} posts written, {bad.count} lines are no posts")
    if bad.count:
        sys.exit(1)
