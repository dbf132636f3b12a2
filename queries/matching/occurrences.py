"""Occurrences of terms, phrases and NEAR in one text, from an index of token positions.

An occurrence of a NEAR or ``"…"~n`` never contains a shorter one. Lists of them are therefore
sorted by start and end alike, and one pass joins two lists.
"""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, lru_cache
from itertools import product
from typing import TypeAlias

from queries.language.ast import Near, Node, Or, Phrase, Term
from text.tokens import Tokens, folded_form

Parts: TypeAlias = tuple[tuple[int, int], ...]
"""Matched runs of tokens: start and end."""
Occurrence: TypeAlias = tuple[int, int, Parts]
"""Start, end, and the matched runs in it."""


class IndexedText:
    """The tokens of one text and their positions."""

    def __init__(self, tokens: Tokens) -> None:
        self.tokens = tokens
        self.folded = tokens.folded
        self._terms: dict[Term, Sequence[int]] = {}

    @cached_property
    def places(self) -> dict[str, list[int]]:
        places: dict[str, list[int]] = {}
        for place, token in enumerate(self.folded):
            places.setdefault(token, []).append(place)
        return places

    def places_of(self, term: Term) -> Sequence[int]:
        """The positions of a term, in order."""
        if not (term.wildcard or term.exact or term.accented):
            if len(term.forms) == 1:
                return self.places.get(term.form, ())
            places_of = self.places
            found = (place for form in term.forms for place in places_of.get(form, ()))
            return sorted(found)
        places = self._terms.get(term)
        if places is None:
            places = self._terms[term] = self._look_up(term)
        return places

    def _look_up(self, term: Term) -> Sequence[int]:
        form = term.form
        if term.wildcard:
            fits = pattern(form)
            if not (term.exact or term.accented):
                stem = form[: re.search(r"[*?]", form).start()]  # type: ignore[union-attr]
                folded = enumerate(self.folded)
                return [p for p, token in folded if token.startswith(stem) and fits(token)]
            exact = enumerate(self.tokens.exact)
            return [p for p, token in exact if fits(term.form_of(token))]
        places = self.places.get(folded_form(term.text) or form)
        if not places:
            return ()
        tokens = self.tokens.exact
        return [place for place in places if term.stands_for(tokens[place])]


@lru_cache(maxsize=10_000)
def pattern(form: str) -> Callable[[str], object]:
    """Matches strings with ``form``, in which ``*`` and ``?`` are wildcards."""
    # Atomic groups: the first match of a piece is enough, since the next ``*`` can skip the rest.
    pieces = re.split(r"\*+", form)
    parts = ["".join("." if c == "?" else re.escape(c) for c in piece) for piece in pieces]
    if len(parts) == 1:
        return re.compile(parts[0], re.DOTALL).fullmatch
    inner = "".join(f"(?>.*?{part})" for part in parts[1:-1] if part)
    last = f".*{parts[-1]}" if parts[-1] else ".*"
    return re.compile(f"{parts[0]}{inner}{last}", re.DOTALL).fullmatch


def occurrences(node: Node, text: IndexedText) -> Iterator[list[Occurrence]]:
    """The occurrences of each combination of OR parts and NEAR orders that has any."""
    match node:
        case Or(parts):
            for part in parts:
                yield from occurrences(part, text)
        case Near():
            yield from _near(node, text)
        case _:
            if runs := _runs(node, text):
                yield runs


def _near(node: Near, text: IndexedText) -> Iterator[list[Occurrence]]:
    left = list(occurrences(node.left, text))
    if not left:
        return
    right = list(occurrences(node.right, text))
    for first, second in product(left, right):
        if joined := _joined(first, second, node.distance):
            yield joined
        if not node.ordered and (joined := _joined(second, first, node.distance)):
            yield joined


def _joined(left: list[Occurrence], right: list[Occurrence], distance: int) -> list[Occurrence]:
    """The shortest occurrences of one of ``left`` followed by one of ``right``."""
    joined: list[Occurrence] = []
    at, count = 0, len(right)
    for first, end, parts in left:
        while at < count and right[at][0] < end:
            at += 1
        if at == count:
            break
        begin, last, more = right[at]
        if begin - end > distance:
            continue
        if joined and joined[-1][1] == last:
            # The same end and an earlier start: it contains this one.
            joined.pop()
        joined.append((first, last, parts + more))
    return joined


def _runs(node: Node, text: IndexedText) -> list[Occurrence]:
    match node:
        case Term():
            return [(p, p + 1, ((p, p + 1),)) for p in text.places_of(node)]
        case Phrase(terms, None):
            return _rows(terms, text)
        case Phrase(terms, slop):
            return _scattered(terms, slop or 0, text)
        case _:
            raise TypeError(f"{type(node).__name__} has no occurrences")


def _rows(terms: tuple[Term, ...], text: IndexedText) -> list[Occurrence]:
    """Adjacent terms, the rarest first."""
    length = len(terms)
    places_of: list[tuple[int, Sequence[int]]] = []
    for offset, term in enumerate(terms):
        places = text.places_of(term)
        if not places:
            return []
        places_of.append((offset, places))
    places_of.sort(key=lambda pair: len(pair[1]))
    (offset, rarest), *others = places_of
    firsts = [place - offset for place in rarest]
    for offset, places in others:
        candidates = set(places)
        firsts = [first for first in firsts if first + offset in candidates]
    return [(first, first + length, ((first, first + length),)) for first in firsts]


def _scattered(terms: tuple[Term, ...], slop: int, text: IndexedText) -> list[Occurrence]:
    """The shortest occurrences with a separate token per term and at most ``slop`` others."""
    wanted = [text.places_of(term) for term in terms]
    if not all(wanted):
        return []
    by_place: dict[int, list[int]] = {}
    for number, places in enumerate(wanted):
        for place in places:
            by_place.setdefault(place, []).append(number)
    every = sorted(by_place)
    shortest: list[Occurrence] = []
    for at, first in enumerate(every):
        last = bisect_left(every, first + len(terms) + slop, at)
        end = _first_end(every[at:last], by_place, len(terms))
        if end is None:
            continue
        if shortest and shortest[-1][1] == end:
            shortest.pop()
        parts = tuple((p, p + 1) for p in every[at:last] if p < end)
        shortest.append((first, end, parts))
    return shortest


def _first_end(places: list[int], by_place: dict[int, list[int]], terms: int) -> int | None:
    """The end of the shortest prefix of ``places`` with one place per term (Kuhn's matching)."""
    if len(places) < terms:
        return None
    assigned: dict[int, int] = {}

    def assign(place: int, tried: set[int]) -> bool:
        for number in by_place[place]:
            if number in tried:
                continue
            tried.add(number)
            if number not in assigned or assign(assigned[number], tried):
                assigned[number] = place
                return True
        return False

    for place in places:
        if assign(place, set()) and len(assigned) == terms:
            return place + 1
    return None
