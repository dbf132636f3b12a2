"""Compiles fields to X operators, for posts as ``ingestors.x.posts`` makes them.

Never uses what X detects in its own way (languages, verified accounts): posts could be missing.
"""

import re
from collections.abc import Iterator, Sequence

from queries.language.ast import And, Field, Node, Not, Or, Range, Term, Value
from queries.language.fields import TAG, normal
from queries.language.tree import walk
from queries.matching.occurrences import pattern
from queries.x import operators
from queries.x.operators import Expansions
from queries.x.rule import (
    EVERY_POST,
    NO_POST,
    Constant,
    Direction,
    Op,
    RuleTree,
    all_of,
    any_of,
    negation,
)

SOURCE = "x"
_HOSTS = ("x.com", "com")
"""The domains of a post of X."""
_OWN_ADDRESS = ("x", "com", "<handle>", "status", "<id>")
"""The words of a post's own URL, which ``url:`` searches in addition to its links."""
_MIN_ID_DIGITS = 16
"""Digits of today's post ids."""

_REPOST = Op("is:retweet", alone=False)
_QUOTE = Op("is:quote", alone=False)
_REPLY = Op("is:reply", alone=False)
_NO_REPOST, _NO_QUOTE = negation(_REPOST), negation(_QUOTE)

_UNKNOWN = {
    "lang": "X detects languages in its own way; a brand's languages go into its rules",
    "verified": "X does not document whether is:verified means the same accounts",
    "entity": "tocsin finds entities later",
    "brand": "tocsin finds brands later",
    "sentiment": "tocsin finds the sentiment later",
    "towards": "tocsin finds the sentiment later",
    "aspect": "tocsin finds what opinions are about later",
    "intent": "tocsin finds intents later",
    "emotion": "tocsin finds emotions later",
    "bot": "X's rules do not tell automated accounts",
}
ABSENT = frozenset({"community", "about", "publisher", "format", "rating"})
"""Fields that ``ingestors.x.posts`` never fills, so no post of X matches them."""
_ORIGINAL = "X also calls posts quotes or replies without a reference: only reposts are left out"


def value_rule(name: str, node: Node, expansions: Expansions, direction: Direction) -> RuleTree:
    """The rule for ``name:node``, where ``name`` is a field of values."""
    if name in _UNKNOWN:
        return Constant(direction is Direction.SUPERSET)
    if name in ABSENT:
        return NO_POST
    if name == "engagementType":
        kinds = {normal(value.text) for value in values_of(node)}
        superset = direction is Direction.SUPERSET
        return _superset_of_kinds(kinds) if superset else _subset_of_kinds(kinds)
    match node:
        case And(parts):
            return all_of([value_rule(name, part, expansions, direction) for part in parts])
        case Or(parts):
            return any_of([value_rule(name, part, expansions, direction) for part in parts])
        case Not(child):
            return negation(value_rule(name, child, expansions, direction.opposite))
        case Value():
            return _value(name, node, expansions, direction)
        case _:
            raise TypeError(f"{type(node).__name__} is not a value")


def widening(name: str, node: Node, expansions: Expansions) -> str:
    """Why the superset of ``name:node`` matches more; empty: it does not."""
    if name in _UNKNOWN:
        return _UNKNOWN[name]
    if name in ("source", "site", "thread", *ABSENT):
        return ""
    if name == "engagementType":
        return _ORIGINAL if any(normal(v.text) == "original" for v in values_of(node)) else ""
    if name == TAG:
        return ""
    guessed = any(v.wildcard and not operators.listed(v.text, expansions) for v in values_of(node))
    return "X has no wildcards, and expansions do not list its words" if guessed else ""


def _value(name: str, value: Value, expansions: Expansions, direction: Direction) -> RuleTree:
    if name == "source":
        return Constant(_equals(value, SOURCE))
    if name == "site":
        return Constant(any(_equals(value, host) for host in _HOSTS))
    if name == "thread":
        return operators.conversation(normal(value.text))
    if name == "country":
        return Op(f"place_country:{value.text.upper()}")
    if direction is Direction.SUBSET:
        # X also searches hashtags and mentions of the quoted post, but not its author or place.
        whole_author = name == "author" and not value.wildcard
        return operators.account(normal(value.text)) if whole_author else NO_POST
    texts = list(operators.listed(value.text, expansions))
    if not value.wildcard:
        texts.insert(0, value.text)
    elif not texts and name != TAG:
        return EVERY_POST
    folded = [normal(text).lstrip("@#") for text in texts]
    if name == TAG:
        stems = {text.replace("?", "*").partition("*")[0] for text in (value.text, *texts)}
        return any_of(operators.tagged(normal(stem)) for stem in sorted(stems))
    if name == "hashtags":
        pairs = zip((text.lower().lstrip("#") for text in texts), folded, strict=True)
        return any_of(operators.tagged(tag) for pair in pairs for tag in pair)
    return any_of(map(operators.account if name == "author" else operators.mentioned, folded))


