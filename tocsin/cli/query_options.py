"""The queries that commands are given, and what is wrong with them as a sentence."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
import yaml

from queries.language.ast import Named, Node
from queries.language.errors import QueryError, shorten
from queries.language.parser import parse
from queries.language.references import resolve
from queries.language.tree import walk
from schemas.errors import ConfigurationError

QueryArgument = Annotated[
    str, typer.Argument(help="The query, or - to read it from standard input.")
]
SavedOption = Annotated[
    Path | None,
    typer.Option(help='YAML of saved queries for query:"name": name to query, or a brands file.'),
]
BrandsOption = Annotated[
    Path | None, typer.Option(help="The brands to look for, where the query asks for brand:.")
]
SourceOption = Annotated[
    str, typer.Option(help="Source of lines that do not name theirs, for source: and the counts.")
]


def query_text(query: str) -> str:
    """The query of an argument that may be ``-``."""
    return sys.stdin.read() if query == "-" else query


def query_beside_posts(query: str, posts: Path | None) -> str:
    """The same, where posts come from standard input unless they are in a file."""
    if query == "-" and posts is None:
        raise ConfigurationError(
            "the query and the posts cannot both come from standard input; name the file of the "
            "posts"
        )
    return query_text(query)


def parsed(text: str, saved: Path | None) -> Node:
    """The tree as it is written; names of saved queries are looked up only if there are any."""
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
        named = next((part for part in walk(node) if isinstance(part, Named)), None)
        if saved is None and named is not None:
            raise QueryError(
                f"nobody said what the query '{shorten(named.name)}' is",
                *named.span,
                "give the saved queries with --queries saved.yaml",
            )
        return resolve(node, queries)
    except QueryError as error:
        refuse(error, text)


def refuse(error: QueryError, text: str) -> NoReturn:
    """Show a mistake in ``text``."""
    raise ConfigurationError(error.show(text)) from None


def read_saved(file: Path) -> Mapping[str, str]:
    """Saved queries by name: a map of them, or those of a brands file."""
    found = read_yaml(file, "name: query")
    if isinstance(found, dict) and isinstance(found.get("brands"), list):
        found = _of_brands(found)
    if not isinstance(found, dict) or not all(
        isinstance(name, str) and isinstance(query, str) for name, query in found.items()
    ):
        raise ConfigurationError(f"{file} has to be one map of names to queries, all text")
    return found


def read_yaml(file: Path, lines: str) -> Any:
    """What a YAML file says; ``lines``: what it should look like."""
    try:
        return yaml.safe_load(file.read_text("utf-8"))
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be read: {error.strerror}") from None
    except (UnicodeDecodeError, yaml.YAMLError):
        raise ConfigurationError(f"{file} is no YAML: write '{lines}' lines") from None


def _of_brands(file: dict[str, Any]) -> Any:
    """As brands see them: each other's queries under their ids, and those of the file."""
    brands = [brand for brand in file["brands"] if isinstance(brand, dict) and brand.get("query")]
    saved = file.get("queries") or {}
    own = {brand.get("id"): brand["query"] for brand in brands}
    return own | saved if isinstance(saved, dict) else None
