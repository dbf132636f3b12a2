"""Where words stand, in Elasticsearch's ``intervals``: phrases, ``"…"~n`` and ``NEAR``.

Lucene keeps the shortest intervals of whatever it combines. The language does so for each NEAR and
each of its alternatives on its own, so an ``any_of`` may hold only what cannot hold each other: an
interval beside a shorter one within it would get lost. Three things make it exact:

- Alternatives of one width share an ``any_of``; others become rules of their own.
- Of a NEAR within a NEAR, the outer one sees the end that is towards its other operand. Which
  tokens such an end can be is the same whether the alternatives at the far end are together or each
  on its own, so that only the alternatives at the near end are written out (``_End``).
- ``"a b c"~5`` is an unordered ``all_of`` where no token can be two of the words, and so is
  ``a NEAR/5 b``. Where one can, the words need places of their own: these become their orders,
  each an ordered ``all_of``.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from itertools import product
from typing import Any, Literal

from queries.elasticsearch.index_fields import EXACT, SAME, field_of, maybe_in_folded
from queries.language.ast import Near, Node, Or, Phrase, Term, Value
from queries.language.errors import QueryError
from text.tokens import folded_form

MAX_PARTS = 4000
"""Words of one rule when its alternatives are written out, in one field."""

Rule = dict[str, Any]
_NEVER: Rule = {"match": {"query": f"{SAME}{SAME}"}}
"""No token is like this."""


class _End(Enum):
    """Which of its ends counts of a stretch that something combines."""

    NONE = "none"
    FIRST = "first"
    LAST = "last"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class _Source:
    """A rule whose intervals never hold each other."""

    rule: Rule
    width: int | None = None
    """Tokens of each interval; None where that differs."""


def rule_of(node: Term | Phrase | Near, path: str) -> tuple[Rule, int]:
    """The rule for a node in one field of text, and its words, as the engine counts them."""
    sources = _Sources(path, node).of(node)
    rules = [source.rule for source in sources]
    return _any_of(rules), sum(map(_parts, rules))


def _word_rule(term: Term, path: str) -> Rule:
    own = _in_form(term, field_of(term, path), path)
    if not maybe_in_folded(term):
        return own
    same = {"match": {"query": SAME, "use_field": path + EXACT}}
    plain = {"intervals": [_in_form(term, path, path)], "filter": {"contained_by": same}}
    return _any_of([{"any_of": plain}, own])


def _any_of(rules: list[Rule], *, whole: bool = False) -> Rule:
    """One of the rules; ``whole``: what combines it sees the shortest stretches of all together.

    Lucene takes an ``any_of`` of more than single words apart: it would write out all combinations,
    and look for the shortest in each. One with such a filter it leaves whole.
    """
    if len(rules) == 1:
        return rules[0]
    return _left_whole(rules) if whole else {"any_of": {"intervals": rules}}


def _left_whole(rules: list[Rule]) -> Rule:
    return {"any_of": {"intervals": rules, "filter": {"not_contained_by": _NEVER}}}


def _in_form(term: Term, field: str, path: str) -> Rule:
    elsewhere = {} if field == path else {"use_field": field}
    if not term.wildcard:
        return {"match": {"query": term.form, **elsewhere}}
    kind, asked = lucene_pattern(term, term.form)
    return {kind: {"prefix" if kind == "prefix" else "pattern": asked, **elsewhere}}


def _in_order(rules: Iterable[Rule], most_gaps: int) -> Rule:
    """The rules one behind the other.

    Lucene takes equal ones side by side for one that repeats, and what stands between as part of
    it. So every other one is made unequal.
    """
    listed: list[Rule] = []
    for rule in rules:
        twin = bool(listed) and listed[-1] == rule
        listed.append(_left_whole([rule]) if twin else rule)
    return {"all_of": {"intervals": listed, "ordered": True, "max_gaps": most_gaps}}


def _together(rules: list[Rule], most_gaps: int) -> Rule:
    return {"all_of": {"intervals": rules, "ordered": False, "max_gaps": most_gaps}}


# --- phrases -----------------------------------------------------------------------------------


def _phrase(phrase: Phrase, path: str) -> _Source:
    rules = {term: _word_rule(term, path) for term in phrase.terms}
    count = len(phrase.terms)
    if phrase.slop is None:
        return _Source(_in_order([rules[t] for t in phrase.terms], 0), count)
    if _apart(phrase.terms):
        return _Source(_together([rules[term] for term in phrase.terms], phrase.slop))
    error = QueryError(
        f"a phrase of {count} words with a distance is too long where one word may be "
        "another of them",
        *phrase.span,
        "leave out what stands there twice, or write NEAR",
    )
    orders = _limited(
        (
            _Source(_in_order([rules[term] for term in order], phrase.slop))
            for order in _orders(phrase.terms)
        ),
        error,
    )
    return _Source(_any_of([order.rule for order in orders], whole=True))


def _limited(sources: Iterable[_Source], error: QueryError) -> list[_Source]:
    """The sources; raises ``error`` where they have more than ``MAX_PARTS`` words."""
    kept: list[_Source] = []
    parts = 0
    for source in sources:
        parts += _parts(source.rule)
        if parts > MAX_PARTS:
            raise error
        kept.append(source)
    return kept


def _apart(terms: tuple[Term, ...]) -> bool:
    """Whether surely no token is two of the words."""
    return all(
        _differ(one, other) for place, one in enumerate(terms) for other in terms[place + 1 :]
    )


def _differ(one: Term, other: Term) -> bool:
    first, second = one.form, other.form
    if (one.exact, one.accented) != (other.exact, other.accented):
        first, second = folded_form(first), folded_form(second)
    if not one.wildcard and not other.wildcard:
        return first != second
    first, second = _stem(one, first), _stem(other, second)
    return not (
        (one.wildcard and second.startswith(first)) or (other.wildcard and first.startswith(second))
    )


def _stem(term: Term, form: str) -> str:
    return form.replace("?", "*").partition("*")[0] if term.wildcard else form


def _orders(terms: tuple[Term, ...]) -> Iterator[list[Term]]:
    """All orders; equal words are not told apart."""
    if not terms:
        yield []
    for first in dict.fromkeys(terms):
        place = terms.index(first)
        for rest in _orders(terms[:place] + terms[place + 1 :]):
            yield [first, *rest]


# --- NEAR ----------------------------------------------------------------------------------------


class _Sources:
    """Sources for a node and all that stands beside NEAR in it, in one field."""

    def __init__(self, path: str, whole: Node) -> None:
        self._path = path
        self._error = QueryError(
            "these alternatives beside NEAR are too many", *whole.span,
            "write fewer words with OR, or no NEAR within NEAR",
        )  # fmt: skip

    def of(self, node: Node, end: _End = _End.NONE) -> list[_Source]:
        """Together they have the stretches of ``node``, as far as ``end`` tells them apart."""
        match node:
            case Term():
                return [_Source(_word_rule(node, self._path), 1)]
            case Phrase():
                return [_phrase(node, self._path)]
            case Or(parts):
                found = _limited((s for part in parts for s in self.of(part, end)), self._error)
                return found if end is _End.BOTH else _merged(found)
            case Near(left, right, distance, False) if _are_other_words(left, right, end):
                words = [s.rule for part in (left, right) for s in self.of(part, end)]
                return [_Source(_together(words, distance))]
            case Near(left, right, distance, ordered):
                pairs = [(left, right)] if ordered else [(left, right), (right, left)]
                in_order = (
                    _Source(_in_order([a.rule, b.rule], distance))
                    for first, second in pairs
                    for a, b in self._beside(first, second, end)
                )
                return _limited(in_order, self._error)
            case _:
                raise TypeError(f"{type(node).__name__} does not stand anywhere")

    def _beside(self, first: Node, second: Node, end: _End) -> Iterable[tuple[_Source, _Source]]:
        of_first = _End.BOTH if end in (_End.FIRST, _End.BOTH) else _End.LAST
        of_second = _End.BOTH if end in (_End.LAST, _End.BOTH) else _End.FIRST
        return product(self.of(first, of_first), self.of(second, of_second))


def _are_other_words(left: Node, right: Node, end: _End) -> bool:
    """Whether both are single words of which no token is one of each: one rule does both orders."""
    if end is not _End.NONE and not (isinstance(left, Term) and isinstance(right, Term)):
        return False
    words = _words(left), _words(right)
    if None in words:
        return False
    first, second = ({folded_form(term.form) for term in found or ()} for found in words)
    return first.isdisjoint(second)


def _words(node: Node) -> list[Term] | None:
    """The words that ``node`` is one of, if it is no more and has no wildcards."""
    match node:
        case Term(wildcard=False):
            return [node]
        case Or(parts):
            found = [_words(part) for part in parts]
            return None if None in found else [term for words in found for term in words or ()]
        case _:
            return None


def _merged(sources: list[_Source]) -> list[_Source]:
    """Sources of one width in one."""
    alike: dict[Any, list[_Source]] = {}
    for place, source in enumerate(sources):
        alike.setdefault(source.width or (place,), []).append(source)
    return [
        _Source(_any_of([s.rule for s in same], whole=width != 1), same[0].width)
        for width, same in alike.items()
    ]


def _parts(rule: Rule) -> int:
    (inner,) = rule.values()
    return (
        sum(map(_parts, inner.get("intervals", ())))
        + ("query" in inner or "prefix" in inner or "pattern" in inner)
        + len(inner.get("filter", ()))
    )


MAX_SUFFIX = 64
"""Letters behind the first ``*``."""
MAX_SINGLE_WILDCARDS = 6
"""``?`` among those: each may double what an automaton has to keep apart."""


def lucene_pattern(node: Term | Value, form: str) -> tuple[Literal["prefix", "wildcard"], str]:
    """The kind of query for a pattern, and the pattern; refuses one that Lucene would refuse."""
    stem, _, behind = form.partition("*")
    if len(behind) > MAX_SUFFIX or behind.count("?") > MAX_SINGLE_WILDCARDS:
        raise QueryError(
            f"there are more than {MAX_SUFFIX} letters or {MAX_SINGLE_WILDCARDS} '?' behind a '*'",
            *node.span,
            "leave out what stands behind it",
        )
    if form.endswith("*") and not behind and "?" not in stem:
        return "prefix", stem
    return "wildcard", form.replace("\\", "\\\\")
