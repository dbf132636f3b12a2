"""``tocsin annotate``: the stream's enrichment over files, with no broker."""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, BinaryIO

import typer
from rich.progress import Progress

from ingestors.bare import NotAPost, read_post_line
from processors.enrich import Enricher
from processors.pipeline import build_enricher
from queries.names import BrandMatcher
from runtime.brands_file import load_brands
from runtime.clock import utc_now
from runtime.errors import ConfigurationError
from runtime.settings import ProcessSettings, load
from schemas.codec import MENTION_EVENT
from schemas.post import PostEvent
from tocsin.cli.output import console, say

_CHUNK = 1_000


def _read(stream: BinaryIO, source: str, bad: list[str]) -> Iterator[PostEvent]:
    now = utc_now()
    for number, line in enumerate(stream, 1):
        if line.isspace():
            continue
        try:
            yield read_post_line(line, now, source)
        except NotAPost as error:
            bad.append(f"line {number}: {error}")


def _chunks(events: Iterable[PostEvent]) -> Iterator[list[PostEvent]]:
    chunk: list[PostEvent] = []
    for event in events:
        chunk.append(event)
        if len(chunk) == _CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def annotate_stream(
    source: BinaryIO, target: BinaryIO, enricher: Enricher, name: str, bad: list[str]
) -> Iterator[int]:
    """Annotate line by line; yields how many mentions were written after each chunk."""
    written = 0
    for chunk in _chunks(_read(source, name, bad)):
        mentions = enricher.enrich(chunk, utc_now()).mentions
        target.write(b"".join(MENTION_EVENT.encode(event) + b"\n" for event in mentions))
        written += len(mentions)
        yield written
    target.flush()


def annotate(
    file: Annotated[
        Path | None, typer.Argument(help="JSON lines; standard input if not given.")
    ] = None,
    brands: Annotated[
        Path | None, typer.Option(help="Match these brands, and write only posts that name one.")
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="With --brands: write the other posts too.")
    ] = False,
    source: Annotated[str, typer.Option(help="Source of lines that do not name theirs.")] = "file",
) -> None:
    """Annotate posts offline, with the same function as the stream.

    A line needs only `{"id": "1", "text": "..."}`; mentions come out as JSON lines.

    Example: `tocsin annotate < posts.jsonl > mentions.jsonl`
    """
    matcher = BrandMatcher(load_brands(brands) if brands else ())
    settings = (
        load(ProcessSettings, keep_unmatched=True)
        if everything or not brands
        else load(ProcessSettings)
    )
    enricher = build_enricher(settings, lambda: matcher, prefilter=brands is not None)
    bad: list[str] = []
    try:
        stream = sys.stdin.buffer if file is None else file.open("rb")
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be read: {error.strerror}") from None
    written = 0
    with stream, Progress(console=console, transient=True) as progress:
        task = progress.add_task("annotating", total=None)
        for written in annotate_stream(stream, sys.stdout.buffer, enricher, source, bad):
            progress.update(task, completed=written, description=f"{written} mentions")
    for complaint in bad[:10]:
        say(complaint)
    say(f"{written} mentions written, {len(bad)} lines are no posts")
    if bad:
        sys.exit(1)
