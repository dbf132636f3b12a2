"""Fields of a query as operators of X, for posts as ``ingestors.x.posts`` makes them.

``above_value`` matches all that a field does, ``below_value`` nothing that it does not. What X
finds in a way of its own (languages, verified accounts) is not asked for: it could leave out posts
that the query matches.
"""

import re
from collections.abc import Callable, Iterator, Sequence

from queries.language.ast import And, Node, Not, Or, Range, Term, Value
from queries.language.fields import normal
from queries.x.operators import (
    Expansions,
    account,
    address_word,
    listed,
    mentioned,
    searchable,
    spellings,
    tagged,
    unspaced,
)
from queries.x.rule import EVERY_POST, NO_POST, Constant, Op, RuleTree, all_of, any_of, negation

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

_Direction = Callable[[str, Value, Expansions], RuleTree]


def above_value(name: str, child: Node, expansions: Expansions) -> tuple[RuleTree, str]:
    """What matches all that ``name:child`` does, and why it matches more, if it does."""
    if name in _UNKNOWN:
        return EVERY_POST, _UNKNOWN[name]
    if name == "engagementType":
        kinds = set(_texts(child))
        return _above_kinds(kinds), _ORIGINAL if "original" in kinds else ""
    found = _compiled(name, child, expansions, _above, _below)
    guessed = any(value.wildcard and not listed(value.text, expansions) for value in _values(child))
    why = "X has no wildcards, and no expansions say what it means" if guessed else ""
    return found, why if name not in ("source", "site") else ""


def below_value(name: str, child: Node) -> RuleTree:
    """What matches nothing that ``name:child`` does not."""
    if name in _UNKNOWN:
        return NO_POST
    if name == "engagementType":
        return _below_kinds(set(_texts(child)))
    return _compiled(name, child, {}, _below, _above)


def _compiled(
    name: str, node: Node, expansions: Expansions, this: _Direction, other: _Direction
) -> RuleTree:
    match node:
        case And(parts):
            return all_of([_compiled(name, p, expansions, this, other) for p in parts])
        case Or(parts):
            return any_of([_compiled(name, p, expansions, this, other) for p in parts])
        case Not(child):
            return negation(_compiled(name, child, expansions, other, this))
        case Value():
            return this(name, node, expansions)
        case _:
            raise TypeError(f"{type(node).__name__} is no value")


def _above(name: str, value: Value, expansions: Expansions) -> RuleTree:
    if name == "source":
        return Constant(_equals(value, SOURCE))
    if name == "site":
        return Constant(any(_equals(value, host) for host in _HOSTS))
    if name == "country":
        return _country(value)
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


def _below(name: str, value: Value, expansions: Expansions) -> RuleTree:
    """Of the quoted post X reads hashtags and mentions, and neither its author nor its place."""
    if name in ("source", "site"):
        return _above(name, value, expansions)
    if name == "country":
        return _country(value)
    if name == "author" and not value.wildcard:
        return account(normal(value.text))
    return NO_POST


def _country(value: Value) -> RuleTree:
    return Op(f"place_country:{value.text.upper()}")


def _equals(value: Value, text: str) -> bool:
    if value.wildcard:
        return fits(normal(value.text), text)
    return normal(value.text) == text


def fits(pattern: str, text: str) -> bool:
    """Whether ``*`` for any letters and ``?`` for one make the pattern into the text."""
    expression = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(expression, text, re.DOTALL) is not None


def _values(node: Node) -> Iterator[Value]:
    match node:
        case Value():
            yield node
        case And(parts) | Or(parts):
            for part in parts:
                yield from _values(part)
        case Not(child):
            yield from _values(child)


def _texts(node: Node) -> Iterator[str]:
    return (normal(value.text) for value in _values(node))


# --- what a post is to another one --------------------------------------------------------------


def _above_kinds(kinds: set[str]) -> RuleTree:
    """A repost that quotes is a quote here: X may say that it is both."""
    found: list[RuleTree] = [_REPOST] if "repost" in kinds else []
    if "quote" in kinds:
        found.append(_QUOTE)
    if "original" in kinds:
        found.append(negation(_REPOST))
    elif "reply" in kinds:
        found.append(_REPLY)
    return any_of(found)


def _below_kinds(kinds: set[str]) -> RuleTree:
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
    return any_of([address_word(word) for word in found])


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
    word = term.form_of(slot)
    return Constant(fits(term.form, word) if term.wildcard else term.form == word)
