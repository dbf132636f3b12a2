"""Warns of what a query does to a sample of posts, and was probably not meant to do."""

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

from queries.ast import Node
from queries.effects import WHOLE, Clauses, Effect, clauses
from queries.errors import shorten
from queries.format import format_query
from queries.lint import Warned
from queries.matcher import QueryMatcher
from schemas.mention import Mention

FEWEST: Final = 20
"""Matches of which a share says something."""
MOST_CLAUSES: Final = 300
"""Clauses that are looked at; a query of more is judged by these."""
_BATCH = 1_000


def lint_sample(node: Node, mentions: Iterable[Mention]) -> list[Warned]:
    """What posts show to be unwise in a query without names in it, in the order of its text."""
    parts = clauses(node, MOST_CLAUSES)
    counts = _counts(parts, mentions)
    effects = parts.effects(counts)
    found = [*_removes_most(effects)]
    if counts[WHOLE]:
        found += _adds_nothing(effects)
    else:
        found.append(_matches_nothing(node, counts.total() > 0))
    return sorted(found, key=lambda warned: (warned.start, warned.end, warned.code))


def _counts(parts: Clauses, mentions: Iterable[Mention]) -> Counter[str]:
    matcher, counts, waiting = QueryMatcher(parts.queries), Counter[str](), iter(mentions)
    while batch := list(islice(waiting, _BATCH)):
        counts.update(match.name for found in matcher.match(batch) for match in found)
    return counts


def _matches_nothing(node: Node, less_would: bool) -> Warned:
    hint = "see if the words are spelt as people write them"
    if less_would:
        hint = "posts match without one of its clauses: see which, with 'tocsin query preview'"
    return Warned("matches-nothing", "no post of the sample matches", *node.span, hint)


def _removes_most(effects: list[Effect]) -> Iterator[Warned]:
    for effect in effects:
        without = effect.without or 0
        if effect.kind != "exclusion" or without < FEWEST or effect.removes * 2 <= without:
            continue
        # Of a NOT of several, the one that does it says more than all of them.
        if effect.level == 0 and any(_lies_in(one, effect) for one in effects):
            continue
        yield Warned(
            "removes-most",
            f"this exclusion removes {effect.removes} of the {without} posts that match without it",
            *effect.clause.span,
            "read some of those posts: the words beside it may tell them apart better",
        )


def _lies_in(one: Effect, other: Effect) -> bool:
    """Whether ``one`` is a part of ``other``, and removes most as well."""
    (start, end), (first, last) = one.clause.span, other.clause.span
    inside = one.level > other.level and first <= start and end <= last
    most = one.without is not None and one.removes * 2 > one.without >= FEWEST
    return inside and one.kind == "exclusion" and most


def _adds_nothing(effects: list[Effect]) -> Iterator[Warned]:
    for effect in effects:
        if effect.kind == "alternative" and effect.without is not None and not effect.adds:
            yield Warned(
                "adds-nothing",
                f"'{shorten(format_query(effect.clause), 60)}' adds no match: no post of the "
                "sample matches because of it alone",
                *effect.clause.span,
                "leave it out, or see if it is spelt as people write it",
            )
