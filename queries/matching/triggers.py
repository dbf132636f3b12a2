"""The triggers of a query: every post that matches has at least one of them.

Of the parts of an AND, the rarest gives the triggers. A query such as ``likes:>10`` has none.
"""

from dataclasses import dataclass
from functools import cache
from itertools import chain
from typing import Final

from queries.language.ast import And, Field, Near, Node, Or, Phrase, Term, Value
from queries.language.fields import TAG, normal
from queries.matching.searchable import searchable
from text.everyday import everyday_words
from text.tokens import MAX_FOLDED, folded_form
from text.words.affixes import common_part


@dataclass(frozen=True, slots=True)
class Trigger:
    """A piece of searchable text, or the value of a field."""

    field: str
    """Empty for the text and the title."""
    needle: str
    value: bool = False
    address: bool = False
    """A whole URL (see ``queries.matching.searchable.is_odd``)."""


Triggers = frozenset[Trigger]

_LONG: Final = 60
"""Letters of a needle that are searched; the rest only gives a few more candidates."""
_COMMON: Final = frozenset(
    {"lang", "source", "sentiment", "engagementType", "verified", "country", "towards", "aspect",
     "intent", "emotion", "format", "bot"}
)  # fmt: skip
"""Fields with few values, each of which many posts have."""
_EVERYDAY_COST: Final = 100.0
_COMMON_COST: Final = 10_000.0


def triggers(node: Node, field: str = "") -> Triggers | None:
    """The triggers of a query; None: any post might match."""
    match node:
        case Term() | Phrase():
            return _of_words(node, field)
        case Near(left, right):
            return _cheapest([triggers(left, field), triggers(right, field)])
        case And(parts):
            return _cheapest([triggers(part, field) for part in parts])
        case Or(parts):
            return _either([triggers(part, field) for part in parts])
        case Field(name, child):
            return triggers(child, "" if name in ("text", "title") else name)
        case Value(text) if field == TAG:
            return _of_tag(text)
        case Value(text, wildcard):
            return None if wildcard else frozenset({Trigger(field, normal(text), value=True)})
        case _:
            return None


def _either(parts: list[Triggers | None]) -> Triggers | None:
    return None if None in parts else frozenset(chain.from_iterable(filter(None, parts)))


def _cheapest(parts: list[Triggers | None]) -> Triggers | None:
    return min((part for part in parts if part is not None), key=_cost, default=None)


def _of_words(node: Term | Phrase, field: str) -> Triggers | None:
    if isinstance(node, Term):
        return _of_term(node, field)
    # The sign of a name is between two words, where the searchable text has one space.
    words = [term for term in node.terms if term.kind != "sign"]
    if node.slop is None and not any(map(_is_open, words)) and not any(map(_varies, words)):
        needle = searchable(" ".join(map(_folded, words)))
        if needle.strip():
            return frozenset({_trigger(needle, field)})
    return _cheapest([_of_term(term, field) for term in node.terms])


def _is_open(term: Term) -> bool:
    return term.wildcard or term.kind == "url" or not searchable(_folded(term)).strip()


def _varies(term: Term) -> bool:
    """Whether letters may stand before or behind it in its token."""
    return len(term.forms) > 1


def _folded(term: Term) -> str:
    folded = folded_form(term.text) or term.text
    return common_part(folded) if _varies(term) else folded


def _of_term(term: Term, field: str) -> Triggers | None:
    if term.wildcard:
        return _of_stem(term, field)
    needle = searchable(_folded(term))
    if not needle.strip():
        return None
    return frozenset({_trigger(needle, field, address=term.kind == "url")})


def _of_tag(text: str) -> Triggers | None:
    """The letters of a word of a hashtag, which stand side by side in the text."""
    stem = text.replace("?", "*").partition("*")[0]
    stem = stem if stem.isascii() or stem == text else stem[:-1]
    needle = searchable(stem).strip()
    return frozenset({_trigger(needle, "")}) if needle else None


def _of_stem(term: Term, field: str) -> Triggers | None:
    stem = term.text[: min(at for at in map(term.text.find, "*?") if at >= 0)]
    # A wildcard may match a mark or vowel sign that changes the letter before it.
    stem = stem if stem.isascii() else stem[:-1]
    needle = searchable(stem).rstrip()
    return frozenset({_trigger(needle, field)}) if needle else None


def _trigger(needle: str, field: str, *, address: bool = False) -> Trigger:
    cut = len(needle) > min(_LONG, MAX_FOLDED)
    return Trigger(field, needle[:_LONG] if cut else needle, address=address)


def _cost(alternatives: Triggers) -> float:
    return sum(map(_cost_of, alternatives))


def _cost_of(trigger: Trigger) -> float:
    """A rank of how many posts have the trigger, not a share."""
    if trigger.value:
        return _COMMON_COST if trigger.field in _COMMON else 1.0
    words = trigger.needle.split()
    # A phrase is rarer than its rarest word.
    return min(map(_word_cost, words)) / len(words)


@cache
def _word_cost(word: str) -> float:
    if any(word in words for words in everyday_words().values()):
        return _EVERYDAY_COST
    return max(1.0, 40.0 / float(len(word) ** 1.5))
