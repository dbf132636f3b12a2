"""``tocsin annotate``: the stream's enrichment over files, with no broker."""

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, BinaryIO

import msgspec
import typer
from msgspec import Struct
from rich.progress import Progress

from brands.brand_matcher import BrandMatcher
from brands.brands_file import load_brands
from ingestors.files.post_line import NotAPost, read_post_line
from processors.enrichment.annotator_table import build_enricher
from processors.enrichment.enricher import Enricher
from runtime.clock import utc_now
from runtime.settings import ProcessSettings, load
from schemas.codec import MENTION_EVENT
from schemas.errors import ConfigurationError
from schemas.mention import (
    Aspect,
    BrandMatch,
    Emotion,
    Entity,
    Flag,
    Influence,
    Language,
    MentionUpsert,
    Sentiment,
    Target,
)
from schemas.post import PostEvent
from schemas.types import IntentLabel
from tocsin.cli.output import console, say

_CHUNK = 1_000
_encode = msgspec.json.Encoder().encode


class ReadingTier(StrEnum):
    """Which models read: the stream's own choice is a setting."""

    fast = "fast"
    accurate = "accurate"


class AnnotatedPost(Struct, kw_only=True):
    """One line of output: what was found in the post of one line, every field written out."""

    id: str | int
    """As the line gave it."""
    key: str
    """``source:id``, as Kafka and the index have it."""
    language: Language | None
    brands: list[BrandMatch]
    sentiment: Sentiment | None
    entities: list[Entity]
    aspects: list[Aspect]
    intents: list[IntentLabel]
    emotion: Emotion | None
    irony: Flag | None
    toxicity: Flag | None
    targets: list[Target]
    duplicate_group: str | None
    duplicate_keys: list[str]
    influence: Influence | None
    tier: str | None
    provenance: dict[str, str]


class _Asked(Struct):
    """What a line may carry beside a post."""

    id: str | int
    targets: list[str] = []


_decode_asked = msgspec.json.Decoder(_Asked).decode


@dataclass(frozen=True, slots=True)
class _Line:
    event: PostEvent
    id: str | int
    targets: list[str]


def _read(stream: BinaryIO, source: str, bad: list[str]) -> Iterator[_Line]:
    now = utc_now()
    for number, line in enumerate(stream, 1):
        if line.isspace():
            continue
        try:
            event = read_post_line(line, now, source)
            asked = _decode_asked(line)
        except NotAPost as error:
            bad.append(f"line {number}: {error}")
        except msgspec.MsgspecError as error:
            bad.append(f"line {number}: targets must be a list of strings ({error})")
        else:
            yield _Line(event, asked.id, asked.targets)


def _chunks(lines: Iterable[_Line]) -> Iterator[list[_Line]]:
    """Lines in chunks; a post that comes again begins another, so that ids stay distinct."""
    chunk: list[_Line] = []
    seen: set[str] = set()
    for line in lines:
        if len(chunk) == _CHUNK or line.event.id in seen:
            yield chunk
            chunk, seen = [], set()
        chunk.append(line)
        seen.add(line.event.id)
    if chunk:
        yield chunk


def _annotated(event: MentionUpsert, line: _Line) -> AnnotatedPost:
    mention = event.mention
    return AnnotatedPost(
        id=line.id,
        key=event.id,
        language=mention.language,
        brands=mention.brands,
        sentiment=mention.sentiment,
        entities=mention.entities,
        aspects=mention.aspects,
        intents=mention.intents,
        emotion=mention.emotion,
        irony=mention.irony,
        toxicity=mention.toxicity,
        targets=mention.targets,
        duplicate_group=mention.duplicate_group,
        duplicate_keys=mention.duplicate_keys,
        influence=mention.influence,
        tier=mention.tier,
        provenance=mention.provenance,
    )


def annotate_stream(
    source: BinaryIO,
    target: BinaryIO,
    enricher: Enricher,
    name: str,
    bad: list[str],
    *,
    events: bool = False,
) -> Iterator[int]:
    """Annotate line by line; yields how many posts were written after each chunk."""
    written = 0
    for chunk in _chunks(_read(source, name, bad)):
        lines = {line.event.id: line for line in chunk}
        targets = {line.event.id: line.targets for line in chunk if line.targets}
        posts = [line.event for line in chunk]
        found = enricher.enrich(posts, utc_now(), targets=targets).mentions
        for event in found:
            if events:
                target.write(MENTION_EVENT.encode(event) + b"\n")
            elif isinstance(event, MentionUpsert):
                target.write(_encode(_annotated(event, lines[event.id])) + b"\n")
        written += len(found)
        yield written
    target.flush()


def _open(file: Path | None) -> BinaryIO:
    if file is None:
        return sys.stdin.buffer
    try:
        return file.open("rb")
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be read: {error.strerror}") from None


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
    bad: list[str] = []
    written = 0
    with _open(file) as stream, Progress(console=console, transient=True) as progress:
        enricher = _enricher(brands, everything or not brands, tier)
        task = progress.add_task("annotating", total=None)
        for written in annotate_stream(
            stream, sys.stdout.buffer, enricher, source, bad, events=events
        ):
            progress.update(task, completed=written, description=f"{written} posts")
    for complaint in bad[:10]:
        say(complaint)
    say(f"{written} posts written, {len(bad)} lines are no posts")
    if bad:
        sys.exit(1)
