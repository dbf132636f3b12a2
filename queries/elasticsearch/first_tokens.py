"""A query as version 1 of the tokenizer read it, for documents that it wrote.

Such documents have no signs (C&A is "c a"), one word of LG가, an e-mail address in its words, and
ø, œ, ی and the like as they stand. A query goes on finding in them what it found before. All of
this may go when no index holds a document from before mapping version 7.
"""

import unicodedata
from dataclasses import replace
from functools import cached_property
from itertools import pairwise
from typing import Final

import regex

from queries.language.ast import Near, Node, Or, Phrase, Term
from text.character_classes import RUNS, classes
from text.tokens import MAX_FOLDED, exact_form
from text.words.token_grammar import NAME_SIGNS

_DIACRITICS: Final = regex.compile(r"[\u0300-\u036f\u0640\u064b-\u0652\u0670\ufe0f ]")
_NO_LETTERS: Final = regex.compile(r"[\u0640\ufe0f ]")


def first_folded_form(text: str) -> str:
    """A token without case, and without the accents that Unicode decomposes."""
    if text.isascii():
        return text[:MAX_FOLDED].lower()
    plain = _DIACRITICS.sub("", unicodedata.normalize("NFKD", text[:MAX_FOLDED]))
    return unicodedata.normalize("NFC", plain.casefold())[:MAX_FOLDED]


def first_cased_form(text: str) -> str:
    """A token without case, with its accents."""
    if text.isascii():
        return text[:MAX_FOLDED].lower()
    plain = _NO_LETTERS.sub("", unicodedata.normalize("NFKD", text[:MAX_FOLDED]))
    lower = "\u0345".join(map(str.casefold, plain.split("\u0345")))
    return unicodedata.normalize("NFC", lower)[:MAX_FOLDED]


class FirstTerm(Term):
    """A term whose forms are those of version 1."""

    @cached_property
    def accented(self) -> bool:
        cased = first_cased_form(self.text)
        return not self.text.isascii() and cased != first_folded_form(self.text)

    @cached_property
    def capitals(self) -> tuple[str, ...]:
        return ()

    def fold(self, text: str) -> str:
        return first_folded_form(text)

    def form_of(self, token: str) -> str:
        if self.exact:
            return exact_form(token)
        form = first_cased_form(token) if self.accented else first_folded_form(token)
        return form or token[:MAX_FOLDED]


def first_query(node: Term | Phrase | Near) -> Term | Phrase | Near | Or | None:
    """What to ask of old documents; None: they hold the same tokens for it."""
    older = _first(node)
    if older is None or _same(node, older):
        return None
    return older


def _first(node: Node) -> Term | Phrase | Near | Or | None:
    match node:
        case Term():
            return _of_tokens((node,), None)
        case Phrase(terms, slop):
            return _of_tokens(terms, slop)
        case Near(left, right):
            older, other = _first(left), _first(right)
            if older is None or other is None:
                return None
            return replace(node, left=older, right=other)
        case Or(parts):
            kept = tuple(part for part in map(_first, parts) if part is not None)
            return Or(kept) if len(kept) > 1 else kept[0] if kept else None
        case _:
            return None


def _of_tokens(terms: tuple[Term, ...], slop: int | None) -> Term | Phrase | Or | None:
    apart = [one for term in terms if term.text not in NAME_SIGNS for one in _parts(term)]
    if not apart:
        return None
    whole = _row(apart, slop)
    joined = [apart[0]]
    for before, term in pairwise(apart):
        glue = _glue(before, term) if slop is None else None
        if glue is None:
            joined.append(term)
        else:
            joined[-1] = replace(joined[-1], text=joined[-1].text + glue + term.text,
                                 wildcard=joined[-1].wildcard or term.wildcard)  # fmt: skip
    return whole if len(joined) == len(apart) else Or((_row(joined, slop), whole))


def _row(terms: list[Term], slop: int | None) -> Term | Phrase:
    return terms[0] if len(terms) == 1 else Phrase(tuple(terms), slop)


def _parts(term: Term) -> list[Term]:
    """An e-mail address was its words, and a handle of the Fediverse two tokens."""
    text = term.text
    if term.kind == "word" and "@" in text:
        words = text.replace("@", " ").replace(".", " ").replace("-", " ").replace("+", " ")
        return [FirstTerm(word, term.exact) for word in words.split()]
    if term.kind == "handle" and "@" in text[1:]:
        user, host = text[1:].split("@", 1)
        words = host.replace(".", " ").replace("-", " ")
        return [FirstTerm(word, term.exact) for word in (f"@{user}", *words.split())]
    return [FirstTerm(text, term.exact, term.wildcard, span=term.span)]


def _glue(before: Term, after: Term) -> str | None:
    """What stood between two tokens that were one; None: they were two."""
    if before.kind == "handle" and after.kind == "word":
        return "-"
    if before.kind != "word" or after.kind != "word":
        return None
    last, first = classes(before.text[-1]), classes(after.text[0])
    if before.text == "ー" and first.isalnum():
        return ""
    one_word = (last in RUNS or last.isalnum()) and (first in RUNS or first.isalnum())
    return "" if one_word and last != first and (last in RUNS or first in RUNS) else None


def _same(node: Node, older: Node) -> bool:
    """Whether both ask for the same forms in the same fields."""
    match node, older:
        case Term(), Term():
            return (node.forms, node.accented, node.exact, node.capitals) == (
                older.forms, older.accented, older.exact, older.capitals,
            ) and _plain(node)  # fmt: skip
        case Phrase(terms), Phrase(others):
            return len(terms) == len(others) and all(map(_same, terms, others))
        case Near(), Near():
            return _same(node.left, older.left) and _same(node.right, older.right)
        case Or(parts), Or(others):
            return len(parts) == len(others) and all(map(_same, parts, others))
        case _:
            return False


def _plain(term: Term) -> bool:
    """Whether a term in braces asks the same fields in both versions."""
    return not term.exact or all(
        term.fold(letter) == first_folded_form(letter) for letter in term.form
    )
