"""Where terms, phrases and NEAR stand in one text: runs of tokens, found from places by token.

What is found is what ``tests.queries.reference`` finds: of the occurrences of a NEAR or of
``"…"~n``, those that hold no shorter one. So they are sorted by beginning and by end alike, and one
pass over two such lists joins them.
"""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, lru_cache
from typing import TypeAlias

from queries.language.ast import Near, Node, Or, Phrase, Term
from text.tokens import Tokens, folded_form

Parts: TypeAlias = tuple[tuple[int, int], ...]
"""Runs of tokens that were asked for: first, and the one behind the last."""
Occurrence: TypeAlias = tuple[int, int, Parts]
"""First token, the one behind the last, and the runs that were asked for."""


class IndexedText:
    """The tokens of one text and where each of them stands.

    ``tokens``: gives the same tokens with their exact forms, which few terms ask for.
    """

    def __init__(self, folded: list[str], tokens: Callable[[], Tokens]) -> None:
        self.folded = folded
        self.tokens = tokens
        self._terms: dict[Term, Sequence[int]] = {}

    @cached_property
    def places(self) -> dict[str, list[int]]:
        places: dict[str, list[int]] = {}
        for place, token in enumerate(self.folded):
            places.setdefault(token, []).append(place)
        return places

    def places_of(self, term: Term) -> Sequence[int]:
        """Where a term stands, in order."""
        if not (term.wildcard or term.exact or term.accented):
            return self.places.get(term.form, ())
        found = self._terms.get(term)
        if found is None:
            found = self._terms[term] = self._looked_up(term)
        return found

    def _looked_up(self, term: Term) -> Sequence[int]:
        form = term.form
        if term.wildcard:
            fits = pattern(form)
            if not (term.exact or term.accented):
                stem = form[: re.search(r"[*?]", form).start()]  # type: ignore[union-attr]
                folded = enumerate(self.folded)
                return [p for p, token in folded if token.startswith(stem) and fits(token)]
            exact = enumerate(self.tokens().exact)
            return [p for p, token in exact if fits(term.form_of(token))]
        places = self.places.get(folded_form(term.text) or form)
        if not places:
            return ()
        tokens = self.tokens().exact
        return [place for place in places if term.form_of(tokens[place]) == form]


@lru_cache(maxsize=10_000)
def pattern(form: str) -> Callable[[str], object]:
    """What tells whether ``*`` and ``?`` can make ``form`` into a string."""
    # Possessive: what one star has skipped is never tried again, since the next star can skip it.
    pieces = re.split(r"\*+", form)
    parts = ["".join("." if c == "?" else re.escape(c) for c in piece) for piece in pieces]
    if len(parts) == 1:
        return re.compile(parts[0], re.DOTALL).fullmatch
    inner = "".join(f"(?>.*?{part})" for part in parts[1:-1] if part)
    last = f".*{parts[-1]}" if parts[-1] else ".*"
    return re.compile(f"{parts[0]}{inner}{last}", re.DOTALL).fullmatch


def occurrences(node: Node, text: IndexedText) -> Iterator[list[Occurrence]]:
    """For each way to choose one part of every OR and one order of every NEAR, where it stands.

    Ways that stand nowhere are left out.
    """
    match node:
        case Or(parts):
            for part in parts:
                yield from occurrences(part, text)
        case Near():
            yield from _near(node, text)
        case _:
            found = _runs(node, text)
            if found:
                yield found


def _near(node: Near, text: IndexedText) -> Iterator[list[Occurrence]]:
    left = list(occurrences(node.left, text))
    if not left:
        return
    right = list(occurrences(node.right, text))
    for one in left:
        for other in right:
            if found := _joined(one, other, node.distance):
                yield found
            if not node.ordered and (found := _joined(other, one, node.distance)):
                yield found


def _joined(left: list[Occurrence], right: list[Occurrence], distance: int) -> list[Occurrence]:
    """The shortest stretches from one of the left to one of the right that follows it."""
    found: list[Occurrence] = []
    at, count = 0, len(right)
    for first, end, parts in left:
        while at < count and right[at][0] < end:
            at += 1
        if at == count:
            break
        begin, last, more = right[at]
        if begin - end > distance:
            continue
        if found and found[-1][1] == last:
            # The same end from farther off: it holds this one.
            found.pop()
        found.append((first, last, parts + more))
    return found


def _runs(node: Node, text: IndexedText) -> list[Occurrence]:
    match node:
        case Term():
            return [(p, p + 1, ((p, p + 1),)) for p in text.places_of(node)]
        case Phrase(terms, None):
            return _rows(terms, text)
        case Phrase(terms, slop):
            return _scattered(terms, slop or 0, text)
        case _:
            raise TypeError(f"{type(node).__name__} does not stand anywhere")


def _rows(terms: tuple[Term, ...], text: IndexedText) -> list[Occurrence]:
    """Where the terms follow each other with nothing between."""
    length = len(terms)
    rest: list[tuple[int, Sequence[int]]] = []
    for offset, term in enumerate(terms):
        places = text.places_of(term)
        if not places:
            return []
        rest.append((offset, places))
    rest.sort(key=lambda one: len(one[1]))
    (offset, rarest), *others = rest
    firsts = [place - offset for place in rarest]
    for offset, places in others:
        held = set(places)
        firsts = [first for first in firsts if first + offset in held]
    return [(first, first + length, ((first, first + length),)) for first in firsts]


def _scattered(terms: tuple[Term, ...], slop: int, text: IndexedText) -> list[Occurrence]:
    """The shortest stretches with a place of its own for each term and at most ``slop`` more."""
    wanted = [text.places_of(term) for term in terms]
    if not all(wanted):
        return []
    by_place: dict[int, list[int]] = {}
    for number, places in enumerate(wanted):
        for place in places:
            by_place.setdefault(place, []).append(number)
    every = sorted(by_place)
    found: list[Occurrence] = []
    for at, first in enumerate(every):
        last = bisect_left(every, first + len(terms) + slop, at)
        end = _first_end(every[at:last], by_place, len(terms))
        if end is None:
            continue
        if found and found[-1][1] == end:
            found.pop()
        parts = tuple((p, p + 1) for p in every[at:last] if p < end)
        found.append((first, end, parts))
    return found


def _first_end(places: list[int], by_place: dict[int, list[int]], terms: int) -> int | None:
    """Behind the place at which the terms can first be given different places (Kuhn's matching)."""
    if len(places) < terms:
        return None
    given: dict[int, int] = {}

    def give(place: int, tried: set[int]) -> bool:
        for number in by_place[place]:
            if number in tried:
                continue
            tried.add(number)
            if number not in given or give(given[number], tried):
                given[number] = place
                return True
        return False

    for place in places:
        if give(place, set()) and len(given) == terms:
            return place + 1
    return None
