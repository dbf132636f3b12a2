"""The options and arguments of commands that take a query, and its errors as a sentence."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from msgspec import Struct

from queries.language.ast import Named, Node
from queries.language.errors import QueryError, shorten
from queries.language.parser import parse
from queries.language.references import resolve
from queries.language.tree import walk
from runtime.configuration.files import read_yaml
from schemas.errors import ConfigurationError
from tocsin.cli.output import say

if TYPE_CHECKING:
    from tocsin.offline.post_reader import PostReader

QueryArgument = Annotated[
    str, typer.Argument(help="The query, or - to read it from standard input.")
]
PostsArgument = Annotated[
    Path | None,
    typer.Argument(
        help="JSON lines, JSON, CSV, TSV or .xlsx, also .gz or .zst; the default is standard input."
    ),
]
MappingOption = Annotated[
    str | None,
    typer.Option(
        help="The mapping of the file's columns: a YAML file, or a shipped one (docs/replay.md)."
    ),
]
EncodingOption = Annotated[
    str | None, typer.Option(help="The file's encoding, such as cp1252, if it is told wrongly.")
]
SavedOption = Annotated[
    Path | None,
    typer.Option(
        help='Saved queries for query:"name": YAML of names to queries, or a brands file.'
    ),
]
BrandsOption = Annotated[
    Path | None, typer.Option(help="The brands file, if the query contains brand:.")
]
SourceOption = Annotated[
    str, typer.Option(help="The source of lines without one, for source: and the counts.")
]


class _Brand(Struct):
    id: str
    query: str | None = None


class _BrandsFile(Struct):
    brands: list[_Brand]
    queries: dict[str, str] | None = None


def posts_of(
    file: Path | None, source: str, mapping: str | None, encoding: str | None
) -> "PostReader":
    """The reader of a command; what it decides goes to standard error."""
    from tocsin.offline.post_reader import PostReader

    return PostReader(file, source=source, mapping=mapping, encoding=encoding, say=say)


def query_text(query: str) -> str:
    return sys.stdin.read() if query == "-" else query


def query_beside_posts(query: str, posts: Path | None) -> str:
    """The query, for a command that reads posts from standard input if there is no file."""
    if query == "-" and (posts is None or str(posts) == "-"):
        raise ConfigurationError(
            "the query and the posts cannot both come from standard input; give a file of posts"
        )
    return query_text(query)


def parsed(text: str, saved: Path | None) -> Node:
    """The query as written; checks the names of saved queries if there are any."""
    try:
        node = parse(text)
        if saved is not None:
            resolve(node, read_saved(saved))
    except QueryError as error:
        refuse(error, text)
    return node


def whole(text: str, saved: Path | None) -> Node:
    """The tree with the saved queries in it (``queries.language.references.resolve``)."""
    queries = {} if saved is None else read_saved(saved)
    try:
        node = parse(text)
        named = next((each for each in walk(node) if isinstance(each, Named)), None)
        if saved is None and named is not None:
            raise QueryError(
                f"the saved query '{shorten(named.name)}' is unknown",
                *named.span,
                "give the saved queries with --queries saved.yaml",
            )
        return resolve(node, queries)
    except QueryError as error:
        refuse(error, text)


def refuse(error: QueryError, text: str) -> NoReturn:
    raise ConfigurationError(error.show(text)) from None


def read_saved(file: Path) -> Mapping[str, str]:
    """Saved queries by name. Of a brands file: the brands' queries by id, and its saved ones."""
    hint = "it must be one map of names to queries"
    content = read_yaml(file, dict[str, Any], hint)
    if not isinstance(content.get("brands"), list):
        return read_yaml(file, dict[str, str], hint)
    brands = read_yaml(file, _BrandsFile, hint)
    return {b.id: b.query for b in brands.brands if b.query} | (brands.queries or {})
