"""Fields of a query as operators of X, for posts as ``ingestors.x.posts`` makes them.

What X finds in a way of its own (languages, verified accounts) is not asked for: it could leave out
posts that the query matches.
"""

import re
from collections.abc import Iterator, Sequence

from queries.language.ast import And, Node, Not, Or, Range, Term, Value, walk
from queries.language.fields import normal
from queries.matching.occurrences import pattern
from queries.x.operators import (
    Expansions,
    account,
    keyword,
    listed,
    mentioned,
    searchable,
    spellings,
    tagged,
    unspaced,
)
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
"""The domains that a post of X is in."""
_OWN_ADDRESS = ("x", "com", "<handle>", "status", "<id>")
"""The words of a post's own address, which ``url:`` looks at beside its links."""
_MIN_ID_DIGITS = 16
"""Digits of the ids that X gives today."""

_REPOST = Op("is:retweet", alone=False)
_QUOTE = Op("is:quote", alone=False)
_REPLY = Op("is:reply", alone=False)

_UNKNOWN = {
    "lang": "X finds languages in its own way; a brand's languages go into its rules",
    "verified": "X does not say whether is:verified means the same accounts",
    "entity": "entities are found later, by tocsin",
    "brand": "brands are found later, by tocsin",
    "sentiment": "sentiment is found later, by tocsin",
}
_ORIGINAL = (
    "X also calls posts quotes and replies that do not say of what: only reposts are left out"
)


def value_rule(name: str, node: Node, expansions: Expansions, direction: Direction) -> RuleTree:
    """The rule for ``name:node``, where ``name`` is a field of values."""
    if name in _UNKNOWN:
        return Constant(direction is Direction.SUPERSET)
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
            raise TypeError(f"{type(node).__name__} is no value")


def widening(name: str, node: Node, expansions: Expansions) -> str:
    """Why the superset of ``name:node`` matches more; empty where it does not."""
    if name in _UNKNOWN:
        return _UNKNOWN[name]
    if name in ("source", "site"):
        return ""
    if name == "engagementType":
        return _ORIGINAL if any(normal(v.text) == "original" for v in values_of(node)) else ""
    guessed = any(v.wildcard and not listed(v.text, expansions) for v in values_of(node))
    return "X has no wildcards, and no expansions say what it means" if guessed else ""


def _value(name: str, value: Value, expansions: Expansions, direction: Direction) -> RuleTree:
    if name == "source":
        return Constant(_equals(value, SOURCE))
    if name == "site":
        return Constant(any(_equals(value, host) for host in _HOSTS))
    if name == "country":
        return Op(f"place_country:{value.text.upper()}")
    if direction is Direction.SUBSET:
        # Of the quoted post X reads hashtags and mentions, and neither its author nor its place.
        return account(normal(value.text)) if name == "author" and not value.wildcard else NO_POST
    texts = list(listed(value.text, expansions))
    if not value.wildcard:
        texts.insert(0, value.text)
    elif not texts:
        return EVERY_POST
    folded = [normal(text).lstrip("@#") for text in texts]
    if name == "hashtags":
        return any_of([tagged(tag) for text, plain in zip(texts, folded, strict=True)
                       for tag in (text.lower().lstrip("#"), plain)])  # fmt: skip
    return any_of([account(text) if name == "author" else mentioned(text) for text in folded])


def _equals(value: Value, text: str) -> bool:
    return _fits(normal(value.text), text, wildcard=value.wildcard)


def _fits(form: str, text: str, *, wildcard: bool) -> bool:
    return pattern(form)(text) is not None if wildcard else form == text


def values_of(node: Node) -> list[Value]:
    return [part for part in walk(node) if isinstance(part, Value)]


# --- what a post is to another one --------------------------------------------------------------


def _superset_of_kinds(kinds: set[str]) -> RuleTree:
    """A repost that quotes is a quote here: X may say that it is both."""
    found: list[RuleTree] = [_REPOST] if "repost" in kinds else []
    if "quote" in kinds:
        found.append(_QUOTE)
    if "original" in kinds:
        found.append(negation(_REPOST))
    elif "reply" in kinds:
        found.append(_REPLY)
    return any_of(found)


def _subset_of_kinds(kinds: set[str]) -> RuleTree:
    found: list[RuleTree] = []
    if {"repost", "quote"} <= kinds:
        found.append(_REPOST)
    if "repost" in kinds:
        found.append(all_of([_REPOST, negation(_QUOTE)]))
    if {"original", "reply"} <= kinds:
        found.append(all_of([negation(_REPOST), negation(_QUOTE)]))
    if "original" in kinds:
        found.append(all_of([negation(_REPOST), negation(_QUOTE), negation(_REPLY)]))
    return any_of(found)


# --- numbers ------------------------------------------------------------------------------------


def followers(node: Range) -> tuple[RuleTree, str]:
    """The range with a twentieth more on each side, and why: X counts at another moment."""
    if node.name != "followers":
        return EVERY_POST, "X sends a post when it is published, and asks for no such number"
    low = _number(node.low)
    low = max(0, low - low // 20 - 1)
    high = None if node.high is None else _number(node.high)
    why = "X counts followers at another moment"
    if high is None:
        found: RuleTree = Op(f"followers_count:{low}", alone=False) if low else EVERY_POST
    else:
        found = Op(f"followers_count:{low}..{high + high // 20 + 1}", alone=False)
    return found, why


def _number(bound: object) -> int:
    return bound if isinstance(bound, int) else 0


# --- addresses ----------------------------------------------------------------------------------


def address(terms: Sequence[Term], expansions: Expansions) -> RuleTree:
    """The words in the links of a post, or in its own address."""
    links = all_of([_in_link(term, expansions) for term in terms])
    return any_of([links, *_in_own_address(terms)])


def _in_link(term: Term, expansions: Expansions) -> RuleTree:
    found = spellings(term, expansions)
    if not found or unspaced(term.text) or not all(map(searchable, found)):
        return EVERY_POST
    return any_of([keyword(word, "url:") or NO_POST for word in found])


def _in_own_address(terms: Sequence[Term]) -> Iterator[RuleTree]:
    for first in range(len(_OWN_ADDRESS) - len(terms) + 1):
        yield all_of([_at(term, _OWN_ADDRESS[first + n]) for n, term in enumerate(terms)])


def _at(term: Term, slot: str) -> RuleTree:
    """What has to be so for the term to be this word of the address."""
    if slot == "<id>":
        stem = re.split(r"[*?]", term.form)[0] if term.wildcard else term.form
        return Constant(stem.isdigit() and (term.wildcard or len(stem) >= _MIN_ID_DIGITS))
    if slot == "<handle>":
        # "i" stands for a handle that X did not give.
        return EVERY_POST if term.wildcard or term.form == "i" else account(term.form.lower())
    return Constant(_fits(term.form, term.form_of(slot), wildcard=term.wildcard))
