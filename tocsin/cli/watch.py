"""``tocsin watch``: live posts in a terminal, without any other service."""

import sys
import threading
import time
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.text import Text

from queries.matching.query_matcher import QueryMatch
from schemas.mention import Mention
from schemas.post import PostEvent, PostUpsert
from text.terminal import printable
from tocsin.cli.highlight import marked
from tocsin.cli.query_options import BrandsOption, QueryArgument, SavedOption, query_text, whole
from tocsin.cli.watch_status import WatchStatus
from tocsin.offline.match import OfflineMatcher

if TYPE_CHECKING:
    from ingestors.source import Source

_INDENT = 9
"""Columns of the time before a post."""
_STOP_S = 2.0
"""After Ctrl-C, also while the connection is being made."""


def line_of(match: QueryMatch) -> Text:
    """The time in the zone of this machine, the author, the text, the language and the link."""
    mention = match.asked.document.mention
    post = mention.post
    line = Text().append(f"{post.created_at.astimezone():%H:%M:%S} ", style="dim")
    line.append(printable(f"@{post.author.handle or post.author.id} "), style="cyan")
    line.append_text(marked(post.text, match.spans()))
    language = mention.language.code if mention.language else post.language
    line.append(printable(f" [{language or '?'}]"), style="dim")
    if post.url:
        line.append(printable(f" {post.url}"), style="dim")
    return line


def show(line: Text, console: Console) -> None:
    """On a terminal, wrapped at words below the text; elsewhere a post is one line."""
    if not console.is_terminal or console.width <= 2 * _INDENT:
        console.print(line, soft_wrap=True)
        return
    # The first line begins with the time, which takes the place of the indent.
    for number, part in enumerate(line[_INDENT:].wrap(console, console.width - _INDENT)):
        part.rstrip()
        before = line[:_INDENT] if number == 0 else Text(" " * _INDENT)
        console.print(before.append_text(part))


def watch(
    query: QueryArgument,
    limit: Annotated[
        int | None, typer.Option("--max", min=1, help="Stop after this many posts.")
    ] = None,
    queries: SavedOption = None,
    brands: BrandsOption = None,
) -> None:
    """Show live posts of Bluesky that a query matches, without a key, a broker or an index.

    docs/queries.md explains queries: `orange` finds the word but neither `#orange` nor `@orange`;
    write `orange OR #orange` for both. Standard error says how many posts are read.

    Example: `tocsin watch '(orange OR #orange) NEAR/9 (panne OR outage) AND lang:(fr OR en)'`
    """
    matcher = OfflineMatcher({"watch": whole(query_text(query), queries)}, brands)
    status = WatchStatus(sys.stderr, time.monotonic)
    # The source tells its troubles to the log; here they are part of the status.
    status.take_logs()

    def keep(event: PostEvent) -> bool:
        if not isinstance(event, PostUpsert):
            return False
        status.read += 1
        return matcher.could_match(Mention(post=event.post))

    from ingestors.bluesky.source import BlueskySource, JetstreamOptions
    from runtime.limits.process_end import ends_after_interrupt
    from runtime.service import stop_on_signals
    from runtime.settings import IngestSettings, load

    source = BlueskySource(JetstreamOptions.of(load(IngestSettings)), keep=keep)
    source.open(None)
    try:
        stop = stop_on_signals()
        with ends_after_interrupt(_STOP_S):
            _follow(source, matcher, status, stop, limit)
    finally:
        status.clear()
        source.close()


def _follow(
    source: "Source",
    matcher: OfflineMatcher,
    status: WatchStatus,
    stop: threading.Event,
    limit: int | None,
) -> None:
    console = Console(file=sys.stdout, highlight=False)
    while not stop.is_set():
        events = source.next_batch().events
        mentions = [Mention(post=event.post) for event in events if isinstance(event, PostUpsert)]
        for matches in matcher.find(mentions):
            for match in matches:
                status.clear()
                show(line_of(match), console)
                status.shown += 1
            if status.shown == limit:
                return
        status.tick()
