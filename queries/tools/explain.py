"""Explains a query in words, clause by clause."""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Final, assert_never

from queries.language.ast import And, Field, Named, Near, Node, Not, Or, Phrase, Range, Term, Value
from queries.language.fields import FIELDS
from queries.language.literals import bound_text
from queries.language.parser import parse
from queries.language.tree import children

MAX_LINES: Final = 10_000
"""Lines of one explanation: names that each contain ten names would fill the memory."""


def explain(node: Node, saved: Mapping[str, str] | None = None) -> list[str]:
    """One line per clause; the clauses of a group are indented below it.

    The clauses of the ``saved`` queries that it names are below their names. They must resolve.
    """
    return list(islice(_lines(node, saved or {}, "", ""), MAX_LINES))


def _lines(node: Node, saved: Mapping[str, str], first: str, rest: str) -> Iterator[str]:
    yield first + _line(node)
    below = children(node)
    if isinstance(node, Named) and node.name in saved:
        below = (parse(saved[node.name]),)
    *others, last = below or (None,)
    for child in others:
        yield from _lines(child, saved, rest + "├─ ", rest + "│  ")
    if last:
        yield from _lines(last, saved, rest + "└─ ", rest + "   ")


def _line(node: Node) -> str:
    match node:
        case Term():
            wildcard = ", where * stands for any letters and ? for one" if node.wildcard else ""
            return f"the {node.kind} “{node.text}”{wildcard}{_spelling((node,))}"
        case Phrase(terms, slop):
            words = f"“{' '.join(term.text for term in terms)}”"
            spelling = _spelling(terms)
            if slop is None:
                return f"the words {words} in a row{spelling}"
            return f"the words {words} in any order, {_at_most(slop)} between them all{spelling}"
        case Near(_, _, distance, ordered):
            order = "the first before the second" if ordered else "in either order"
            return f"both, {_at_most(distance)} between them, {order}"
        case And():
            return "all of"
        case Or():
            return "at least one of"
        case Not():
            return "not"
        case Field(name, _):
            return f"in {name} ({FIELDS[name].meaning})"
        case Value(text, wildcard):
            return f"the value “{text}”" + (" (* and ? stand for other letters)" * wildcard)
        case Range():
            return _range(node)
        case Named(name):
            return f"what the query “{name}” matches"
        case _:
            assert_never(node)


def _spelling(terms: tuple[Term, ...]) -> str:
    if terms[0].exact:
        return ", in these capitals and accents"
    return ", with these accents" if any(term.accented for term in terms) else ""


def _at_most(distance: int) -> str:
    if distance == 0:
        return "with no word"
    return f"with at most {distance} word{'s' * (distance > 1)}"


def _range(node: Range) -> str:
    low, high = (bound_text(node.low, day_end=False), bound_text(node.high, day_end=True))
    meaning = f"{node.name} ({FIELDS[node.name].meaning})"
    if node.high is None:
        return f"{meaning}: {low} or more"
    if node.low is None:
        return f"{meaning}: {high} or less"
    return f"{meaning}: {low} to {high}" if low != high else f"{meaning}: {low}"
