"""Compiles a query to an Elasticsearch filter that matches the same posts as the live matcher.

The documents need the fields of ``queries.elasticsearch.index_fields``.
"""

from collections.abc import Iterable
from decimal import Decimal

from queries.elasticsearch import index_fields
from queries.elasticsearch.first_tokens import first_query
from queries.elasticsearch.intervals import lucene_pattern, rule_of
from queries.language.ast import (
    And,
    Bound,
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
)
from queries.language.errors import QueryError
from queries.language.fields import normal
from queries.language.spellings import with_spellings
from queries.language.tree import walk
from queries.matching.document import ANYWHERE
from schemas.types import JsonObject
from text.tokens import TOKENIZER_VERSION

MAX_DEPTH = 25
"""Nested AND, OR and NOT; Elasticsearch allows 30 levels, which include the caller's."""
MAX_EXPANDED = 50_000
"""Words of all intervals: more than most clusters allow."""
MAX_TERMS = 65_536
"""Words of one ``terms`` query."""

Query = JsonObject
_REFUSALS = {
    "too many nested clauses": (
        "the query has more words and phrases than the cluster allows",
        "split it in two; the limit depends on the memory of the nodes",
    ),
    "expanded to too many terms": (
        "a wildcard in a phrase or beside NEAR stands for too many words",
        "write more letters before it, or the words with OR",
    ),
    "Determinizing automaton": (
        "a wildcard is too complicated",
        "end the word after its first '*'",
    ),
}
"""Part of the engine's answer: our message and hint."""


def compile_query(node: Node) -> Query:
    """The filter for a checked and resolved query; raises ``QueryError`` beyond a limit."""
    node = with_spellings(node)
    query = _Compiler().compile(node, ANYWHERE)
    if _deep(query) > MAX_DEPTH:
        message = f"more than {MAX_DEPTH} levels of AND, OR and NOT"
        raise QueryError(message, *node.span, "merge a nested AND or OR with the outer one")
    if _asks_old_fields(node):
        # A NOT must not match older documents, which lack the fields for queries.
        return _all([query, {"exists": {"field": index_fields.PRESENT}}], [])
    return query


def refusal(answer: str) -> QueryError | None:
    """The mistake in the query that the engine's error means; None: another error.

    These limits depend on the cluster and its data: ``compile_query`` cannot check them.
    """
    for part, (message, hint) in _REFUSALS.items():
        if part in answer:
            return QueryError(message, 0, 0, hint)
    return None


def _asks_old_fields(node: Node) -> bool:
    """Whether a document without ``words`` and ``values`` might match."""
    for part in walk(node):
        if isinstance(part, Not | Range):
            return True
        if isinstance(part, Field) and not index_fields.VALUE_PATHS.get(
            part.name, index_fields.VALUES
        ).startswith(index_fields.VALUES):
            return True
    return False


class _Compiler:
    def __init__(self) -> None:
        self._parts = 0

    def compile(self, node: Node, fields: tuple[str, ...]) -> Query:
        """The query for a node; ``fields``: where its terms are searched."""
        match node:
            case Term() | Phrase() | Near():
                return self._found(node, fields)
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
                return _value(node, fields[0], normal(text))
            case Range():
                return _range(node)
            case Named():
                raise ValueError("unresolved query: call queries.language.references.resolve first")

    def _found(self, node: Term | Phrase | Near, fields: tuple[str, ...]) -> Query:
        """The words in any of the fields; in documents of an older tokenizer, also as they were."""
        paths = [index_fields.TEXT_PATHS[field] for field in fields]
        today = [self._words(node, path) for path in paths]
        older = first_query(node)
        if older is None:
            return _any(today)
        before = self._of_parts(older, paths)
        written = {"term": {index_fields.TOKENIZER: str(TOKENIZER_VERSION)}}
        return _any([*today, _all([before], [written])])

    def _of_parts(self, node: Term | Phrase | Near | Or, paths: list[str]) -> Query:
        if isinstance(node, Or):
            parts = [part for part in node.children if isinstance(part, Term | Phrase | Near)]
            return _any(self._of_parts(part, paths) for part in parts)
        return _any(self._words(node, path) for path in paths)

    def _words(self, node: Term | Phrase | Near, path: str) -> Query:
        if isinstance(node, Term) and not index_fields.maybe_in_folded(node):
            own = _pattern_or_term(node, index_fields.field_of(node, path), node.form)
            others = [{"term": {path: form}} for form in node.forms[1:]]
            others += [{"term": {path + index_fields.EXACT: form}} for form in node.capitals]
            return _any([own, *others]) if others else own
        if isinstance(node, Phrase) and node.slop is None and all(map(_is_folded, node.terms)):
            return {"match_phrase": {path: " ".join(term.form for term in node.terms)}}
        rule, parts = rule_of(node, path)
        self._parts += parts
        if self._parts > MAX_EXPANDED:
            message = f"with its distances written out, the query exceeds {MAX_EXPANDED:,} words"
            raise QueryError(message, *node.span, "write fewer words beside NEAR, or two queries")
        return {"intervals": {path: rule}}


