"""The index fields for queries: the sink writes ``query_fields``, ``index_compiler`` searches them.

A text field becomes three index fields with tokens at the same positions: the folded forms,
``…_accented`` and ``…_exact``. The last two hold ``SAME`` for a token that equals its folded form,
to save space. A term with an accent never matches such a token (its form would fold to another
one); a term in braces may (``maybe_in_folded``).
"""

from queries.language.ast import Term
from queries.language.errors import QueryError
from queries.matching.document import Document
from schemas.post import Metrics
from schemas.types import JsonObject
from text.tokens import (
    MAX_FOLDED,
    TOKENIZER_VERSION,
    cased_form,
    exact_form,
    folded_form,
    token_form,
)

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
_TOKENIZER = TOKENIZER.removeprefix(f"{VALUES}.")
MAX_VALUE_BYTES = 32_766
"""Bytes of a value: Lucene's limit. Ingestors pass shorter values only."""
_WORDS = {
    name: tuple(path.removeprefix(f"{WORDS}.") + form for form in ("", ACCENTED, EXACT))
    for name, path in TEXT_PATHS.items()
}
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
    for name, (path, with_accents, as_written) in _WORDS.items():
        texts = [_line(tokens) for tokens in document.exact_of(name) if tokens]
        if not texts:
            continue
        one = texts[0] if name != "url" else tuple(map(list, zip(*texts, strict=True)))
        words[path], words[as_written] = one[0], one[2]
        if any(accented.strip(f"{SAME} ") for _, accented, _ in texts):
            words[with_accents] = one[1]
    values: JsonObject = {}
    for name, path in _VALUES.items():
        found = document.values_of(name)
        if kept := [value for value in sorted(found) if len(value) <= _SURE or _fits(value)]:
            values[path] = kept
    values[_TOKENIZER] = [str(TOKENIZER_VERSION)]
    return {WORDS: words, VALUES: values} if words else {VALUES: values}


def _line(tokens: list[str]) -> tuple[str, str, str]:
    """The folded, the accented and the exact forms of the tokens of one text."""
    line = " ".join(tokens)
    if not line.isascii():
        folded, accented, exact = zip(*[_FORMS[token] for token in tokens], strict=True)
        return " ".join(folded), " ".join(accented), " ".join(exact)
    if len(line) > MAX_FOLDED:
        tokens = [token[:MAX_FOLDED] for token in tokens]
        line = " ".join(tokens)
    lower, same = line.lower(), " ".join([SAME] * len(tokens))
    if lower == line:
        return lower, same, same
    pairs = zip(tokens, lower.split(" "), strict=True)
    return lower, same, " ".join([SAME if token == form else token for token, form in pairs])


class _Forms(dict[str, tuple[str, str, str]]):
    """The folded, the accented and the exact form of short tokens; begins anew when it is full."""

    def __missing__(self, token: str) -> tuple[str, str, str]:
        forms = _forms(token)
        if len(token) < _SHORT:
            if len(self) >= _MAX_KNOWN:
                self.clear()
            self[token] = forms
        return forms


_FORMS = _Forms()
_SHORT = 32
_MAX_KNOWN = 16_384
"""Tokens whose forms are kept: some 8 MB at most."""


def _forms(token: str) -> tuple[str, str, str]:
    """The folded form, and the two others or ``SAME``."""
    folded = token_form(token)
    with_accents, as_written = cased_form(token), exact_form(token)
    # A combining mark without a letter keeps its own form, never the folded one.
    same = folded_form(token) if folded in (with_accents, as_written) else None
    return (
        folded,
        SAME if with_accents == same else with_accents or folded,
        SAME if as_written == same else as_written,
    )


_SURE = MAX_VALUE_BYTES // 4
"""Code points of a value that certainly fits: none has more than four bytes."""


def _fits(value: str) -> bool:
    return len(value.encode()) <= MAX_VALUE_BYTES
