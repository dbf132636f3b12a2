"""Warns of what a query may say and should not: it is legal, and probably not what was meant.

Judges the query alone; what only a sample of posts can show is said by ``queries.lint_sample``.
"""

from collections.abc import Collection, Hashable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

import yaml

from queries.ast import And, Field, Named, Near, Node, Not, Or, Phrase, Range, Term, Value, children
from queries.errors import caret
from queries.fields import normal
from queries.tokens import fold

Code = Literal[
    "everyday-word",
    "duplicate",
    "wide-wildcard",
    "excludes-itself",
    "no-words",
    "matches-nothing",
    "removes-most",
    "adds-nothing",
]
_SHORT_STEM = 4
"""Letters before a ``*`` under which too many words begin with them."""
_MANY = 5
"""Everyday words that a wildcard takes along before a longer stem is warned of, too."""


@dataclass(frozen=True, slots=True)
class Warned:
    """Something unwise at ``text[start:end]`` of the query."""

    code: Code
    message: str
    start: int
    end: int
    hint: str

    def show(self, text: str) -> str:
        """The message over the line that it is about, with carets under the place."""
        return f"{self.message} [{self.code}]\n{caret(text, self.start, self.end)}\n{self.hint}"


@cache
def everyday_words() -> dict[str, frozenset[str]]:
    """The everyday words of each language, and under ``brands`` names that are words; folded."""
    data = yaml.safe_load(files("queries").joinpath("everyday.yaml").read_text("utf-8"))
    lists = {**data["languages"], "brands": data["brands"]}
    return {name: frozenset(map(fold, words.split())) for name, words in lists.items()}


def lint(node: Node, languages: Collection[str] | None = None) -> list[Warned]:
    """What is unwise in a query, in the order of its text.

    ``languages``: those that are watched; every one that there is a list of where None.
    """
    found = [
        *_everyday(node, languages),
        *_duplicates(node),
        *_wildcards(node),
        *_exclusions(node),
        *_no_words(node),
    ]
    return sorted(found, key=lambda warned: (warned.start, warned.end, warned.code))


# --- a word on its own -----------------------------------------------------------------------


def _everyday(node: Node, languages: Collection[str] | None) -> Iterator[Warned]:
    lists = everyday_words()
    for term in _alone(node):
        if term.exact or term.wildcard or term.accented or term.kind != "word":
            continue
        known = [
            name for name, words in lists.items()
            if term.form in words and (languages is None or name in languages or name == "brands")
        ]  # fmt: skip
        if known:
            tongues = [name for name in known if name != "brands"]
            where = f" ({', '.join(tongues)})" if tongues else ""
            yield Warned(
                "everyday-word",
                f"'{term.text}' on its own is an everyday word{where}: most posts that hold it "
                "mean something else",
                *term.span,
                f"ask for what goes with it, such as {term.text} NEAR/5 (…), or for its capitals, "
                f"{{{term.text.capitalize()}}}",
            )


def _alone(node: Node) -> Iterator[Term]:
    """Terms that make a post match with no other word beside them."""
    match node:
        case Term():
            yield node
        case Or(parts):
            for part in parts:
                yield from _alone(part)
        case And(parts):
            asks = [part for part in parts if _asks_for_words(part)]
            if len(asks) == 1:
                yield from _alone(asks[0])
        case Field(("text" | "title"), child):
            yield from _alone(child)


def _asks_for_words(node: Node) -> bool:
    match node:
        case Term() | Phrase() | Near() | Named():
            return True
        case Not() | Value() | Range():
            return False
        case _:
            return any(map(_asks_for_words, children(node)))


# --- said twice ------------------------------------------------------------------------------


def _duplicates(node: Node) -> Iterator[Warned]:
    if isinstance(node, And | Or):
        seen: set[Hashable] = set()
        for part in node.children:
            key = _key(part)
            if key in seen:
                yield Warned(
                    "duplicate",
                    "this is asked twice",
                    *part.span,
                    "leave one out: case, order and quotes around one word change nothing",
                )
            seen.add(key)
    for child in children(node):
        yield from _duplicates(child)


def _key(node: Node) -> Hashable:
    """Equal for nodes that match the same posts for a reason that one sees."""
    match node:
        case Term():
            return "term", node.form, node.exact, node.accented, node.wildcard
        case Phrase(terms, slop):
            return "phrase", tuple(map(_key, terms)), slop
        case Near(left, right, distance, ordered):
            return "near", _key(left), _key(right), distance, ordered
        case And(parts) | Or(parts):
            return type(node).__name__, frozenset(map(_key, parts))
        case Not(child):
            return "not", _key(child)
        case Field(name, child):
            return "field", name, _key(child)
        case Value(text, wildcard):
            return "value", normal(text), wildcard
        case _:
            return node


# --- wildcards, exclusions, no words ---------------------------------------------------------


def _terms(node: Node) -> Iterator[Term]:
    match node:
        case Term():
            yield node
        case Phrase(terms):
            yield from terms
    for child in children(node):
        yield from _terms(child)


def _wildcards(node: Node) -> Iterator[Warned]:
    for term in _terms(node):
        star = term.text.find("*")
        if not term.wildcard or star < 0:
            continue
        stem = fold(term.text[:star]).lstrip("#@$").partition("?")[0]
        behind = term.text[star + 1 :]
        taken = [] if behind or term.kind != "word" else _beginning_with(stem)
        if len(stem) < _SHORT_STEM or len(taken) >= _MANY:
            such = f", such as {', '.join(taken[:3])}" if taken else ""
            yield Warned(
                "wide-wildcard",
                f"'{term.text}' matches many words{such}",
                *term.span,
                "write more of the word before the *, or the forms that you mean with OR",
            )


def _beginning_with(stem: str) -> list[str]:
    lists = everyday_words().items()
    return sorted({word for name, words in lists for word in words
                   if name != "brands" and word.startswith(stem)})  # fmt: skip


def _exclusions(node: Node) -> Iterator[Warned]:
    if isinstance(node, And):
        excluded = [part.child for part in node.children if isinstance(part, Not)]
        wanted = _alternatives(part for part in node.children if not isinstance(part, Not))
        for clause in _alternatives(excluded, only_or=True).values():
            if _key(clause) in wanted:
                yield Warned(
                    "excludes-itself",
                    "the NOT takes away what the query asks for",
                    *clause.span,
                    "leave it out on one side",
                )
    for child in children(node):
        yield from _exclusions(child)


def _alternatives(nodes: Iterable[Node], *, only_or: bool = False) -> dict[Hashable, Node]:
    """The clauses below AND and OR, or below OR alone, by what they ask."""
    found: dict[Hashable, Node] = {}
    waiting = list(nodes)
    while waiting:
        node = waiting.pop()
        if isinstance(node, Or) or (isinstance(node, And) and not only_or):
            waiting += [part for part in node.children if not isinstance(part, Not)]
        found.setdefault(_key(node), node)
    return found


def _no_words(node: Node) -> Iterator[Warned]:
    if not _asks_for_words(node):
        yield Warned(
            "no-words",
            "this asks for no word: it matches everything that the fields let through",
            *node.span,
            "add the words that the posts should hold",
        )
