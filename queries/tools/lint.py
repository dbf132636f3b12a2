"""Warns of valid queries that probably do not mean what their author intended.

``lint`` checks the query alone, ``lint_sample`` checks it on a sample of posts.
"""

from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from typing import Final, Literal

from queries.language.ast import And, Field, Named, Near, Node, Not, Or, Phrase, Range, Term, Value
from queries.language.errors import caret, shorten
from queries.language.fields import normal
from queries.language.format import format_query
from queries.language.tree import children, walk
from queries.matching.query_matcher import QueryMatcher
from queries.tools.clause_effects import WHOLE, Clauses, Effect
from queries.tools.value_lint import doubtful_values
from schemas.mention import Mention
from text.everyday import everyday_words
from text.tokens import folded_form

Code = Literal[
    "everyday-word",
    "few-letters",
    "duplicate",
    "wide-wildcard",
    "excludes-itself",
    "no-words",
    "doubtful-value",
    "quoted-operator",
    "matches-nothing",
    "removes-most",
    "adds-nothing",
]
_FEW = 2
"""Letters of a word that is a piece of many others, once a sign beside it is gone."""
_SHORT_STEM = 4
"""A stem with fewer letters before ``*`` matches too many words."""
_MAX_EXPANDED_WORDS = 5
"""A wildcard that matches so many everyday words gets a warning despite a longer stem."""


@dataclass(frozen=True, slots=True)
class LintWarning:
    """A warning about ``text[start:end]`` of the query."""

    code: Code
    message: str
    start: int
    end: int
    hint: str

    def show(self, text: str) -> str:
        """The message, the line with carets under the place, and the hint."""
        return f"{self.message} [{self.code}]\n{caret(text, self.start, self.end)}\n{self.hint}"


def lint(
    node: Node,
    languages: Collection[str] | None = None,
    sources: Collection[str] | None = None,
) -> list[LintWarning]:
    """The warnings in text order. ``languages``: the watched ones; None: all with a word list.

    ``sources``: what posts have in ``source:`` beside what ingestors write; None: not known.
    """
    checks = (_duplicates, _few_letters, _wildcards, _exclusions, _no_words, _quoted_operators)
    doubts = (
        LintWarning("doubtful-value", doubt.message, *doubt.span, doubt.hint)
        for doubt in doubtful_values(node, sources)
    )
    found = chain(*(check(node) for check in checks))
    return _sorted([*_everyday(node, languages), *found, *doubts])


def _sorted(warnings: Iterable[LintWarning]) -> list[LintWarning]:
    return sorted(warnings, key=lambda warning: (warning.start, warning.end, warning.code))


def _everyday(node: Node, languages: Collection[str] | None) -> Iterator[LintWarning]:
    lists = everyday_words()
    for term in _alone(node):
        if isinstance(term, Phrase) or term.wildcard or term.accented or term.kind != "word":
            continue
        # In braces too: "Free" begins sentences, and headlines have only capitals.
        form = folded_form(term.text) if term.exact else term.form
        names = [
            name for name, words in lists.items()
            if form in words and (languages is None or name in languages or name == "brands")
        ]  # fmt: skip
        if names:
            codes = ", ".join(name for name in names if name != "brands")
            word, why = f"'{term.text}'", "most posts with it mean something else"
            if term.exact:
                word, why = f"'{{{term.text}}}'", "it begins sentences, and stands in headlines"
            message = f"{word} alone is an everyday word{f' ({codes})' if codes else ''}: {why}"
            hint = f"add a word that goes with it, such as {word[1:-1]} NEAR/5 (…)"
            yield LintWarning("everyday-word", message, *term.span, hint)


def is_few_letters(phrase: Phrase) -> bool:
    """Whether the words of a name are all of one or two letters, without a sign that it keeps.

    So is what is left of a name whose sign is no token: T-X, P!NK.
    """
    return phrase.slop is None and all(
        term.kind == "word" and not term.wildcard and term.text.isascii()
        and term.text.isalpha() and len(term.text) <= _FEW
        for term in phrase.terms
    )  # fmt: skip


def _few_letters(node: Node) -> Iterator[LintWarning]:
    for part in _alone(node):
        if isinstance(part, Phrase) and not part.terms[0].exact and is_few_letters(part):
            words = " ".join(term.text for term in part.terms)
            message = f"'{words}' has few letters: they also stand in other words and names"
            hint = f"add a word that goes with it, such as NEAR/5 (…), or capitals: {{{words}}}"
            yield LintWarning("few-letters", message, *part.span, hint)


def _alone(node: Node) -> Iterator[Term | Phrase]:
    """Terms and phrases that can make a post match without any other word."""
    match node:
        case Term() | Phrase():
            yield node
        case Or(parts):
            yield from chain.from_iterable(map(_alone, parts))
        case And(parts):
            wordy = [part for part in parts if _asks_for_words(part)]
            if len(wordy) == 1:
                yield from _alone(wordy[0])
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


def _duplicates(node: Node) -> Iterator[LintWarning]:
    for group in walk(node):
        seen: set[Hashable] = set()
        for part in group.children if isinstance(group, And | Or) else ():
            key = _key(part)
            if key in seen:
                hint = "leave one out: case, order and quotes around one word change nothing"
                yield LintWarning("duplicate", "this clause is repeated", *part.span, hint)
            seen.add(key)


