"""``tocsin query``: what a brand query says, and what is unwise in it."""

import sys
from pathlib import Path
from typing import Annotated

import typer
import yaml

from queries.ast import Node
from queries.errors import QueryError
from queries.explain import explain as explained
from queries.format import format_query
from queries.lint import everyday_words
from queries.lint import lint as warnings_of
from queries.named import resolve
from queries.parser import parse
from runtime.errors import ConfigurationError
from tocsin.cli.output import result, say

app = typer.Typer(no_args_is_help=True, help="Brand queries, with no broker (docs/queries.md).")
_QUERY = Annotated[str, typer.Argument(help="The query, or - to read it from standard input.")]
_SAVED = Annotated[
    Path | None, typer.Option(help='YAML file of saved queries, name to query, for query:"name".')
]


def _read(query: str) -> str:
    return sys.stdin.read() if query == "-" else query


def _parsed(text: str, saved: dict[str, str] | None) -> Node:
    """The tree, its names resolved where the saved queries are given."""
    try:
        node = parse(text)
        if saved is not None:
            resolve(node, saved)
    except QueryError as error:
        raise ConfigurationError(error.show(text)) from None
    return node


def _saved(file: Path | None) -> dict[str, str] | None:
    if file is None:
        return None
    try:
        found = yaml.safe_load(file.read_text("utf-8"))
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be read: {error.strerror}") from None
    except (UnicodeDecodeError, yaml.YAMLError):
        raise ConfigurationError(f"{file} is no YAML: write 'name: query' lines") from None
    if not isinstance(found, dict) or not all(
        isinstance(name, str) and isinstance(query, str) for name, query in found.items()
    ):
        raise ConfigurationError(f"{file} has to be one map of names to queries, all text")
    return found


@app.command("lint")
def lint(
    query: _QUERY,
    queries: _SAVED = None,
    language: Annotated[
        list[str] | None,
        typer.Option(help="A watched language, such as fr; again for more; all if not given."),
    ] = None,
) -> None:
    """Say what is wrong with a query, or legal and unwise; ends with 1 if anything is.

    Example: `tocsin query lint 'orange AND NOT jus'`
    """
    known = everyday_words().keys() - {"brands"}
    for code in language or ():
        if code not in known:
            listed = ", ".join(sorted(known))
            raise ConfigurationError(f"no words are listed for '{code}': take {listed}")
    text = _read(query)
    found = warnings_of(_parsed(text, _saved(queries)), language)
    for warned in found:
        result(warned.show(text) + "\n")
    say(f"{len(found)} warning{'s' * (len(found) != 1)}")
    if found:
        sys.exit(1)


@app.command("explain")
def explain(query: _QUERY, queries: _SAVED = None) -> None:
    """Print a query in its canonical form, and in words, clause by clause.

    Example: `tocsin query explain '"ma box" NEAR/5 (panne OR coupure)'`
    """
    node = _parsed(_read(query), _saved(queries))
    result(format_query(node) + "\n")
    for line in explained(node):
        result(line)
