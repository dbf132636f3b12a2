"""What each clause of a query does: the query is asked as it is, and without each of its clauses.

::

    parts = clauses(parse("(velmora OR corvane) AND panne NOT jus"))
    parts.queries                   by name, to be asked of the same posts
    parts.effects(counts)           from how many each of them matched

An alternative of an OR adds the posts that no other one gives; a condition of an AND and a NOT take
posts away. Clauses are those of the query and one level below; a NEAR, a field and the parentheses
of a NOT are no level of their own. Pure: whoever asks may be the matcher or the index.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain, islice, zip_longest
from typing import Final, Literal, TypeAlias

from queries.language.ast import And, Field, Near, Node, Not, Or, walk
from queries.language.errors import QueryError
from queries.language.validate import check

WHOLE: Final = "query"
"""The name of the query as it is."""
MAX_SHOWN_CLAUSES: Final = 60
"""Clauses that are looked at where nobody says how many."""
_MAX_DEPTH = 1
_MAX_NODES: Final = 100_000
"""Nodes of all queries together: each of them is as long as the query."""

Kind = Literal["alternative", "condition", "exclusion"]
_ORDER: tuple[Kind, ...] = ("condition", "alternative", "exclusion")


@dataclass(frozen=True, slots=True)
class Effect:
    """One clause, and how many posts match with it and without it."""

    clause: Node
    kind: Kind
    level: int
    """0: a part of the query; 1: a part of that."""
    matches: int
    without: int | None
    """None: without it the query would ask for nothing."""

    @property
    def adds(self) -> int:
        """Posts that match only because of it."""
        return 0 if self.without is None else max(0, self.matches - self.without)

    @property
    def removes(self) -> int:
        """Posts that would match if it were not there."""
        return 0 if self.without is None else max(0, self.without - self.matches)


_Put: TypeAlias = Callable[[Node], Node]
"""Makes the whole query with another node in one place of it."""


@dataclass(slots=True, eq=False)
class _Part:
    clause: Node
    kind: Kind
    level: int
    without: Callable[[], Node]
    """Made when it is wanted: an OR of 10,000 has as many clauses, each of them as long."""
    side: tuple[int, ...] = ()
    """Of which side of a NEAR it is."""
    below: "list[_Part]" = field(default_factory=list)
    name: str = ""
    """Of the query without it, once it is known that there is one."""


class Clauses:
    """The clauses of one query, and what to ask to know what they do."""

    def __init__(self, node: Node, most: int = MAX_SHOWN_CLAUSES) -> None:
        self.queries: dict[str, Node] = {WHOLE: node}
        self._parts = _parts(node, lambda whole: whole, 0, excluded=False)
        self._kept: set[_Part] = set()
        every = _by_weight(self._parts)
        for part in islice(every, min(most, max(1, _MAX_NODES // sum(1 for _ in walk(node))))):
            self._keep(part)
        self.left_out = sum(1 for _ in every)

    def _keep(self, part: _Part) -> None:
        self._kept.add(part)
        without = part.without()
        try:
            check(without)
        except QueryError:
            # The only thing that it asks for: without it, nearly every post would match.
            return
        part.name = f"without {len(self._kept)}"
        self.queries[part.name] = without

    def effects(self, counts: Mapping[str, int]) -> list[Effect]:
        """What each clause does, the parts of one clause behind it, those that do most first.

        ``counts``: how many posts match each of ``queries``; none where it says nothing.
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


def clauses(node: Node, most: int = MAX_SHOWN_CLAUSES) -> Clauses:
    """The clauses of a query without names in it; those below come last if there are too many.

    Of a query of thousands of clauses fewer than ``most`` are looked at.
    """
    return Clauses(node, most)


def _by_weight(parts: list[_Part]) -> Iterator[_Part]:
    """The query's own parts, then those below: the first of each, the second of each, and so on."""
    yield from parts
    rounds = zip_longest(*(part.below for part in parts))
    yield from (part for part in chain.from_iterable(rounds) if part is not None)


def _parts(node: Node, put: _Put, level: int, *, excluded: bool) -> list[_Part]:
    """The clauses of ``node``, which ``put`` puts into the query."""
    match node:
        case And() | Or():
            return [
                _part(node, number, put, level, excluded=excluded)
                for number in range(len(node.children))
            ]
        case Not(child):
            return _parts(child, lambda new: put(replace(node, child=new)), level, excluded=True)
        case Field(_, child):
            found = _parts(
                child, lambda new: put(replace(node, child=new)), level, excluded=excluded
            )
            for part in found:
                part.clause = replace(node, child=part.clause, span=part.clause.span)
            return found
        case Near(left, right):
            sides = (
                _parts(left, lambda new: put(replace(node, left=new)), level, excluded=excluded),
                _parts(right, lambda new: put(replace(node, right=new)), level, excluded=excluded),
            )
            for number, side in enumerate(sides):
                for part in side:
                    part.side = (number, *part.side)
            return [*sides[0], *sides[1]]
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
