"""``tocsin watch``: live posts in a terminal, with nothing else running."""

import re
import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from queries.names import BrandMatcher
from queries.tokens import tokenize
from runtime import logs
from runtime.errors import ConfigurationError
from runtime.service import stop_on_signals
from runtime.settings import IngestSettings, load
from schemas.brand import Brand
from schemas.post import Post, PostEvent

_TERM = re.compile(r'"([^"]+)"|(\S+)')


def brand_of(query: str) -> Brand:
    """The terms of ``a OR "b c" OR @d`` as one brand; other operators are for later versions."""
    terms: list[str] = []
    expects_term = True
    for quoted, plain in _TERM.findall(query):
        if plain == "OR" and not expects_term:
            expects_term = True
            continue
        if plain in ("AND", "NOT", "OR") or "(" in plain or ")" in plain or not expects_term:
            raise ConfigurationError(
                f"'{query}' cannot be watched: write terms with OR between them, such as "
                "'orange OR sosh OR \"ma box\"'"
            )
        terms.append(quoted or plain)
        expects_term = False
    if not terms or expects_term or not all(_says_something(term) for term in terms):
        raise ConfigurationError(f"'{query}' names nothing to watch; write a term after each OR")
    names = [term for term in terms if not term.startswith("@")]
    handles = [term[1:] for term in terms if term.startswith("@")]
    # Without names the brand's own name would count as one; this one cannot occur in a text.
    return Brand(id="watch", name="watch", names=names or ["\u2060"], handles=handles)


def _says_something(term: str) -> bool:
    """Whether a text can hold the term: punctuation alone is no word."""
    return bool(tokenize(term).exact)


def line_of(post: Post, matcher: BrandMatcher) -> Text:
    """One post as it is shown: time, handle, text with the matches marked."""
    shown = Text(f"{post.created_at:%H:%M:%S} ", style="dim")
    shown.append(f"@{post.author.handle or post.author.id} ", style="cyan")
    body = Text(post.text)
    for brand in matcher.match(post):
        for match in brand.matches:
            if match.field == "text" and match.start is not None:
                body.stylize("bold yellow", match.start, match.end)
    shown.append_text(body)
    shown.append(f" [{post.language or '?'}]", style="dim")
    return shown


def watch(
    query: Annotated[str, typer.Argument(help="Terms with OR between them.")],
    most: Annotated[int | None, typer.Option("--max", min=1, help="Stop after so many.")] = None,
) -> None:
    """Show Bluesky's posts that match, live; no key, no broker, no index.

    Example: `tocsin watch "orange OR sosh"`
    """
    from ingestors.bluesky import BlueskySource

    logs.configure("console", "warning")
    settings = load(IngestSettings)
    matcher = BrandMatcher([brand_of(query)])

    def keep(event: PostEvent) -> bool:
        return event.post is not None and bool(matcher.match(event.post))

    source = BlueskySource(
        settings.bluesky_urls.split(","),
        receive_timeout_s=settings.bluesky_receive_timeout_s,
        zstd_dictionary=settings.bluesky_zstd_dictionary,
        keep=keep,
    )
    console = Console(file=sys.stdout, soft_wrap=True, highlight=False)
    stop, shown = stop_on_signals(), 0
    source.open(None)
    try:
        while not stop.is_set():
            for event in source.next_batch().events:
                if event.post is not None:
                    console.print(line_of(event.post, matcher))
                    shown += 1
                if shown == most:
                    return
    finally:
        source.close()
