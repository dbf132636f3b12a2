"""What a query means: the evaluator that was written straight from ``docs/queries.md``.

Slow and plain on purpose. The live matcher, Elasticsearch and X rules are compared with it, so it
shares nothing with them but the tree, the tokens and the document. Never for a stream.

Where words stand is said by occurrences: runs of tokens in one text. ``NEAR`` and ``"…"~n`` keep
the shortest of them: an occurrence that holds another one does not count.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product

from queries.language.ast import And, Field, Named, Near, Node, Not, Or, Phrase, Range, Term, Value
from queries.language.fields import normal
from queries.matching.document import ANYWHERE, Document, MatchedSpan
from text.tokens import Tokens


@dataclass(frozen=True, slots=True)
class Result:
    """Whether a post matches, and where. A query of values alone matches nowhere."""

    matches: bool
    spans: frozenset[MatchedSpan] = frozenset()


@dataclass(frozen=True, slots=True)
class _Occurrence:
    """Tokens ``first`` up to ``end``, without it; ``parts``: those that were asked for."""

    first: int
    end: int
    parts: frozenset[tuple[int, int]]


_NO = Result(False)


def evaluate(node: Node, document: Document, fields: tuple[str, ...] = ANYWHERE) -> Result:
    """Whether ``document`` matches, its terms looked for in ``fields``."""
    match node:
        case Term() | Phrase() | Near():
            return _found(node, document, fields)
        case And(parts):
            results = [evaluate(part, document, fields) for part in parts]
            return _together(results) if all(r.matches for r in results) else _NO
        case Or(parts):
            results = [evaluate(part, document, fields) for part in parts]
            matching = [result for result in results if result.matches]
            return _together(matching) if matching else _NO
        case Not(child):
            return Result(not evaluate(child, document, fields).matches)
        case Field(name, child):
            return evaluate(child, document, (name,))
        case Value():
            return Result(any(_has_value(node, v) for v in document.values_of(fields[0])))
        case Range(name, low, high):
            value = document.numbers[name]
            return Result(
                value is not None
                and (low is None or low <= value)  # type: ignore[operator]
                and (high is None or value <= high)  # type: ignore[operator]
            )
        case Named():
            raise ValueError("a query with names in it: call queries.language.saved.resolve first")


def _together(results: list[Result]) -> Result:
    return Result(True, frozenset().union(*(result.spans for result in results)))


def _has_value(wanted: Value, value: str) -> bool:
    if wanted.wildcard:
        return fits(normal(wanted.text), value)
    return normal(wanted.text) == value


def fits(pattern: str, text: str) -> bool:
    """Whether ``*`` for any letters and ``?`` for one make ``pattern`` into ``text``."""
    # How much of the text the pattern so far may have taken.
    places = {0}
    for letter in pattern:
        if letter == "*":
            places = set(range(min(places), len(text) + 1)) if places else set()
        else:
            places = {p + 1 for p in places if p < len(text) and letter in ("?", text[p])}
    return len(text) in places


# --- where words stand -----------------------------------------------------------------------


def _found(node: Node, document: Document, fields: tuple[str, ...]) -> Result:
    matches, spans = False, set()
    for field in fields:
        for tokens, plain in product(document.texts_of(field), _without_or(node)):
            for occurrence in _occurrences(plain, tokens):
                matches = True
                for first, end in occurrence.parts:
                    spans.add(MatchedSpan(field, tokens.starts[first], tokens.ends[end - 1]))
    # An address is cut into words before it is read: its places are none of the post's.
    return Result(matches, frozenset(span for span in spans if span.field != "url"))


def _without_or(node: Node) -> Iterator[Node]:
    """OR beside NEAR means one NEAR for each of its parts; unordered NEAR means both orders."""
    match node:
        case Or(parts):
            for part in parts:
                yield from _without_or(part)
        case Near(left, right, _, ordered):
            for one, other in product(_without_or(left), _without_or(right)):
                yield replace(node, left=one, right=other, ordered=True)
                if not ordered:
                    yield replace(node, left=other, right=one, ordered=True)
        case _:
            yield node


def _occurrences(node: Node, tokens: Tokens) -> list[_Occurrence]:
    match node:
        case Term():
            return _runs((node,), tokens)
        case Phrase(terms, None):
            return _runs(terms, tokens)
        case Phrase(terms, slop):
            return _shortest(_scattered(terms, slop or 0, tokens))
        case Near(left, right, distance):
            return _shortest(
                _Occurrence(one.first, other.end, one.parts | other.parts)
                for one in _occurrences(left, tokens)
                for other in _occurrences(right, tokens)
                if 0 <= other.first - one.end <= distance
            )
        case _:
            raise TypeError(f"{type(node).__name__} does not stand anywhere")


def _runs(terms: tuple[Term, ...], tokens: Tokens) -> list[_Occurrence]:
    """Where the terms follow each other with nothing between."""
    places = [_places(term, tokens) for term in terms]
    return [
        _Occurrence(first, first + len(terms), frozenset({(first, first + len(terms))}))
        for first in range(len(tokens) - len(terms) + 1)
        if all(first + offset in each for offset, each in enumerate(places))
    ]


def _scattered(terms: tuple[Term, ...], slop: int, tokens: Tokens) -> Iterator[_Occurrence]:
    """Stretches that have a place of its own for each term, and at most ``slop`` more."""
    places = [_places(term, tokens) for term in terms]
    if not all(places):
        return
    for first in range(len(tokens)):
        for end in range(first + len(terms), min(first + len(terms) + slop, len(tokens)) + 1):
            inside = [each & set(range(first, end)) for each in places]
            if _each_has_a_place(inside):
                parts = frozenset((p, p + 1) for each in inside for p in each)
                yield _Occurrence(first, end, parts)
                break


def _each_has_a_place(places: list[set[int]]) -> bool:
    """Whether terms with these places can be given different ones (Kuhn's matching)."""
    taken: dict[int, int] = {}

    def give(number: int, tried: set[int]) -> bool:
        for place in places[number] - tried:
            tried.add(place)
            if place not in taken or give(taken[place], tried):
                taken[place] = number
                return True
        return False

    return all(give(number, set()) for number in range(len(places)))


def _places(term: Term, tokens: Tokens) -> set[int]:
    """The tokens that a term stands for."""
    return {place for place, token in enumerate(tokens.exact) if _stands_for(term, token)}


# Whoever compares asks for the same few words hundreds of thousands of times.
@lru_cache(maxsize=100_000)
def _stands_for(term: Term, token: str) -> bool:
    form = term.form_of(token)
    return fits(term.form, form) if term.wildcard else term.form == form


def _shortest(found: Iterator[_Occurrence]) -> list[_Occurrence]:
    """Those that hold no other one; where two are one stretch, both."""
    every = list(found)
    return [
        one
        for one in every
        if not any(
            one.first <= other.first
            and other.end <= one.end
            and (one.first, one.end) != (other.first, other.end)
            for other in every
        )
    ]
