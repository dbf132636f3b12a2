"""``tocsin watch``: live posts in a terminal, with nothing else running."""

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
    """One post as it is shown: time, handle, text with the matches marked."""
    mention = match.asked.document.mention
    post = mention.post
    shown = Text().append(f"{post.created_at:%H:%M:%S} ", style="dim")
    shown.append(printable(f"@{post.author.handle or post.author.id} "), style="cyan")
    shown.append_text(marked(post.text, match.spans()))
    language = mention.language.code if mention.language else post.language
    shown.append(printable(f" [{language or '?'}]"), style="dim")
    return shown


def watch(
    query: QueryArgument,
    most: Annotated[int | None, typer.Option("--max", min=1, help="Stop after so many.")] = None,
    queries: SavedOption = None,
    brands: BrandsOption = None,
) -> None:
    """Show Bluesky's posts that a query matches, live; no key, no broker, no index.

    The query is one of docs/queries.md: `orange` finds the word and neither `#orange` nor
    `@orange`; write `orange OR #orange` for both.

    Example: `tocsin watch '(orange OR #orange) NEAR/9 (panne OR outage) AND lang:(fr OR en)'`
    """
    from ingestors.bluesky.source import BlueskySource, JetstreamOptions

    logs.configure("console", "warning")
    settings = load(IngestSettings)
    finder = OfflineMatcher({"watch": whole(query_text(query), queries)}, brands)

    def keep(event: PostEvent) -> bool:
        return isinstance(event, PostUpsert) and finder.could_match(Mention(post=event.post))

    source = BlueskySource(JetstreamOptions.of(settings), keep=keep)
    console = Console(file=sys.stdout, soft_wrap=True, highlight=False)
    stop, shown = stop_on_signals(), 0
    source.open(None)
    try:
        while not stop.is_set():
            events = source.next_batch().events
            found = finder.find(
                [Mention(post=event.post) for event in events if isinstance(event, PostUpsert)]
            )
            for matches in found:
                for match in matches:
                    console.print(line_of(match))
                    shown += 1
                if shown == most:
                    return
    finally:
        source.close()
