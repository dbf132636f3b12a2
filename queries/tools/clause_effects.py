"""Measures each clause of a query by matching the query with and without it.

An alternative of an OR adds the posts that only it matches; a condition of an AND and a NOT remove
posts. The clauses are those of the query and one level below; NEAR, fields and the parentheses of a
NOT are not levels. The caller matches ``Clauses.queries`` and passes the counts to ``effects``.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain, islice, zip_longest
from typing import Final, Literal, TypeAlias

from queries.language.ast import And, Field, Near, Node, Not, Or
from queries.language.errors import QueryError
from queries.language.tree import walk
from queries.language.validate import check

WHOLE: Final = "query"
"""The name of the unchanged query."""
MAX_SHOWN_CLAUSES: Final = 60
"""The default number of measured clauses."""
_MAX_DEPTH = 1
_MAX_NODES: Final = 100_000
"""Nodes of all queries together: each is as long as the query."""

Kind = Literal["alternative", "condition", "exclusion"]
_ORDER: tuple[Kind, ...] = ("condition", "alternative", "exclusion")


@dataclass(frozen=True, slots=True)
class Effect:
    """How many posts match with and without a clause."""

    clause: Node
    kind: Kind
    level: int
    """0: a clause of the query; 1: a clause of that clause."""
    matches: int
    without: int | None
    """None: without the clause, nearly every post would match."""

    @property
    def adds(self) -> int:
        """Posts that match only because of the clause."""
        return 0 if self.without is None else max(0, self.matches - self.without)

    @property
    def removes(self) -> int:
        """Posts that would match without the clause."""
        return 0 if self.without is None else max(0, self.without - self.matches)


_Put: TypeAlias = Callable[[Node], Node]
"""Returns the whole query with another node in one place."""


@dataclass(slots=True, eq=False)
class _Part:
    clause: Node
    kind: Kind
    level: int
    without: Callable[[], Node]
    """Lazy: an OR of 10,000 has 10,000 clauses, each with a query as long."""
    side: tuple[int, ...] = ()
    """Its operand numbers in the enclosing NEARs."""
    below: "list[_Part]" = field(default_factory=list)
    name: str = ""
    """The name of the query without it; empty: not measured."""


class Clauses:
    """The clauses of a resolved query. At most ``limit`` are measured, upper levels first."""

    def __init__(self, node: Node, limit: int = MAX_SHOWN_CLAUSES) -> None:
        self.queries: dict[str, Node] = {WHOLE: node}
        self._parts = _parts(node, lambda whole: whole, 0, excluded=False)
        self._kept: set[_Part] = set()
        by_level = _by_level(self._parts)
        limit = min(limit, max(1, _MAX_NODES // sum(1 for _ in walk(node))))
        for part in islice(by_level, limit):
            self._keep(part)
        self.left_out = sum(1 for _ in by_level)

    def _keep(self, part: _Part) -> None:
        self._kept.add(part)
        without = part.without()
        try:
            check(without)
        except QueryError:
            # Without its only positive clause, the query would match nearly every post.
            return
        part.name = f"without {len(self._kept)}"
        self.queries[part.name] = without

    def effects(self, counts: Mapping[str, int]) -> list[Effect]:
        """The effects, the largest first, each followed by those of its own clauses.

        ``counts``: the posts that match each of ``queries``; a missing name means 0.
        """
        return list(self._effects(self._parts, counts))

    def _effects(self, parts: list[_Part], counts: Mapping[str, int]) -> Iterator[Effect]:
        matches = counts.get(WHOLE, 0)
        shown: list[tuple[Effect, _Part]] = []
        for part in parts:
            below = any(inner in self._kept for inner in part.below)
            if part.name or below:
                without = counts.get(part.name, 0) if part.name else None
                effect = Effect(part.clause, part.kind, part.level, matches, without)
                shown.append((effect, part))
        shown.sort(key=_rank)
        for effect, part in shown:
            yield effect
            yield from self._effects(part.below, counts)


def _rank(shown: tuple[Effect, _Part]) -> tuple[int, tuple[int, ...], int]:
    effect, part = shown
    return _ORDER.index(effect.kind), part.side, -effect.adds - effect.removes


def _by_level(parts: list[_Part]) -> Iterator[_Part]:
    """The parts, then those below: the first of each, the second of each, and so on."""
    rounds = zip_longest(*(part.below for part in parts))
    yield from chain(parts, filter(None, chain.from_iterable(rounds)))


def _parts(node: Node, put: _Put, level: int, *, excluded: bool) -> list[_Part]:
    """The clauses of ``node``; ``put`` replaces it in the query."""
    match node:
        case And() | Or():
            numbers = range(len(node.children))
            return [_part(node, number, put, level, excluded=excluded) for number in numbers]
        case Not(child):
            return _parts(child, lambda new: put(replace(node, child=new)), level, excluded=True)
        case Field(_, child):
            parts = _parts(child, lambda n: put(replace(node, child=n)), level, excluded=excluded)
            for part in parts:
                part.clause = replace(node, child=part.clause, span=part.clause.span)
            return parts
        case Near(left, right):
            first = _parts(left, lambda n: put(replace(node, left=n)), level, excluded=excluded)
            second = _parts(right, lambda n: put(replace(node, right=n)), level, excluded=excluded)
            for number, side in enumerate((first, second)):
                for part in side:
                    part.side = (number, *part.side)
            return first + second
        case _:
            return []


def _part(node: And | Or, number: int, put: _Put, level: int, *, excluded: bool) -> _Part:
    clause, parts = node.children[number], node.children

    def without() -> Node:
        rest = parts[:number] + parts[number + 1 :]
        return put(rest[0] if len(rest) == 1 else replace(node, children=rest))

    def put_here(new: Node) -> Node:
        return put(replace(node, children=(*parts[:number], new, *parts[number + 1 :])))

    kind: Kind = "alternative" if isinstance(node, Or) else "condition"
    if excluded or isinstance(clause, Not):
        kind = "exclusion"
    part = _Part(clause, kind, level, without)
    if level < _MAX_DEPTH:
        part.below = _parts(clause, put_here, level + 1, excluded=excluded)
    return part