def _is_folded(term: Term) -> bool:
    return not (term.exact or term.accented or term.wildcard) and len(term.forms) == 1


def _pattern_or_term(node: Term | Value, field: str, form: str) -> Query:
    if not node.wildcard:
        return {"term": {field: form}}
    kind, pattern = lucene_pattern(node, form)
    return {kind: {field: pattern}}


def _value(node: Value, field: str, form: str) -> Query:
    if field in index_fields.PAIR_PATHS and "=" in form:
        return {"term": {index_fields.PAIR_PATHS[field]: form}}
    if field == "towards":  # the index has it only in pairs, one of each brand
        return {"wildcard": {index_fields.PAIR_PATHS[field]: f"*={form}"}}
    return _pattern_or_term(node, index_fields.VALUE_PATHS[field], form)


def _range(node: Range) -> Query:
    ends = {"gte": node.low, "lte": node.high}
    bounds = {end: _bound(value) for end, value in ends.items() if value is not None}
    return {"range": {index_fields.RANGE_PATHS[node.name]: bounds}}


def _bound(bound: Bound) -> float | str:
    if isinstance(bound, int):
        return bound
    if isinstance(bound, Decimal):  # the share of the scale of 1 to 5
        return float((bound - 1) / 4)
    return bound.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def _any(queries: Iterable[Query]) -> Query:
    """At least one; words of one field become one query."""
    words: dict[str, dict[str, None]] = {}
    others: list[Query] = []
    for query in _spread(queries):
        for kind in ("term", "terms"):
            for field, forms in query.get(kind, {}).items():
                forms = forms if kind == "terms" else [forms]
                words.setdefault(field, {}).update(dict.fromkeys(forms))
        if not query.keys() & {"term", "terms"}:
            others.append(query)
    alternatives = [query for field, forms in words.items() for query in _terms(field, list(forms))]
    alternatives += others
    return alternatives[0] if len(alternatives) == 1 else {"bool": {"should": alternatives}}


def _terms(field: str, forms: list[str]) -> list[Query]:
    if len(forms) == 1:
        return [{"term": {field: forms[0]}}]
    chunks = range(0, len(forms), MAX_TERMS)
    return [{"terms": {field: forms[first : first + MAX_TERMS]}} for first in chunks]


def _all(wanted: Iterable[Query], unwanted: Iterable[Query]) -> Query:
    """All of ``wanted`` and none of ``unwanted``."""
    clauses: dict[str, list[Query]] = {"filter": [], "must_not": list(_spread(unwanted))}
    for query in wanted:
        inner = query.get("bool", {})
        if inner and inner.keys() <= clauses.keys():
            for kind, queries in inner.items():
                clauses[kind] += queries
        else:
            clauses["filter"].append(query)
    if len(clauses["filter"]) == 1 and not clauses["must_not"]:
        return clauses["filter"][0]
    return {"bool": {kind: queries for kind, queries in clauses.items() if queries}}


def _spread(queries: Iterable[Query]) -> Iterable[Query]:
    """Replaces a plain list of alternatives with its items."""
    for query in queries:
        inner = query.get("bool", {})
        yield from inner["should"] if inner.keys() == {"should"} else (query,)


def _deep(query: Query) -> int:
    inner = query.get("bool")
    if inner is None:
        return 0
    return 1 + max(_deep(part) for parts in inner.values() for part in parts)