def _equals(value: Value, text: str) -> bool:
    return _fits(normal(value.text), text, wildcard=value.wildcard)


def _fits(form: str, text: str, *, wildcard: bool) -> bool:
    return pattern(form)(text) is not None if wildcard else form == text


def absent_fields(node: Node) -> list[str]:
    """The fields of a query that no post of X has, as they are ingested."""
    named = (part.name for part in walk(node) if isinstance(part, Field | Range))
    return sorted(ABSENT.intersection(named))


def values_of(node: Node) -> list[Value]:
    return [part for part in walk(node) if isinstance(part, Value)]


def _superset_of_kinds(kinds: set[str]) -> RuleTree:
    """A repost with a quote is a quote in tocsin and may be both on X."""
    rules: list[RuleTree] = [_REPOST] if "repost" in kinds else []
    if "quote" in kinds:
        rules.append(_QUOTE)
    if "original" in kinds:
        rules.append(_NO_REPOST)
    elif "reply" in kinds:
        rules.append(_REPLY)
    return any_of(rules)


def _subset_of_kinds(kinds: set[str]) -> RuleTree:
    rules: list[RuleTree] = []
    if {"repost", "quote"} <= kinds:
        rules.append(_REPOST)
    if "repost" in kinds:
        rules.append(all_of([_REPOST, _NO_QUOTE]))
    if {"original", "reply"} <= kinds:
        rules.append(all_of([_NO_REPOST, _NO_QUOTE]))
    if "original" in kinds:
        rules.append(all_of([_NO_REPOST, _NO_QUOTE, negation(_REPLY)]))
    return any_of(rules)


def followers(node: Range) -> tuple[RuleTree, str]:
    """The range plus a twentieth on each side, and the reason for it."""
    if node.name in ABSENT:
        return NO_POST, ""
    if node.name != "followers":
        return EVERY_POST, "X sends a post when it is published, and has no operator for this"
    why = "X counts followers at another moment"
    low, high = (bound if isinstance(bound, int) else None for bound in (node.low, node.high))
    least = max(0, low - low // 20 - 1) if low else 0
    if high is not None:
        return Op(f"followers_count:{least}..{high + high // 20 + 1}", alone=False), why
    return Op(f"followers_count:{least}", alone=False) if least else EVERY_POST, why


def address(terms: Sequence[Term], expansions: Expansions) -> RuleTree:
    """The words in a post's links or in its own URL."""
    links = all_of([_in_link(term, expansions) for term in terms])
    return any_of([links, *_in_own_address(terms)])


def _in_link(term: Term, expansions: Expansions) -> RuleTree:
    words = operators.spellings(term, expansions)
    if not words or operators.unspaced(term.text) or not all(map(operators.searchable, words)):
        return EVERY_POST
    return any_of(operators.keyword(word, "url:") or NO_POST for word in words)


def _in_own_address(terms: Sequence[Term]) -> Iterator[RuleTree]:
    for first in range(len(_OWN_ADDRESS) - len(terms) + 1):
        yield all_of([_at(term, _OWN_ADDRESS[first + n]) for n, term in enumerate(terms)])


def _at(term: Term, slot: str) -> RuleTree:
    """The condition for the term to be this word of the URL."""
    if slot == "<id>":
        stem = re.split(r"[*?]", term.form)[0] if term.wildcard else term.form
        return Constant(stem.isdigit() and (term.wildcard or len(stem) >= _MIN_ID_DIGITS))
    if slot == "<handle>":
        # X writes "i" instead of an unknown handle.
        any_handle = term.wildcard or term.form == "i"
        return EVERY_POST if any_handle else operators.account(term.form.lower())
    return Constant(_fits(term.form, term.form_of(slot), wildcard=term.wildcard))