def _key(node: Node) -> Hashable:
    """Equal for nodes that obviously match the same posts."""
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
        suffix = term.text[star + 1 :]
        words = [] if suffix or term.kind != "word" else _beginning_with(stem)
        if len(stem) < _SHORT_STEM or len(words) >= _MAX_EXPANDED_WORDS:
            such = f", such as {', '.join(words[:3])}" if words else ""
            message = f"'{term.text}' matches many words{such}"
            hint = "write more of the word before the *, or the forms that you mean with OR"
            yield LintWarning("wide-wildcard", message, *term.span, hint)


def _beginning_with(stem: str) -> list[str]:
    lists = everyday_words().items()
    return sorted({word for name, words in lists for word in words
                   if name != "brands" and word.startswith(stem)})  # fmt: skip


def _exclusions(node: Node) -> Iterator[LintWarning]:
    for group in (part for part in walk(node) if isinstance(part, And)):
        excluded = [part.child for part in group.children if isinstance(part, Not)]
        wanted = _alternatives(part for part in group.children if not isinstance(part, Not))
        for clause in _alternatives(excluded, only_or=True).values():
            if _key(clause) in wanted:
                message, hint = "the NOT excludes what the query requires", "leave out one of them"
                yield LintWarning("excludes-itself", message, *clause.span, hint)


def _alternatives(nodes: Iterable[Node], *, only_or: bool = False) -> dict[Hashable, Node]:
    """The clauses below AND and OR, or below OR only, by key."""
    clauses: dict[Hashable, Node] = {}
    waiting = list(nodes)
    while waiting:
        node = waiting.pop()
        if isinstance(node, Or) or (isinstance(node, And) and not only_or):
            waiting += [part for part in node.children if not isinstance(part, Not)]
        clauses.setdefault(_key(node), node)
    return clauses


def _no_words(node: Node) -> Iterator[LintWarning]:
    if not _asks_for_words(node):
        message = "this has no word: it matches every post with these field values"
        hint = "add words that the posts should contain"
        yield LintWarning("no-words", message, *node.span, hint)


def _quoted_operators(node: Node) -> Iterator[LintWarning]:
    """``"orange OR sosh"``, which is three words in a row."""
    for phrase in walk(node):
        if not isinstance(phrase, Phrase):
            continue
        inner, exact = phrase.terms[1:-1], phrase.terms[0].exact
        # In capitals throughout, it is a headline: "R AND D"; in braces a name, {Rock AND Roll}.
        if all(term.text[0].isupper() if exact else term.text.isupper() for term in phrase.terms):
            continue
        if found := next((term for term in inner if term.text in ("AND", "OR", "NOT")), None):
            signs = "braces" if exact else "quotation marks"
            message = f"{found.text} between {signs} is a word, not an operator"
            hint = f'close the {signs} before it: "…" {found.text} "…"'
            yield LintWarning("quoted-operator", message, *phrase.span, hint)


MIN_MATCHES: Final = 20
"""A share of fewer matches means nothing."""
MAX_CLAUSES: Final = 300
"""Clauses of a query that are checked on a sample."""
_BATCH = 1_000


def lint_sample(node: Node, mentions: Iterable[Mention]) -> list[LintWarning]:
    """The warnings that a sample gives for a resolved query, in text order."""
    clauses = Clauses(node, MAX_CLAUSES)
    counts = _counts(clauses, mentions)
    effects = clauses.effects(counts)
    if counts[WHOLE]:
        return _sorted([*_removes_most(effects), *_adds_nothing(effects)])
    return _sorted([*_removes_most(effects), _matches_nothing(node, counts.total() > 0)])


def _counts(clauses: Clauses, mentions: Iterable[Mention]) -> Counter[str]:
    matcher, counts, waiting = QueryMatcher(clauses.queries), Counter[str](), iter(mentions)
    while batch := list(islice(waiting, _BATCH)):
        counts.update(match.name for matches in matcher.match(batch) for match in matches)
    return counts


def _matches_nothing(node: Node, less_would: bool) -> LintWarning:
    hint = "check the spelling of the words"
    if less_would:
        hint = "posts match without one of its clauses: find it with 'tocsin query preview'"
    return LintWarning("matches-nothing", "no post of the sample matches", *node.span, hint)


def _removes_most(effects: list[Effect]) -> Iterator[LintWarning]:
    for effect in effects:
        without = effect.without or 0
        if effect.kind != "exclusion" or without < MIN_MATCHES or effect.removes * 2 <= without:
            continue
        # If one part of a NOT removes most, warn of that part alone.
        if effect.level == 0 and any(_lies_in(part, effect) for part in effects):
            continue
        removed = f"{effect.removes} of the {without} posts that match without it"
        hint = "read some of those posts, and exclude them with more specific words"
        place = effect.clause.span
        yield LintWarning("removes-most", f"this exclusion removes {removed}", *place, hint)


def _lies_in(part: Effect, whole: Effect) -> bool:
    """Whether ``part`` is a part of ``whole``, and also removes most."""
    (start, end), (first, last) = part.clause.span, whole.clause.span
    inside = part.level > whole.level and first <= start and end <= last
    removes_most = part.without is not None and part.removes * 2 > part.without >= MIN_MATCHES
    return inside and part.kind == "exclusion" and removes_most


def _adds_nothing(effects: list[Effect]) -> Iterator[LintWarning]:
    for effect in effects:
        if effect.kind == "alternative" and effect.without is not None and not effect.adds:
            message = f"'{shorten(format_query(effect.clause), 60)}' adds no post of the sample"
            hint = "leave it out, or check its spelling"
            yield LintWarning("adds-nothing", message, *effect.clause.span, hint)
