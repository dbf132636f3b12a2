"""Compiles phrases, ``"…"~n`` and ``NEAR`` to Elasticsearch's ``intervals``.

Lucene keeps the shortest intervals of a whole ``any_of``; the language does so per alternative. An
``any_of`` would therefore lose an interval that contains a shorter one. Three rules make it exact:

- Only alternatives of one width share an ``any_of``; others become separate rules.
- Of a nested NEAR, only the alternatives at the end next to the outer operand are written out
  (``_End``): the far end does not change which tokens that end can be.
- ``"a b c"~5`` and ``a NEAR/5 b`` are an unordered ``all_of`` if no token can be two of the words.
  Otherwise each order of the words becomes an ordered ``all_of``.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from itertools import combinations, product
from typing import Any, Literal

from queries.elasticsearch.index_fields import EXACT, SAME, field_of, maybe_in_folded
from queries.language.ast import Near, Node, Or, Phrase, Term, Value
from queries.language.errors import QueryError
from queries.language.tree import walk
from schemas.types import JsonObject

MAX_PARTS = 4000
"""Words of one rule in one field, with its alternatives written out."""

Rule = JsonObject
_NEVER: Rule = {"match": {"query": f"{SAME}{SAME}"}}
"""Matches no token."""


class _End(Enum):
    """The ends of an interval that the enclosing NEAR depends on."""

    NONE = "none"
    FIRST = "first"
    LAST = "last"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class _Source:
    """A rule whose intervals never contain each other."""

    rule: Rule
    width: int | None = None
    """Tokens of each interval; None: they differ."""


def rule_of(node: Term | Phrase | Near, path: str) -> tuple[Rule, int]:
    """The rule for a node in one text field, and its number of words as the engine counts them."""
    sources = _Sources(path, node).of(node)
    rules = [source.rule for source in sources]
    return _any_of(rules), sum(map(_parts, rules))


def _word_rule(term: Term, path: str) -> Rule:
    own = _in_form(term, field_of(term, path), path)
    others = [{"match": {"query": form}} for form in term.forms[1:]]
    others += [{"match": {"query": form, "use_field": path + EXACT}} for form in term.capitals]
    if others:
        return _any_of([own, *others], whole=True)
    if not maybe_in_folded(term):
        return own
    same = {"match": {"query": SAME, "use_field": path + EXACT}}
    plain = {"intervals": [_in_form(term, path, path)], "filter": {"contained_by": same}}
    return _any_of([{"any_of": plain}, own])


def _any_of(rules: list[Rule], *, whole: bool = False) -> Rule:
    """One of the rules; ``whole``: keep the shortest intervals of all rules together."""
    if len(rules) == 1:
        return rules[0]
    return _left_whole(rules) if whole else {"any_of": {"intervals": rules}}


def _left_whole(rules: list[Rule]) -> Rule:
    """Lucene expands an ``any_of`` into all combinations, unless it has a filter."""
    return {"any_of": {"intervals": rules, "filter": {"not_contained_by": _NEVER}}}


def _in_form(term: Term, field: str, path: str) -> Rule:
    elsewhere = {} if field == path else {"use_field": field}
    if not term.wildcard:
        return {"match": {"query": term.form, **elsewhere}}
    kind, pattern = lucene_pattern(term, term.form)
    return {kind: {"prefix" if kind == "prefix" else "pattern": pattern, **elsewhere}}


def _in_order(rules: Iterable[Rule], max_gaps: int) -> Rule:
    """The rules in order. Every second of equal neighbours gets another shape.

    Lucene merges equal neighbours into one repeated rule, with the tokens between as part of it.
    """
    distinct: list[Rule] = []
    for rule in rules:
        repeated = bool(distinct) and distinct[-1] == rule
        distinct.append(_left_whole([rule]) if repeated else rule)
    return {"all_of": {"intervals": distinct, "ordered": True, "max_gaps": max_gaps}}


def _together(rules: list[Rule], max_gaps: int) -> Rule:
    return {"all_of": {"intervals": rules, "ordered": False, "max_gaps": max_gaps}}


def _phrase(phrase: Phrase, path: str) -> _Source:
    rules = {term: _word_rule(term, path) for term in phrase.terms}
    count = len(phrase.terms)
    if phrase.slop is None:
        return _Source(_in_order([rules[t] for t in phrase.terms], 0), count)
    if _apart(phrase.terms):
        return _Source(_together([rules[term] for term in phrase.terms], phrase.slop))
    error = QueryError(
        f"a phrase of {count} words with a distance is too long if a token can be two of them",
        *phrase.span,
        "leave out repeated words, or write NEAR",
    )
    orders = (_Source(_in_order(map(rules.__getitem__, order), phrase.slop))
              for order in _orders(phrase.terms))  # fmt: skip
    return _Source(_any_of([order.rule for order in _limited(orders, error)], whole=True))


def _limited(sources: Iterable[_Source], error: QueryError) -> list[_Source]:
    """The sources; raises ``error`` if they exceed ``MAX_PARTS`` words."""
    kept: list[_Source] = []
    parts = 0
    for source in sources:
        parts += _parts(source.rule)
        if parts > MAX_PARTS:
            raise error
        kept.append(source)
    return kept


def _apart(terms: tuple[Term, ...]) -> bool:
    """Whether no token can be two of the words; False if in doubt."""
    return all(_differ(left, right) for left, right in combinations(terms, 2))


def _differ(left: Term, right: Term) -> bool:
    of_left, of_right = left.forms, right.forms
    if (left.exact, left.accented) != (right.exact, right.accented):
        of_left, of_right = tuple(map(left.fold, of_left)), tuple(map(right.fold, of_right))
    if not left.wildcard and not right.wildcard:
        return set(of_left).isdisjoint(of_right)
    return not any(
        (left.wildcard and second.startswith(first))
        or (right.wildcard and first.startswith(second))
        for first, second in product(_stems(left, of_left), _stems(right, of_right))
    )


def _stems(term: Term, forms: tuple[str, ...]) -> list[str]:
    if not term.wildcard:
        return list(forms)
    return [form.replace("?", "*").partition("*")[0] for form in forms]


def _orders(terms: tuple[Term, ...]) -> Iterator[list[Term]]:
    """All distinct orders."""
    if not terms:
        yield []
    for first in dict.fromkeys(terms):
        index = terms.index(first)
        for rest in _orders(terms[:index] + terms[index + 1 :]):
            yield [first, *rest]


class _Sources:
    """Sources for a node and the operands of NEAR in it, in one field."""

    def __init__(self, path: str, whole: Node) -> None:
        self._path = path
        self._error = QueryError(
            "NEAR has too many alternatives here", *whole.span,
            "write fewer words with OR, or no NEAR within NEAR",
        )  # fmt: skip

    def of(self, node: Node, end: _End = _End.NONE) -> list[_Source]:
        """Sources whose intervals are those of ``node``, as far as ``end`` distinguishes them."""
        match node:
            case Term():
                return [_Source(_word_rule(node, self._path), 1)]
            case Phrase():
                return [_phrase(node, self._path)]
            case Or(parts):
                sources = _limited((s for part in parts for s in self.of(part, end)), self._error)
                return sources if end is _End.BOTH else _merged(sources)
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
                raise TypeError(f"{type(node).__name__} has no intervals")

    def _beside(self, first: Node, second: Node, end: _End) -> Iterable[tuple[_Source, _Source]]:
        of_first = _End.BOTH if end in (_End.FIRST, _End.BOTH) else _End.LAST
        of_second = _End.BOTH if end in (_End.LAST, _End.BOTH) else _End.FIRST
        return product(self.of(first, of_first), self.of(second, of_second))


def _are_other_words(left: Node, right: Node, end: _End) -> bool:
    """Whether both are single words that share no token: then one rule covers both orders."""
    if end is not _End.NONE and not (isinstance(left, Term) and isinstance(right, Term)):
        return False
    first, second = _words(left), _words(right)
    return first is not None and second is not None and first.isdisjoint(second)


def _words(node: Node) -> set[str] | None:
    """The folded words that ``node`` is one of; None: it has phrases, NEAR or wildcards."""
    words: set[str] = set()
    for part in walk(node):
        if isinstance(part, Term) and not part.wildcard:
            words.update(map(part.fold, part.forms))
        elif not isinstance(part, Or):
            return None
    return words


def _merged(sources: list[_Source]) -> list[_Source]:
    """One source per width."""
    by_width: dict[Any, list[_Source]] = {}
    for number, source in enumerate(sources):
        by_width.setdefault(source.width or (number,), []).append(source)
    return [
        _Source(_any_of([s.rule for s in same], whole=width != 1), same[0].width)
        for width, same in by_width.items()
    ]


def _parts(rule: Rule) -> int:
    (inner,) = rule.values()
    return (
        sum(map(_parts, inner.get("intervals", ())))
        + ("query" in inner or "prefix" in inner or "pattern" in inner)
        + len(inner.get("filter", ()))
    )


MAX_SUFFIX = 64
"""Letters after the first ``*``."""
MAX_SINGLE_WILDCARDS = 6
"""``?`` among those: each may double the states of the automaton."""


def lucene_pattern(node: Term | Value, form: str) -> tuple[Literal["prefix", "wildcard"], str]:
    """The kind of query and its pattern; raises ``QueryError`` beyond the limits of Lucene."""
    stem, _, suffix = form.partition("*")
    if len(suffix) > MAX_SUFFIX or suffix.count("?") > MAX_SINGLE_WILDCARDS:
        message = (
            f"there are more than {MAX_SUFFIX} letters or {MAX_SINGLE_WILDCARDS} '?' after a '*'"
        )
        raise QueryError(message, *node.span, "end the word after the '*'")
    if form.endswith("*") and not suffix and "?" not in stem:
        return "prefix", stem
    return "wildcard", form.replace("\\", "\\\\")
