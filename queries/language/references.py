"""Replaces ``query:"name"`` with the query of that name. Back ends take only resolved trees."""

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from queries.language.ast import Named, Near, Node, Phrase, Span
from queries.language.errors import QueryError, shorten
from queries.language.parser import parse
from queries.language.tree import children, walk, with_children
from queries.language.validate import check_near
from text.spelling import nearest

MAX_NODES = 100_000
"""Nodes of a resolved query: names that each contain ten names could fill the memory."""
MAX_DEPTH = 150
"""Levels of a resolved query; functions that traverse the tree recurse."""


def resolve(node: Node, queries: Mapping[str, str]) -> Node:
    return SavedQueries(queries).resolve(node)


class _Resolved(NamedTuple):
    node: Node
    size: int
    depth: int


class SavedQueries:
    """Queries by name, each parsed at most once."""

    def __init__(self, queries: Mapping[str, str]) -> None:
        self._queries = queries
        self._done: dict[str, _Resolved] = {}

    def resolve(self, node: Node) -> Node:
        """``node`` with queries instead of names; their clauses take the span of the name.

        Raises ``QueryError`` for an unknown name, a circle, a mistake or a query that is too large.
        """
        resolved = _at_names(node, self._resolved(node, (), 0).node)
        names = {part.span: part for part in walk(node) if isinstance(part, Named)}
        for part in walk(resolved) if names else ():
            if isinstance(part, Near):
                _check_near(part, names)
        return resolved

    def _resolved(self, node: Node, path: tuple[str, ...], level: int) -> _Resolved:
        """``path``: the names of the queries that contain the node."""
        if isinstance(node, Named):
            resolved = self._named(node, path, level)
        else:
            below = [self._resolved(child, path, level + 1) for child in children(node)]
            resolved = _Resolved(
                with_children(node, [child.node for child in below]),
                1 + sum(child.size for child in below),
                1 + max((child.depth for child in below), default=0),
            )
        if resolved.size > MAX_NODES or level + resolved.depth > MAX_DEPTH:
            raise _too_large(node)
        return resolved

    def _named(self, node: Named, path: tuple[str, ...], level: int) -> _Resolved:
        name = node.name
        if name in path:
            circle = " → ".join(f"'{step}'" for step in (*path[path.index(name) :], name))
            message = f"the queries name each other in a circle: {shorten(circle, 200)}"
            raise QueryError(message, *node.span, "take one of the names out")
        if level > MAX_DEPTH:
            raise _too_large(node)
        if name not in self._done:
            tree = self._parsed(node)
            try:
                self._done[name] = self._resolved(tree, (*path, name), level + 1)
            except QueryError as error:
                # Its span is in the other query: here it becomes the span of the name.
                raise QueryError(error.message, *node.span, error.hint) from None
        return self._done[name]

    def _parsed(self, node: Named) -> Node:
        text = self._queries.get(node.name)
        if text is None:
            meant = nearest(node.name, self._queries)
            hint = f"did you mean '{meant}'?" if meant else "save it first"
            raise QueryError(f"there is no query '{shorten(node.name)}'", *node.span, hint)
        try:
            return parse(text)
        except QueryError as error:
            message = f"the query '{shorten(node.name)}' has a mistake: {error.message}"
            raise QueryError(message, *node.span, error.hint) from None


def _check_near(node: Near, names: Mapping[Span, Named]) -> None:
    """Raise for an operand of NEAR that a name stands for and that is not made of words."""
    try:
        check_near(node)
    except QueryError as error:
        name = names.get((error.start, error.end))
        if name is None:
            raise
        message = f"the query '{shorten(name.name)}' cannot be an operand of NEAR"
        hint = (
            f"{error.message}; only an OR of words and phrases can: use AND, or save such a query"
        )
        raise QueryError(message, *name.span, hint) from None


def _too_large(node: Node) -> QueryError:
    message = "with the queries that it names, this is too large"
    return QueryError(message, *node.span, "name fewer queries, or shorter ones")


def _at_names(node: Node, resolved: Node) -> Node:
    """``resolved`` with spans that are all in the text of ``node``."""
    if isinstance(node, Named):
        return _at(node.span, resolved)
    pairs = zip(children(node), children(resolved), strict=True)
    return with_children(resolved, [_at_names(child, other) for child, other in pairs])


def _at(span: Span, node: Node) -> Node:
    below = [_at(span, child) for child in children(node)]
    if isinstance(node, Phrase):
        node = replace(node, terms=tuple(replace(term, span=span) for term in node.terms))
    return replace(with_children(node, below), span=span)
