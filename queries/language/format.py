"""Prints a tree as a query in its canonical form: ``parse(format_query(node)) == node``."""

import re

from queries.language.ast import And, Field, Named, Near, Node, Not, Or, Phrase, Range, Term, Value
from queries.language.errors import QueryError
from queries.language.literals import bound_text
from queries.language.terms import read_bare
from text.tokens import tokenize

_PLAIN_VALUE = re.compile(r"(?!(?:and|or|not)\b)[^\W_][\w.=\-]*", re.IGNORECASE)
_BARE_TERM = re.compile(r"[^\s()\"“”„{}\[\]<>:：]+")
_RESERVED = re.compile(r"(?:AND|OR|NOT|O?NEAR)(?:/.*)?", re.IGNORECASE)


def format_query(node: Node) -> str:
    match node:
        case Term():
            return _term(node)
        case Phrase(terms, slop):
            return _phrase(terms) + ("" if slop is None else f"~{slop}")
        case And(parts):
            return " AND ".join(map(_clause, parts))
        case Or(parts):
            return " OR ".join(map(_clause, parts))
        case Not(child):
            return f"NOT {_operand(child)}"
        case Near(left, right, distance, ordered):
            return f"{_operand(left)} NEAR/{distance}{'f' * ordered} {_operand(right)}"
        case Field(name, child):
            return f"{name}:{_operand(child)}"
        case Value(text, wildcard):
            return text if wildcard or _PLAIN_VALUE.fullmatch(text) else f'"{text}"'
        case Range(name, low, high):
            bounds = f"{bound_text(low, day_end=False)} TO {bound_text(high, day_end=True)}"
            return f"{name}:[{bounds}]"
        case Named(name):
            return f'query:"{name}"'


def _clause(node: Node) -> str:
    """A part of an AND or OR, where a NOT needs no parentheses."""
    return format_query(node) if isinstance(node, Not) else _operand(node)


def _operand(node: Node) -> str:
    query = format_query(node)
    return f"({query})" if isinstance(node, And | Or | Near | Not) else query


def _term(term: Term) -> str:
    if term.exact:
        return f"{{{term.text}}}"
    return term.text if _bare(term) else f'"{term.text}"'


def _bare(term: Term) -> bool:
    """Whether the term is parsed as itself without quotes."""
    shaped = term.kind == "url" or _BARE_TERM.fullmatch(term.text)
    if not shaped or _RESERVED.fullmatch(term.text) or re.search(r"[\s()\"<>]", term.text):
        return False
    try:
        return read_bare(term.text, 0) == term
    except QueryError:
        return False


def _in_a_row(terms: tuple[Term, ...]) -> str:
    """The words of a phrase; the sign of a name stands where the tokenizer takes it for one."""
    written = ""
    for number, term in enumerate(terms):
        joined = term.kind == "sign" or (number > 0 and terms[number - 1].kind == "sign")
        choices = [written + term.text, f"{written} {term.text}"]
        wanted = [before.text for before in terms[: number + 1]]
        following = (
            terms[number + 1].text if term.kind == "sign" and number + 1 < len(terms) else ""
        )
        if following:
            # A sign is one by what follows: "C++ x" and ".NET", "E.ON" and "C&A".
            wanted.append(following)
            choices = [one + space + following for one in choices for space in ("", " ")]
        fits = (one for one in choices if tokenize(one).exact == wanted) if joined else iter(())
        whole = next(fits, f"{written} {term.text}{following and ' ' + following}")
        written = whole.removesuffix(following).rstrip() if following else whole
    return written.strip()


def _phrase(terms: tuple[Term, ...]) -> str:
    words = _in_a_row(terms)
    return f"{{{words}}}" if terms[0].exact else f'"{words}"'
