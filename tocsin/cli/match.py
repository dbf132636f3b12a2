"""``tocsin match``: which posts of a file a query matches, as the stream would say."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from msgspec import Struct

from queries.matching.query_matcher import QueryMatch
from schemas.errors import ConfigurationError
from tocsin.cli.output import say
from tocsin.cli.query_options import (
    BrandsOption,
    SavedOption,
    SourceOption,
    query_beside_posts,
    whole,
)
from tocsin.offline.match import OfflineMatcher
from tocsin.offline.post_reader import Bad, Line, batches, open_posts, read_posts

_encode = msgspec.json.Encoder().encode


class MatchedWords(Struct, frozen=True, order=True):
    """Words that the query found, by code points of a field of the post."""

    field: str
    start: int
    end: int
    text: str


class MatchedPost(Struct, frozen=True):
    """One line of output with ``--spans``."""

    id: str | int
    spans: list[MatchedWords]


def words_of(match: QueryMatch) -> list[MatchedWords]:
    """What a query found in a post, in the order of the fields and of each text."""
    post = match.asked.document.mention.post
    texts = {"text": post.text, "title": post.title or "", "authorName": post.author.name or ""}
    return [
        MatchedWords(span.field, span.start, span.end, texts[span.field][span.start : span.end])
        for span in sorted(match.spans())
    ]


def _query(query: str | None, query_file: Path | None, posts: Path | None) -> str:
    if (query is None) == (query_file is None):
        raise ConfigurationError("give one query: --query 'orange AND panne', or --query-file FILE")
    if query_file is None:
        return query_beside_posts(query or "", posts)
    try:
        return query_file.read_text("utf-8")
    except OSError as error:
        raise ConfigurationError(f"{query_file} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{query_file} is no text: write the query in UTF-8") from None


def matching(lines: Iterator[Line], finder: OfflineMatcher) -> Iterator[tuple[Line, QueryMatch]]:
    """The lines that match, in their order, as soon as their batch is read."""
    for batch in batches(lines):
        answers = finder.find([line.mention for line in batch])
        for line, matches in zip(batch, answers, strict=True):
            if matches:
                yield line, matches[0]
        sys.stdout.flush()


def match(
    file: Annotated[
        Path | None, typer.Argument(help="JSON lines; standard input if not given.")
    ] = None,
    query: Annotated[
        str | None, typer.Option(help="The query, or - for standard input, beside a FILE.")
    ] = None,
    query_file: Annotated[Path | None, typer.Option(help="A file that holds the query.")] = None,
    spans: Annotated[
        bool, typer.Option("--spans", help="Print JSON lines that say which words matched, too.")
    ] = False,
    queries: SavedOption = None,
    brands: BrandsOption = None,
    source: SourceOption = "file",
) -> None:
    """Print the ids of the posts that a query matches, one a line, in the order of the input.

    A line needs only `{"id": "1", "text": "..."}`. What the query asks for beside the post's own
    fields (`lang:`, `sentiment:`, `entity:`, `brand:`) is found first, as the stream finds it.

    Example: `tocsin match --query 'orange NEAR/5 panne' --spans < posts.jsonl`
    """
    node = whole(_query(query, query_file, file), queries)
    finder, bad, count = OfflineMatcher({"query": node}, brands), Bad(), 0
    with open_posts(file) as stream:
        for line, matched in matching(read_posts(stream, source, bad), finder):
            count += 1
            output = str(line.id)
            if spans:
                output = _encode(MatchedPost(line.id, words_of(matched))).decode()
            sys.stdout.write(output + "\n")
    bad_lines(bad, f"{count} post{'s' * (count != 1)} matched")


def bad_lines(bad: Bad, summary: str) -> None:
    """Say what was done and what could not be read; ends with 1 if there was any such line."""
    for complaint in bad.first:
        say(complaint)
    lines = f", {bad.count} line{'s' * (bad.count != 1)} are no posts" if bad.count else ""
    say(summary + lines)
    if bad.count:
        sys.exit(1)
