"""``tocsin match``: which posts of a file a query matches."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer
from msgspec import Struct

from queries.matching.query_matcher import QueryMatch
from schemas.errors import ConfigurationError
from text.terminal import printable
from tocsin.cli.output import FormatOption, counted, json_result, report, result, write_rows
from tocsin.cli.query_options import (
    BrandsOption,
    EncodingOption,
    MappingOption,
    PostsArgument,
    SavedOption,
    SourceOption,
    posts_of,
    query_beside_posts,
    whole,
)
from tocsin.cli.row_writers import Row
from tocsin.offline.match import OfflineMatcher
from tocsin.offline.post_reader import Line, batches

COLUMNS: Final = ("id", "created_at", "source", "author", "text", "words", "url")
_encode = msgspec.json.Encoder().encode


class MatchedWords(Struct, frozen=True, order=True):
    """Matched text, by code points in a field of the post."""

    field: str
    start: int
    end: int
    text: str


class MatchedPost(Struct, frozen=True):
    id: str | int
    spans: list[MatchedWords]


def words_of(match: QueryMatch) -> list[MatchedWords]:
    """The matches in a post, ordered by field and position."""
    post = match.asked.document.mention.post
    texts = {"text": post.text, "title": post.title or "", "authorName": post.author.name or ""}
    return [
        MatchedWords(span.field, span.start, span.end, texts[span.field][span.start : span.end])
        for span in sorted(match.spans())
    ]


def _row(matched: tuple[Line, QueryMatch]) -> Row:
    line, match = matched
    post = line.mention.post
    return (
        line.id,
        post.created_at,
        post.source,
        post.author.handle or post.author.name or post.author.id,
        post.text,
        [words.text for words in words_of(match)],
        post.url,
    )


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
        raise ConfigurationError(f"{query_file} is not UTF-8 text") from None


def matching(lines: Iterator[Line], finder: OfflineMatcher) -> Iterator[tuple[Line, QueryMatch]]:
    for batch in batches(lines):
        answers = finder.find([line.mention for line in batch])
        for line, matches in zip(batch, answers, strict=True):
            if matches:
                yield line, matches[0]
        sys.stdout.flush()


def match(
    file: PostsArgument = None,
    query: Annotated[
        str | None, typer.Option(help="The query, or - to read it from standard input.")
    ] = None,
    query_file: Annotated[Path | None, typer.Option(help="A file with the query.")] = None,
    spans: Annotated[
        bool, typer.Option("--spans", help="Print JSON lines with the matched words too.")
    ] = False,
    queries: SavedOption = None,
    brands: BrandsOption = None,
    source: SourceOption = "file",
    mapping: MappingOption = None,
    encoding: EncodingOption = None,
    format: FormatOption = "text",
) -> None:
    """Print the ids of the posts that a query matches, one per line, in the order of the input.

    --format jsonl, csv or xlsx prints the posts too, with the matched words.

    A line needs only `{"id": "1", "text": "..."}`. For `lang:`, `sentiment:`, `aspect:`, `intent:`,
    `emotion:`, `towards:`, `entity:` and `brand:` the posts are annotated first, as in the stream.

    Example: `tocsin match --query 'velmora NEAR/5 panne' --spans examples/posts.csv`
    """
    if spans and format not in ("text", "jsonl"):
        raise ConfigurationError("--spans prints JSON lines; leave out one of --spans and --format")
    node = whole(_query(query, query_file, file), queries)
    finder, count = OfflineMatcher({"query": node}, brands), 0
    with posts_of(file, source, mapping, encoding) as reader:
        if format != "text" and not spans:
            rows = map(_row, matching(reader.posts(), finder))
            count = write_rows(rows, COLUMNS, format)
            report(reader.bad, f"{counted(count, 'post')} matched")
            return
        for line, matched in matching(reader.posts(), finder):
            count += 1
            if spans:
                json_result(_encode(MatchedPost(line.id, words_of(matched))).decode())
            else:
                result(printable(str(line.id)))
    report(reader.bad, f"{counted(count, 'post')} matched")
