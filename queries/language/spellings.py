"""The other spellings of a name with a possessive s: McDonald's and McDonalds, M&M's and M&Ms.

Each back end asks for both. An everyday word keeps its apostrophe: "that's" is not "thats", and
"orange's" not "oranges".
"""

import re
from dataclasses import replace
from typing import Final

from queries.language.ast import And, Field, Near, Node, Not, Or, Phrase, Term
from text.everyday import everyday_words

_MIN_LETTERS: Final = 3
"""Letters before the s; "it's" is two words."""
_AFTER_AND: Final = re.compile("[A-Za-z]{1,2}[sS]")
"""The end of M&Ms, H&Ms."""


def with_spellings(node: Node) -> Node:
    """The query with an OR in place of each phrase that has another spelling."""
    match node:
        case Phrase(terms, None):
            others = list(_others(terms))
            return Or((node, *others), span=node.span) if others else node
        case And(parts):
            return And(tuple(map(with_spellings, parts)), span=node.span)
        case Or(parts):
            return Or(tuple(map(with_spellings, parts)), span=node.span)
        case Not(child):
            return Not(with_spellings(child), span=node.span)
        case Field(name, child):
            return Field(name, with_spellings(child), span=node.span)
        case Near(left, right):
            return replace(node, left=with_spellings(left), right=with_spellings(right))
        case _:
            return node


def _others(terms: tuple[Term, ...]) -> list[Term | Phrase]:
    joined = _joined(terms)
    parted = _parted(terms)
    return [_row(other) for other in (joined, parted) if other != terms]


def _joined(terms: tuple[Term, ...]) -> tuple[Term, ...]:
    """Each name with the s behind it as one word."""
    kept: list[Term] = []
    for term in terms:
        if kept and term.text in ("s", "S") and _takes_s(kept):
            kept[-1] = replace(kept[-1], text=kept[-1].text + term.text)
        else:
            kept.append(term)
    return tuple(kept)


def _takes_s(before: list[Term]) -> bool:
    name = before[-1]
    if name.wildcard or name.kind != "word" or not name.text[-1].isalpha():
        return False
    if len(before) > 1 and before[-2].form == "&":
        return True
    is_everyday = any(name.form.lower() in words for words in everyday_words().values())
    return len(name.text) >= _MIN_LETTERS and not is_everyday


def _parted(terms: tuple[Term, ...]) -> tuple[Term, ...]:
    """The s of M&Ms as a word of its own."""
    kept: list[Term] = []
    for term in terms:
        after_and = bool(kept) and kept[-1].form == "&"
        if after_and and not term.wildcard and _AFTER_AND.fullmatch(term.text):
            kept += [replace(term, text=term.text[:-1]), replace(term, text=term.text[-1])]
        else:
            kept.append(term)
    return tuple(kept)


def _row(terms: tuple[Term, ...]) -> Term | Phrase:
    return terms[0] if len(terms) == 1 else Phrase(terms)
