"""Puts saved queries in the places of their names, and refuses those that lead back to themselves.

``resolve`` is the last step before a back end: what it returns holds no ``Named``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from queries.language.ast import Named, Node, Phrase, Span, children, with_children
from queries.language.errors import QueryError, shorten
from queries.language.parser import parse
from text.spelling import nearest

MAX_NODES = 100_000
"""Nodes of a query with all that it names: ten names that each hold ten names, and so on, would
else fill the memory."""
MAX_DEPTH = 150
"""Levels of a query with all that it names; the walks over the tree may recurse."""


def resolve(node: Node, queries: Mapping[str, str]) -> Node:
    """``node`` with saved queries for their names; see ``SavedQueries.resolve``."""
    return SavedQueries(queries).resolve(node)


@dataclass(frozen=True, slots=True)
class _Resolved:
    node: Node
    size: int
    depth: int


class SavedQueries:
    """Queries by name, each parsed once, when a query first names it."""

    def __init__(self, queries: Mapping[str, str]) -> None:
        self._queries = queries
        self._done: dict[str, _Resolved] = {}

    def resolve(self, node: Node) -> Node:
        """``node`` with saved queries for their names, each of their clauses at the name's place.

        Raises ``QueryError``, at the place of the name, for what a query cannot be or name.
        """
        return _at_names(node, self._resolved(node, (), 0).node)

    def _resolved(self, node: Node, path: tuple[str, ...], level: int) -> _Resolved:
        """The node without names in it; ``path``: the queries that it is in."""
        if isinstance(node, Named):
            found = self._named(node, path, level)
        else:
            below = [self._resolved(child, path, level + 1) for child in children(node)]
            found = _Resolved(
                with_children(node, [part.node for part in below]),
                1 + sum(part.size for part in below),
                1 + max((part.depth for part in below), default=0),
            )
        if found.size > MAX_NODES or level + found.depth > MAX_DEPTH:
            raise _too_large(node)
        return found

    def _named(self, node: Named, path: tuple[str, ...], level: int) -> _Resolved:
        name = node.name
        if name in path:
            circle = " → ".join(f"'{step}'" for step in (*path[path.index(name) :], name))
            raise QueryError(
                f"the queries name each other in a circle: {shorten(circle, 200)}",
                *node.span,
                "take one of the names out",
            )
        if level > MAX_DEPTH:
            raise _too_large(node)
        if name not in self._done:
            tree = self._parsed(node)
            try:
                self._done[name] = self._resolved(tree, (*path, name), level + 1)
            except QueryError as error:
                # Its place is in another text: in this one, it is that of the name.
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
            said = f"the query '{shorten(node.name)}' has a mistake: {error.message}"
            raise QueryError(said, *node.span, error.hint) from None


def _too_large(node: Node) -> QueryError:
    return QueryError(
        "with the queries that it names, this is too large", *node.span,
        "name fewer queries, or shorter ones",
    )  # fmt: skip


def _at_names(node: Node, resolved: Node) -> Node:
    """``resolved`` with places that are all in the text of ``node``."""
    if isinstance(node, Named):
        return _at(node.span, resolved)
    pairs = zip(children(node), children(resolved), strict=True)
    return with_children(resolved, [_at_names(child, other) for child, other in pairs])


def _at(span: Span, node: Node) -> Node:
    below = [_at(span, child) for child in children(node)]
    if isinstance(node, Phrase):
        node = replace(node, terms=tuple(replace(term, span=span) for term in node.terms))
    return replace(with_children(node, below), span=span)
