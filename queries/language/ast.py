"""The tree of a query: what it asks, not how it is written.

Nodes are immutable. Equality ignores ``span``. ``tests.queries.reference`` defines their meaning.
"""

import re
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import Literal, TypeAlias

from text.tokens import MAX_FOLDED, cased_form, exact_form, folded_form
from text.words.affixes import with_affixes
from text.words.token_grammar import NAME_SIGNS

Span: TypeAlias = tuple[int, int]
"""Start and end of a node in the query, in code points."""
_GREEK = re.compile("[\u0370-\u03ff\u1f00-\u1fff]")
NOWHERE: Span = (0, 0)
"""The span of a node that the query does not contain."""
TermKind = Literal["word", "hashtag", "handle", "ticker", "url", "emoji", "sign"]
_SIGNS: dict[str, TermKind] = {
    "#": "hashtag", "＃": "hashtag", "@": "handle", "＠": "handle", "$": "ticker",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class _Located:
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True)
class Term(_Located):
    """One token of the text: a word, ``#hashtag``, ``@handle``, ``$TICKER``, URL, emoji or sign.

    ``wildcard``: ``*`` and ``?`` in ``text`` stand for other letters. ``exact``: case and accents
    must be the same.
    """

    text: str
    exact: bool = False
    wildcard: bool = False

    @cached_property
    def kind(self) -> TermKind:
        """The kind of token; one CJK or Thai character is a word, the & of C&A a sign."""
        if self.text in NAME_SIGNS:
            return "sign"
        if self.text.startswith(("http://", "https://", "www.")):
            return "url"
        return _SIGNS.get(self.text[0], "word" if any(map(str.isalnum, self.text)) else "emoji")

    @cached_property
    def accented(self) -> bool:
        """Whether the text has an accent: such a term matches only tokens with that accent."""
        return not self.text.isascii() and cased_form(self.text) != folded_form(self.text)

    @cached_property
    def form(self) -> str:
        """The form that must equal ``form_of`` a token."""
        return self.form_of(self.text)

    @cached_property
    def forms(self) -> tuple[str, ...]:
        """``form``, and with it those with Korean particles or Arabic clitics."""
        if self.exact or self.wildcard or self.accented or self.kind != "word":
            return (self.form,)
        return with_affixes(self.form)

    @cached_property
    def capitals(self) -> tuple[str, ...]:
        """Exact forms in which capitals lose the accents of the term: YAPI of yapı, ΕΛΛΑΔΑ."""
        if self.exact or self.wildcard or not self.accented:
            return ()
        if "ı" in self.form:
            dotted = self.form.replace("i", "İ")
            written = dict.fromkeys((dotted.upper(), dotted[0].upper() + self.form[1:]))
            return tuple(one for one in written if cased_form(one) != self.form)
        return (folded_form(self.form).upper(),) if _GREEK.search(self.form) else ()

    def stands_for(self, token: str) -> bool:
        """Whether a token is one of the forms; not of a term with a wildcard."""
        if self.form_of(token) in self.forms:
            return True
        return bool(self.capitals) and exact_form(token) in self.capitals

    def fold(self, text: str) -> str:
        """The folded form in the version of the tokenizer that the term is for."""
        return folded_form(text)

    def form_of(self, token: str) -> str:
        """The form of a token that this term compares: exact, with accents, or folded."""
        if self.exact:
            return exact_form(token)
        # A combining mark without a letter folds to nothing: it keeps its own form.
        return (cased_form(token) if self.accented else folded_form(token)) or token[:MAX_FOLDED]


@dataclass(frozen=True)
class Phrase(_Located):
    """Adjacent terms; with ``slop``, in any order with at most that many other tokens in total."""

    terms: tuple[Term, ...]
    slop: int | None = None


@dataclass(frozen=True)
class Near(_Located):
    """``left`` and ``right`` with at most ``distance`` tokens between them."""

    left: "Node"
    right: "Node"
    distance: int
    ordered: bool = False


@dataclass(frozen=True)
class _Clauses(_Located):
    children: "tuple[Node, ...]"
    """Two or more."""


class And(_Clauses):
    """All children must match."""


class Or(_Clauses):
    """At least one child must match."""


@dataclass(frozen=True)
class Not(_Located):
    """Everything that the child does not match."""

    child: "Node"


@dataclass(frozen=True)
class Value(_Located):
    """The whole value of a field, without case and accents."""

    text: str
    wildcard: bool = False


@dataclass(frozen=True)
class Field(_Located):
    """``child`` in one field: terms in a text field, values in any other."""

    name: str
    child: "Node"


Bound: TypeAlias = int | Decimal | datetime
"""A number, a mark to the hundredth, or an instant to the millisecond."""


@dataclass(frozen=True)
class Range(_Located):
    """A number, mark or time from ``low`` to ``high``, both included; None: no bound there."""

    name: str
    low: Bound | None
    high: Bound | None


@dataclass(frozen=True)
class Named(_Located):
    """Another query by name; ``queries.language.references`` replaces it with that query."""

    name: str


Node: TypeAlias = Term | Phrase | Near | And | Or | Not | Value | Field | Range | Named
