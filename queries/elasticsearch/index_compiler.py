"""Queries in Elasticsearch's own language.

::

    compile_query     a filter that matches the posts that tests.queries.reference says
    refusal           what to change in a query that the engine refused while it ran

The documents need the fields that ``queries.elasticsearch.index_fields`` makes. Pure.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from queries.elasticsearch.index_fields import (
    PRESENT,
    RANGE_PATHS,
    TEXT_PATHS,
    VALUE_PATHS,
    VALUES,
    field_of,
    maybe_in_folded,
)
from queries.elasticsearch.intervals import lucene_pattern, rule_of
from queries.language.ast import (
    And,
    Field,
    Named,
    Near,
    Node,
    Not,
    Or,
    Phrase,
    Range,
    Term,
    Value,
    walk,
)
from queries.language.errors import QueryError
from queries.language.fields import normal
from queries.matching.document import ANYWHERE

MAX_DEPTH = 25
"""Levels of AND, OR and NOT within each other; Elasticsearch takes 30 in all, the caller's too."""
MAX_EXPANDED = 50_000
"""Words of all intervals: more than most clusters take."""
MAX_TERMS = 65_536
"""Words of one ``terms`` query."""

Query = dict[str, Any]
_REFUSALS = {
    "too many nested clauses": (
        "the cluster takes no query of so many words and phrases",
        "split it in two; how many it takes follows from the memory of its nodes",
    ),
    "expanded to too many terms": (
        "a wildcard in a phrase or beside NEAR stands for too many words",
        "write more letters before it, or the words with OR",
    ),
    "Determinizing automaton": (
        "a wildcard is too complicated",
        "leave out what stands behind its first '*'",
    ),
}
"""What the engine says, and what that means."""


def compile_query(node: Node) -> Query:
    """The query for a filter; raises ``QueryError`` for what the engine could not run.

    ``node`` has to be checked, and to hold no ``Named``.
    """
    query = _Compiler().compile(node, ANYWHERE)
    if _deep(query) > MAX_DEPTH:
        raise QueryError(
            f"more than {MAX_DEPTH} levels of AND, OR and NOT", *node.span,
            "put parts that are alike side by side",
        )  # fmt: skip
    if _asks_old_fields(node):
        # Documents without our fields hold none of the words that a NOT speaks of.
        return _all([query, {"exists": {"field": PRESENT}}], [])
    return query


def refusal(answer: str) -> QueryError | None:
    """What an error that the engine answered says of the query; None: nothing of it.

    These limits are the cluster's and the data's, so that no query can be held to them before.
    """
    for said, (message, hint) in _REFUSALS.items():
        if said in answer:
            return QueryError(message, 0, 0, hint)
    return None


def _asks_old_fields(node: Node) -> bool:
    """Whether a document that was written without ``words`` and ``values`` might match."""
    for part in walk(node):
        if isinstance(part, Not | Range):
            return True
        if isinstance(part, Field) and not VALUE_PATHS.get(part.name, VALUES).startswith(VALUES):
            return True
    return False


class _Compiler:
    def __init__(self) -> None:
        self._parts = 0

    def compile(self, node: Node, fields: tuple[str, ...]) -> Query:
        """The query for a node whose words are looked for in ``fields``."""
        match node:
            case Term() | Phrase() | Near():
                return _any(self._words(node, TEXT_PATHS[field]) for field in fields)
            case And(parts):
                wanted = [part for part in parts if not isinstance(part, Not)]
                unwanted = [part.child for part in parts if isinstance(part, Not)]
                return _all(
                    [self.compile(part, fields) for part in wanted],
                    [self.compile(part, fields) for part in unwanted],
                )
            case Or(parts):
                return _any(self.compile(part, fields) for part in parts)
            case Not(child):
                return _all([], [self.compile(child, fields)])
            case Field(name, child):
                return self.compile(child, (name,))
            case Value(text):
                return _pattern_or_term(node, VALUE_PATHS[fields[0]], normal(text))
            case Range():
                return _range(node)
            case Named():
                raise ValueError(
                    "a query with names in it: call queries.language.saved.resolve first"
                )

    def _words(self, node: Term | Phrase | Near, path: str) -> Query:
        if isinstance(node, Term) and not maybe_in_folded(node):
            return _pattern_or_term(node, field_of(node, path), node.form)
        if isinstance(node, Phrase) and node.slop is None and _is_folded(node):
            return {"match_phrase": {path: " ".join(term.form for term in node.terms)}}
        rule, parts = rule_of(node, path)
        self._parts += parts
        if self._parts > MAX_EXPANDED:
            raise QueryError(
                f"when its distances are written out, the query has more than {MAX_EXPANDED:,} "
                "words", *node.span, "write fewer words beside NEAR, or two queries",
            )  # fmt: skip
        return {"intervals": {path: rule}}


# --- leaves ------------------------------------------------------------------------------------


def _is_folded(phrase: Phrase) -> bool:
    return not any(term.exact or term.accented or term.wildcard for term in phrase.terms)


def _pattern_or_term(node: Term | Value, field: str, form: str) -> Query:
    if not node.wildcard:
        return {"term": {field: form}}
    kind, asked = lucene_pattern(node, form)
    return {kind: {field: asked}}


def _range(node: Range) -> Query:
    ends = {"gte": node.low, "lte": node.high}
    bounds = {end: _bound(value) for end, value in ends.items() if value is not None}
    return {"range": {RANGE_PATHS[node.name]: bounds}}


def _bound(bound: int | datetime) -> int | str:
    if isinstance(bound, int):
        return bound
    return bound.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


# --- together ------------------------------------------------------------------------------------


def _any(queries: Iterable[Query]) -> Query:
    """One at least; words of one field become one query."""
    words: dict[str, dict[str, None]] = {}
    others: list[Query] = []
    for query in _spread(queries):
        for kind in ("term", "terms"):
            for field, found in query.get(kind, {}).items():
                listed = found if kind == "terms" else [found]
                words.setdefault(field, {}).update(dict.fromkeys(listed))
        if not query.keys() & {"term", "terms"}:
            others.append(query)
    together = [*_listed(words), *others]
    return together[0] if len(together) == 1 else {"bool": {"should": together}}


def _listed(words: dict[str, dict[str, None]]) -> Iterable[Query]:
    for field, found in words.items():
        every = list(found)
        if len(every) == 1:
            yield {"term": {field: every[0]}}
            continue
        for first in range(0, len(every), MAX_TERMS):
            yield {"terms": {field: every[first : first + MAX_TERMS]}}


def _all(wanted: Iterable[Query], unwanted: Iterable[Query]) -> Query:
    """All of the first and none of the second."""
    found: dict[str, list[Query]] = {"filter": [], "must_not": list(_spread(unwanted))}
    for query in wanted:
        inner = query.get("bool", {})
        if inner and inner.keys() <= found.keys():
            for kind, queries in inner.items():
                found[kind] += queries
        else:
            found["filter"].append(query)
    if len(found["filter"]) == 1 and not found["must_not"]:
        return found["filter"][0]
    return {"bool": {kind: queries for kind, queries in found.items() if queries}}


def _spread(queries: Iterable[Query]) -> Iterable[Query]:
    """What is only a list of alternatives counts as those."""
    for query in queries:
        inner = query.get("bool", {})
        yield from inner["should"] if inner.keys() == {"should"} else (query,)


def _deep(query: Query) -> int:
    inner = query.get("bool")
    if inner is None:
        return 0
    return 1 + max(_deep(part) for parts in inner.values() for part in parts)
