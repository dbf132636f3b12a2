"""Warns of what a query may say and should not: it is legal, and probably not what was meant.

``lint`` judges the query alone, ``lint_sample`` what a sample of posts shows.
"""

from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final, Literal

from queries.language.ast import (
    And,
    Field,
    Named,
    Near,
    Node,
    Not,
    Or,
    Phrase,
    Range,
    Term,
    Value,
    children,
    walk,
)
from queries.language.errors import caret, shorten
from queries.language.fields import normal
from queries.language.format import format_query
from queries.matching.query_matcher import QueryMatcher
from queries.tools.clause_effects import WHOLE, Clauses, Effect, clauses
from schemas.mention import Mention
from text.everyday import everyday_words
from text.tokens import folded_form

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
_MAX_EXPANDED_WORDS = 5
"""Everyday words that a wildcard takes along before a longer stem is warned of, too."""


@dataclass(frozen=True, slots=True)
class LintWarning:
    """Something unwise at ``text[start:end]`` of the query."""

    code: Code
    message: str
    start: int
    end: int
    hint: str

    def show(self, text: str) -> str:
        """The message over the line that it is about, with carets under the place."""
        return f"{self.message} [{self.code}]\n{caret(text, self.start, self.end)}\n{self.hint}"


def lint(node: Node, languages: Collection[str] | None = None) -> list[LintWarning]:
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


def _everyday(node: Node, languages: Collection[str] | None) -> Iterator[LintWarning]:
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
            yield LintWarning(
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


def _duplicates(node: Node) -> Iterator[LintWarning]:
    for group in walk(node):
        seen: set[Hashable] = set()
        for part in group.children if isinstance(group, And | Or) else ():
            key = _key(part)
            if key in seen:
                yield LintWarning(
                    "duplicate",
                    "this is asked twice",
                    *part.span,
                    "leave one out: case, order and quotes around one word change nothing",
                )
            seen.add(key)


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
    for part in walk(node):
        if isinstance(part, Term | Phrase):
            yield from part.terms if isinstance(part, Phrase) else (part,)


def _wildcards(node: Node) -> Iterator[LintWarning]:
    for term in _terms(node):
        star = term.text.find("*")
        if not term.wildcard or star < 0:
            continue
        stem = folded_form(term.text[:star]).lstrip("#@$").partition("?")[0]
        behind = term.text[star + 1 :]
        taken = [] if behind or term.kind != "word" else _beginning_with(stem)
        if len(stem) < _SHORT_STEM or len(taken) >= _MAX_EXPANDED_WORDS:
            such = f", such as {', '.join(taken[:3])}" if taken else ""
            yield LintWarning(
                "wide-wildcard",
                f"'{term.text}' matches many words{such}",
                *term.span,
                "write more of the word before the *, or the forms that you mean with OR",
            )


def _beginning_with(stem: str) -> list[str]:
    lists = everyday_words().items()
    return sorted({word for name, words in lists for word in words
                   if name != "brands" and word.startswith(stem)})  # fmt: skip


def _exclusions(node: Node) -> Iterator[LintWarning]:
    for group in walk(node):
        if not isinstance(group, And):
            continue
        excluded = [part.child for part in group.children if isinstance(part, Not)]
        wanted = _alternatives(part for part in group.children if not isinstance(part, Not))
        for clause in _alternatives(excluded, only_or=True).values():
            if _key(clause) in wanted:
                yield LintWarning(
                    "excludes-itself",
                    "the NOT takes away what the query asks for",
                    *clause.span,
                    "leave it out on one side",
                )


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


def _no_words(node: Node) -> Iterator[LintWarning]:
    if not _asks_for_words(node):
        yield LintWarning(
            "no-words",
            "this asks for no word: it matches everything that the fields let through",
            *node.span,
            "add the words that the posts should hold",
        )


MIN_MATCHES: Final = 20
"""Matches of which a share says something."""
MAX_CLAUSES: Final = 300
"""Clauses that are looked at; a query of more is judged by these."""
_BATCH = 1_000


def lint_sample(node: Node, mentions: Iterable[Mention]) -> list[LintWarning]:
    """What posts show to be unwise in a query without names in it, in the order of its text."""
    parts = clauses(node, MAX_CLAUSES)
    counts = _counts(parts, mentions)
    effects = parts.effects(counts)
    found = [*_removes_most(effects)]
    if counts[WHOLE]:
        found += _adds_nothing(effects)
    else:
        found.append(_matches_nothing(node, counts.total() > 0))
    return sorted(found, key=lambda warned: (warned.start, warned.end, warned.code))


def _counts(parts: Clauses, mentions: Iterable[Mention]) -> Counter[str]:
    matcher, counts, waiting = QueryMatcher(parts.queries), Counter[str](), iter(mentions)
    while batch := list(islice(waiting, _BATCH)):
        counts.update(match.name for found in matcher.match(batch) for match in found)
    return counts


def _matches_nothing(node: Node, less_would: bool) -> LintWarning:
    hint = "see if the words are spelt as people write them"
    if less_would:
        hint = "posts match without one of its clauses: see which, with 'tocsin query preview'"
    return LintWarning("matches-nothing", "no post of the sample matches", *node.span, hint)


def _removes_most(effects: list[Effect]) -> Iterator[LintWarning]:
    for effect in effects:
        without = effect.without or 0
        if effect.kind != "exclusion" or without < MIN_MATCHES or effect.removes * 2 <= without:
            continue
        # Of a NOT of several, the one that does it says more than all of them.
        if effect.level == 0 and any(_lies_in(one, effect) for one in effects):
            continue
        yield LintWarning(
            "removes-most",
            f"this exclusion removes {effect.removes} of the {without} posts that match without it",
            *effect.clause.span,
            "read some of those posts: the words beside it may tell them apart better",
        )


def _lies_in(one: Effect, other: Effect) -> bool:
    """Whether ``one`` is a part of ``other``, and removes most as well."""
    (start, end), (first, last) = one.clause.span, other.clause.span
    inside = one.level > other.level and first <= start and end <= last
    most = one.without is not None and one.removes * 2 > one.without >= MIN_MATCHES
    return inside and one.kind == "exclusion" and most


def _adds_nothing(effects: list[Effect]) -> Iterator[LintWarning]:
    for effect in effects:
        if effect.kind == "alternative" and effect.without is not None and not effect.adds:
            yield LintWarning(
                "adds-nothing",
                f"'{shorten(format_query(effect.clause), 60)}' adds no match: no post of the "
                "sample matches because of it alone",
                *effect.clause.span,
                "leave it out, or see if it is spelt as people write it",
            )
