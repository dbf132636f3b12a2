"""The tree of a query: what is asked, without how it was written.

Nodes are immutable and compare by what they ask: their place in the text (``span``, code points)
counts in no comparison. ``queries.language.parser`` makes them, ``queries.language.format`` prints
them, and ``tests.queries.reference`` says what they mean.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Literal, TypeAlias

from text.tokens import MAX_FOLDED, cased_form, exact_form, folded_form

Span: TypeAlias = tuple[int, int]
"""Start and end of a node in the query, in code points."""
NOWHERE: Span = (0, 0)
"""The span of a node that nobody wrote."""
TermKind = Literal["word", "hashtag", "handle", "ticker", "url", "emoji"]


@dataclass(frozen=True)
class Term:
    """One token of the text: a word, ``#hashtag``, ``@handle``, ``$TICKER``, URL or emoji.

    ``wildcard``: ``*`` and ``?`` in ``text`` stand for other letters. ``exact``: case and accents
    have to be these.
    """

    text: str
    exact: bool = False
    wildcard: bool = False
    span: Span = field(default=NOWHERE, compare=False, repr=False)

    @cached_property
    def kind(self) -> TermKind:
        """What sort of token it asks for; one CJK or Thai character is a word."""
        kinds: dict[str, TermKind] = {"#": "hashtag", "＃": "hashtag", "@": "handle",
                                      "＠": "handle", "$": "ticker"}  # fmt: skip
        if self.text.startswith(("http://", "https://", "www.")):
            return "url"
        return kinds.get(self.text[0], "word" if any(map(str.isalnum, self.text)) else "emoji")

    @cached_property
    def accented(self) -> bool:
        """Whether it was written with an accent, and so wants that accent."""
        return not self.text.isascii() and cased_form(self.text) != folded_form(self.text)

    @cached_property
    def form(self) -> str:
        """What is compared with the same form of the text's tokens (see ``form_of``)."""
        return self.form_of(self.text)

    def form_of(self, token: str) -> str:
        """The form of a token that this term looks at: exact, with accents, or folded."""
        if self.exact:
            return exact_form(token)
        # A mark that stands alone folds to nothing and stays itself.
        return (cased_form(token) if self.accented else folded_form(token)) or token[:MAX_FOLDED]


@dataclass(frozen=True)
class Phrase:
    """Terms in a row; with ``slop``, in any order with at most so many tokens between them all."""

    terms: tuple[Term, ...]
    slop: int | None = None
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True)
class Near:
    """``left`` and ``right`` with at most ``distance`` tokens between them."""

    left: "Node"
    right: "Node"
    distance: int
    ordered: bool = False
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True)
class And:
    """All of two or more."""

    children: "tuple[Node, ...]"
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True)
class Or:
    """At least one of two or more."""

    children: "tuple[Node, ...]"
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True)
class Not:
    """What the child does not match."""

    child: "Node"
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True)
class Value:
    """A whole value of a field, compared without case and accents."""

    text: str
    wildcard: bool = False
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True)
class Field:
    """``child`` asked of one field: terms of a field of text, values of any other."""

    name: str
    child: "Node"
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True)
class Range:
    """A number or a time from ``low`` to ``high``, both included; None: no bound on that side."""

    name: str
    low: int | datetime | None
    high: int | datetime | None
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True)
class Named:
    """Another query, by its name; ``queries.language.saved`` puts that one in its place."""

    name: str
    span: Span = field(default=NOWHERE, compare=False, repr=False)


Node: TypeAlias = Term | Phrase | Near | And | Or | Not | Value | Field | Range | Named
Leaf: TypeAlias = Term | Phrase | Value | Range | Named


def children(node: Node) -> tuple[Node, ...]:
    """The nodes right below; the terms of a phrase are none."""
    match node:
        case And(parts) | Or(parts):
            return parts
        case Not(child) | Field(_, child):
            return (child,)
        case Near(left, right):
            return (left, right)
        case _:
            return ()


def walk(node: Node) -> Iterator[Node]:
    """The node and all below it, in the order of the text."""
    yield node
    for child in children(node):
        yield from walk(child)


def with_children(node: Node, below: Sequence[Node]) -> Node:
    """The node over others in the place of its ``children``."""
    match node:
        case And() | Or():
            return replace(node, children=tuple(below))
        case Not() | Field():
            return replace(node, child=below[0])
        case Near():
            return replace(node, left=below[0], right=below[1])
        case _:
            return node
