"""The index fields for queries: the sink writes ``query_fields``, ``index_compiler`` searches them.

A text field becomes three index fields with tokens at the same positions: the folded forms,
``…_accented`` and ``…_exact``. The last two hold ``SAME`` for a token that equals its folded form,
to save space. A term with an accent never matches such a token (its form would fold to another
one); a term in braces may (``maybe_in_folded``).
"""

from collections.abc import Iterable
from functools import lru_cache

from queries.language.ast import Term
from queries.language.errors import QueryError
from queries.matching.document import Document
from schemas.post import Metrics
from schemas.types import JsonObject
from text.tokens import TOKENIZER_VERSION, Tokens, cased_form, exact_form, folded_form

WORDS = "words"
"""The object with the text fields."""
VALUES = "values"
"""The object with the values in normal form."""
TEXT_PATHS = {
    "text": f"{WORDS}.text",
    "title": f"{WORDS}.title",
    "authorName": f"{WORDS}.author_name",
    "url": f"{WORDS}.url",
}
"""Text field to the index field of its folded tokens."""
ACCENTED, EXACT = "_accented", "_exact"
"""Suffixes of the index fields with the other forms."""
VALUE_PATHS = {
    **{
        name: f"{VALUES}.{name}"
        for name in (
            "author", "source", "site", "country", "hashtags", "mentions", "entity", "community",
            "thread", "about", "publisher", "tag",
        )
    },
    # These fields hold codes, ids and labels, which are in normal form already.
    "lang": "language",
    "brand": "brands",
    "sentiment": "sentiment.label",
    "towards": "brand_sentiment",
    "aspect": "aspects.label",
    "intent": "intents",
    "emotion": "emotion.label",
    "format": "format",
    "engagementType": "kind",
    "verified": "author.verified",
    "bot": "author.bot",
}  # fmt: skip
RANGE_PATHS = {
    "followers": "author.followers",
    **{name: f"metrics.{name}" for name in Metrics.__struct_fields__},
    "rating": "rating.share",
    "date": "created_at",
}
PAIR_PATHS = {"towards": "brand_sentiment", "aspect": "aspect_sentiment"}
"""Fields whose values may be pairs, as ``price=negative``, to the index field of the pairs."""
PRESENT = VALUE_PATHS["source"]
"""In every document with fields for queries; older documents and tombstones lack it."""
TOKENIZER = f"{VALUES}.tokenizer"
"""The version of the tokenizer that read the document; those of version 1 lack it."""
SAME = "."
"""Replaces a form that equals the folded one. Only the sign of E.ON is such a token; its forms are
all equal, so the folded field alone is asked for it."""
GAP = 1000
"""Positions between two addresses: more than the largest distance of a query."""
MAX_VALUE_BYTES = 32_766
"""Bytes of a value: Lucene's limit. Ingestors pass shorter values only."""
_WORDS = {name: path.removeprefix(f"{WORDS}.") for name, path in TEXT_PATHS.items()}
_VALUES = {
    name: path.removeprefix(f"{VALUES}.")
    for name, path in VALUE_PATHS.items()
    if path.startswith(f"{VALUES}.")
}


def field_of(term: Term, path: str) -> str:
    """The index field with the term's form; ``path``: the one with the folded tokens."""
    if term.exact:
        return path if term.form == SAME else path + EXACT
    if not term.accented:
        return path
    if _has_folded_letters(term):
        # Its accents are beyond the letters that a token keeps, so no token can match it.
        raise QueryError("this word is too long", *term.span, "shorten it")
    return path + ACCENTED


def maybe_in_folded(term: Term) -> bool:
    """Whether a term in braces may match tokens that only the folded field holds."""
    return term.exact and term.form != SAME and _has_folded_letters(term)


def _has_folded_letters(term: Term) -> bool:
    return all(term.fold(letter) == letter for letter in term.form)


def query_fields(document: Document) -> JsonObject:
    """``words`` and ``values`` of an index document."""
    words: JsonObject = {}
    for name, path in _WORDS.items():
        forms = zip(("", ACCENTED, EXACT), _lines(document.texts_of(name)), strict=True)
        for ending, lines in forms:
            if lines:
                words[path + ending] = lines if name == "url" else lines[0]
    values = {path: sorted(filter(_fits, document.values_of(n))) for n, path in _VALUES.items()}
    values = {path: kept for path, kept in values.items() if kept}
    values[TOKENIZER.removeprefix(f"{VALUES}.")] = [str(TOKENIZER_VERSION)]
    return {name: fields for name, fields in ((WORDS, words), (VALUES, values)) if fields}


def _lines(texts: Iterable[Tokens]) -> tuple[list[str], list[str], list[str]]:
    """The lines of the three fields; those with accents only if any token has one."""
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
    """The accented and the exact form, or ``SAME``."""
    if token.isascii():
        as_written = token[: len(folded)]
        return SAME, SAME if as_written == folded else as_written
    return _short_forms(token, folded) if len(token) < _SHORT else _other_forms(token, folded)


def _other_forms(token: str, folded: str) -> tuple[str, str]:
    with_accents, as_written = cased_form(token), exact_form(token)
    # A combining mark without a letter keeps its own form, never the folded one.
    same = folded_form(token) if folded in (with_accents, as_written) else None
    return (
        SAME if with_accents == same else with_accents or folded,
        SAME if as_written == same else as_written,
    )


_SHORT = 32
_short_forms = lru_cache(maxsize=16_384)(_other_forms)


def _fits(value: str) -> bool:
    return len(value.encode()) <= MAX_VALUE_BYTES
