"""Whether a query has a chance, by the set of words that a post's searchable text has.

The second sieve behind the prefilter: it knows which words there are, not where they stand or what
sign is before them, and costs no tokens. It never says no to a post that matches.
"""

from collections.abc import Callable, Set
from typing import TypeAlias

from queries.ast import And, Field, Near, Node, Or, Phrase, Term
from queries.searchable import searchable
from queries.tokens import MAX_FOLDED, fold

Chance: TypeAlias = Callable[[Set[str]], bool]


def chance_of(node: Node) -> Chance | None:
    """What the words must be like; None where they say nothing."""
    match node:
        case Term():
            return _of_term(node)
        case Phrase(terms):
            return _all([_of_term(term) for term in terms])
        case Near(left, right):
            return _all([chance_of(left), chance_of(right)])
        case And(parts):
            return _all([chance_of(part) for part in parts])
        case Or(parts):
            return _any(parts)
        case Field(("text" | "title"), child):
            return chance_of(child)
        case _:
            return None


def _words_of(term: Term) -> frozenset[str]:
    """The words that a post has where it has the term; none where that cannot be said."""
    if term.wildcard or term.kind == "url" or len(term.text) > MAX_FOLDED // 4:
        return frozenset()
    return frozenset(searchable(fold(term.text) or term.text).split())


def _of_term(term: Term) -> Chance | None:
    wanted = _words_of(term)
    if not wanted:
        return None
    if len(wanted) == 1:
        (word,) = wanted
        return lambda words: word in words
    return wanted.issubset


def _all(chances: list[Chance | None]) -> Chance | None:
    known = [chance for chance in chances if chance is not None]
    if len(known) < 2:
        return known[0] if known else None
    return lambda words: all(chance(words) for chance in known)


def _any(parts: tuple[Node, ...]) -> Chance | None:
    single: set[str] = set()
    others: list[Chance] = []
    for part in parts:
        words = _words_of(part) if isinstance(part, Term) else frozenset()
        if len(words) == 1:
            single |= words
            continue
        chance = chance_of(part)
        if chance is None:
            return None
        others.append(chance)
    if not others:
        return lambda words: not single.isdisjoint(words)
    return lambda words: not single.isdisjoint(words) or any(chance(words) for chance in others)
