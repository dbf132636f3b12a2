"""``tocsin watch``: live posts in a terminal, without any other service."""

import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from queries.matching.query_matcher import QueryMatch
from runtime import logs
from runtime.service import stop_on_signals
from runtime.settings import IngestSettings, load
from schemas.mention import Mention
from schemas.post import PostEvent, PostUpsert
from text.terminal import printable
from tocsin.cli.highlight import marked
from tocsin.cli.query_options import BrandsOption, QueryArgument, SavedOption, query_text, whole
from tocsin.offline.match import OfflineMatcher


def line_of(match: QueryMatch) -> Text:
    mention = match.asked.document.mention
    post = mention.post
    line = Text().append(f"{post.created_at:%H:%M:%S} ", style="dim")
    line.append(printable(f"@{post.author.handle or post.author.id} "), style="cyan")
    line.append_text(marked(post.text, match.spans()))
    language = mention.language.code if mention.language else post.language
    line.append(printable(f" [{language or '?'}]"), style="dim")
    return line


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
    write `orange OR #orange` for both.

    Example: `tocsin watch '(orange OR #orange) NEAR/9 (panne OR outage) AND lang:(fr OR en)'`
    """
    from ingestors.bluesky.source import BlueskySource, JetstreamOptions

    logs.configure("console", "warning")
    settings = load(IngestSettings)
    matcher = OfflineMatcher({"watch": whole(query_text(query), queries)}, brands)

    def keep(event: PostEvent) -> bool:
        return isinstance(event, PostUpsert) and matcher.could_match(Mention(post=event.post))

    source = BlueskySource(JetstreamOptions.of(settings), keep=keep)
    console = Console(file=sys.stdout, soft_wrap=True, highlight=False)
    stop, shown = stop_on_signals(), 0
    source.open(None)
    try:
        while not stop.is_set():
            events = source.next_batch().events
            mentions = [
                Mention(post=event.post) for event in events if isinstance(event, PostUpsert)
            ]
            for matches in matcher.find(mentions):
                for match in matches:
                    console.print(line_of(match))
                    shown += 1
                if shown == limit:
                    return
    finally:
        source.close()
