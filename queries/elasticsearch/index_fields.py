"""What the index holds of a post for queries: field names, and the tokens in each of their forms.

The sink writes ``query_fields``; ``queries.elasticsearch.index_compiler`` asks for nothing else but
numbers, times and the keyword fields that hold normal values already.

A field of text is three fields of the index, whose tokens stand at the same positions. The first
has the folded forms. Of the other two, ``…_accented`` and ``…_exact``, most tokens would repeat the
folded form: there stands ``SAME`` instead, which costs next to nothing. A term with an accent never
means such a token (its form would fold to another one); a term in braces may (``maybe_in_folded``).
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from queries.language.ast import Term
from queries.language.errors import QueryError
from queries.matching.document import Document
from text.tokens import Tokens, cased_form, exact_form, folded_form

WORDS = "words"
"""The object of the fields of text."""
VALUES = "values"
"""The object of the values in their normal form."""
TEXT_PATHS = {
    "text": f"{WORDS}.text",
    "title": f"{WORDS}.title",
    "authorName": f"{WORDS}.author_name",
    "url": f"{WORDS}.url",
}
"""Fields of text to the field of their folded tokens."""
ACCENTED, EXACT = "_accented", "_exact"
"""What those fields are called that hold the other forms of the same tokens."""
VALUE_PATHS = {
    **{
        name: f"{VALUES}.{name}"
        for name in ("author", "source", "site", "country", "hashtags", "mentions", "entity")
    },
    # Codes, ids and labels that are in their normal form in these fields of analysts.
    "lang": "language",
    "brand": "brands",
    "sentiment": "sentiment.label",
    "engagementType": "kind",
    "verified": "author.verified",
}
RANGE_PATHS = {
    "followers": "author.followers",
    **{name: f"metrics.{name}" for name in ("likes", "reposts", "replies", "quotes", "views")},
    "date": "created_at",
}
PRESENT = VALUE_PATHS["source"]
"""Every document has it that was written with fields for queries; older ones and tombstones do
not."""
SAME = "."
"""Stands for a token whose form is the folded one; no token is punctuation alone."""
GAP = 1000
"""Positions between two addresses: more than any distance that a query may ask for."""
MAX_VALUE_BYTES = 32_766
"""Bytes of a value: Lucene's limit. What an ingestor lets in is always shorter."""
_WORDS = {name: path.removeprefix(f"{WORDS}.") for name, path in TEXT_PATHS.items()}
_VALUES = {
    name: path.removeprefix(f"{VALUES}.")
    for name, path in VALUE_PATHS.items()
    if path.startswith(f"{VALUES}.")
}


def field_of(term: Term, path: str) -> str:
    """The field that has the form that a term asks for; ``path``: that of the folded tokens."""
    if term.exact:
        return path + EXACT
    if not term.accented:
        return path
    if _has_folded_letters(term.form):
        # Its accents lie behind the letters that are kept of a token, so that none is known by it.
        raise QueryError("this word is too long", *term.span, "shorten it")
    return path + ACCENTED


def maybe_in_folded(term: Term) -> bool:
    """Whether a term in braces means tokens whose form is the folded one, and is only there."""
    return term.exact and _has_folded_letters(term.form)


def _has_folded_letters(form: str) -> bool:
    return all(folded_form(letter) == letter for letter in form)


def query_fields(document: Document) -> dict[str, Any]:
    """``words`` and ``values`` of a document of the index."""
    words: dict[str, Any] = {}
    for name, path in _WORDS.items():
        for ending, lines in zip(
            ("", ACCENTED, EXACT), _lines(document.texts_of(name)), strict=True
        ):
            if lines:
                words[path + ending] = lines if name == "url" else lines[0]
    values = {
        path: kept for name, path in _VALUES.items() if (kept := _kept(document.values_of(name)))
    }
    return {name: found for name, found in ((WORDS, words), (VALUES, values)) if found}


def _lines(texts: Iterable[Tokens]) -> tuple[list[str], list[str], list[str]]:
    """The texts of the three fields; those with accents only if there is one."""
    folded, accented, exact = [], [], []
    for tokens in texts:
        if len(tokens):
            forms = list(map(_forms, tokens.exact, tokens.folded))
            folded.append(" ".join(tokens.folded))
            accented.append(" ".join([with_accents for with_accents, _ in forms]))
            exact.append(" ".join([as_written for _, as_written in forms]))
    if not any(line.strip(f"{SAME} ") for line in accented):
        accented = []
    return folded, accented, exact


def _forms(token: str, folded: str) -> tuple[str, str]:
    """The form with accents and the exact one, as far as they are not the folded one."""
    if token.isascii():
        as_written = token[: len(folded)]
        return SAME, SAME if as_written == folded else as_written
    return _short_forms(token, folded) if len(token) < _SHORT else _other_forms(token, folded)


def _other_forms(token: str, folded: str) -> tuple[str, str]:
    with_accents, as_written = cased_form(token), exact_form(token)
    # A mark that stands alone is its own form without being folded, and so never the same.
    same = folded_form(token) if folded in (with_accents, as_written) else None
    return (
        SAME if with_accents == same else with_accents or folded,
        SAME if as_written == same else as_written,
    )


_SHORT = 32
_short_forms = lru_cache(maxsize=16_384)(_other_forms)


def _kept(values: Iterable[str]) -> list[str]:
    return sorted(value for value in values if len(value.encode()) <= MAX_VALUE_BYTES)
