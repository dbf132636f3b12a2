"""Parses the words of a query, bare or in quotes or braces, with the tokenizer of the posts."""

import re

import regex

from queries.language.ast import Phrase, Term
from queries.language.errors import QueryError, shorten
from queries.language.foreign_operators import sign_operator
from text.tokens import MAX_FOLDED, Tokens, folded_form, tokenize, url_words

MAX_PHRASE_TERMS = 100
"""Tokens of one phrase. A longer one matches only copies of one post."""
LEADING_LETTERS = 3
"""Letters that a wildcard needs before it: the index looks up every word with this prefix."""

_URL_OR_WILDCARD = re.compile(r"""(?:https?://|www\.)[^\s\x1c-\x1f<>"]+|[*?]""")
# Replaces a wildcard during tokenization: a mark (of Balinese) is part of a word in any script.
_STAND_IN = "\u1b44"
_SYLLABLES = regex.compile(r"\p{Hangul}")
_OPERATORS = {"and", "or", "not", "near"}
_SIGNS = "@#$＠＃"
_URL_STARTS = ("http://", "https://", "www.")
_INSTEAD = {
    "-": "to exclude a term, write NOT before it",
    "!": "to exclude a term, write NOT before it",
    "+": "leave the + out, and write AND: then all terms must occur",
}
_INSTEAD |= dict.fromkeys("–—−！¬", _INSTEAD["-"])
_PATTERN = re.compile(r"/[^/]+/[a-z]?")
_SEPARATORS = re.compile(r"[|｜;；、~^]|(?<!\d)[,，]|[,，](?!\d)")
_SEPARATOR_HINTS = {
    "|": "write OR between terms",
    "｜": "write OR between terms",
    "~": 'write a distance after quotes, such as "a b"~5; for other spellings use a wildcard',
    "^": "terms have no weights: leave ^ and the number out",
}


def read_bare(raw: str, start: int) -> Term | Phrase:
    """The terms of text without spaces, quotes or brackets."""
    end = start + len(raw)
    if not raw.startswith(_URL_STARTS):
        _refuse_other_languages(raw, start, end)
    return _read(raw, start, start, end, closed=False, exact=False)


def read_quoted(raw: str, start: int, end: int, *, exact: bool) -> Term | Phrase:
    """The terms in quotes or braces (``exact``); the span includes the quotes."""
    return _read(raw, start + 1, start, end, closed=True, exact=exact)


def read_address(raw: str, start: int, end: int) -> Term | Phrase:
    """The words of a URL or of a part of one."""
    words = url_words(raw) if raw.startswith(_URL_STARTS) else re.findall(r"[\w*?]+", raw)
    return _read(" ".join(words), start, start, end, closed=True, exact=False)


def _refuse_other_languages(raw: str, start: int, end: int) -> None:
    """Refuse the operators of other search boxes, which are punctuation here."""
    if operator := sign_operator(raw):
        hint = f"write {operator} between terms" if operator != "NOT" else "write NOT"
        raise QueryError(f"'{raw}' is not an operator", start, end, hint)
    if raw[0] in _INSTEAD and len(raw) > 1:
        hint = f'{_INSTEAD[raw[0]]}; if it is part of the text, write "{shorten(raw[1:])}"'
        raise QueryError(f"'{raw[0]}' is not an operator", start, start + 1, hint)
    if raw in (":", "："):
        hint = "a field's name, the colon and the value stand without spaces, such as lang:fr"
        raise QueryError("this colon has no field before it", start, end, hint)
    if raw == "*" or raw == "*:*":
        hint = "write what a post must contain, such as orange"
        raise QueryError("this would match every post", start, end, hint)
    if _PATTERN.fullmatch(raw):
        hint = "write a wildcard, such as oran* or colo?r, or the words with OR"
        raise QueryError("regular expressions are not searched", start, end, hint)
    if raw.lower() in _OPERATORS:
        operator = "NEAR/5" if raw.lower() == "near" else raw.upper()
        hint = f'write {operator} for the operator, or "{raw}" in quotes for the word'
        raise QueryError(f"'{raw}' is an operator only in upper case", start, end, hint)
    if separator := _SEPARATORS.search(raw):
        hint = _SEPARATOR_HINTS.get(separator[0], "write OR between terms, and no comma")
        at = start + separator.start()
        raise QueryError(f"'{separator[0]}' has no meaning inside a term", at, at + 1, hint)


def _read(
    raw: str, offset: int, start: int, end: int, *, closed: bool, exact: bool
) -> Term | Phrase:
    """``offset``: the start of ``raw``; ``start`` and ``end``: the span with quotes."""
    masked = _URL_OR_WILDCARD.sub(lambda m: m[0] if len(m[0]) > 1 else _STAND_IN, raw)
    tokens = tokenize(masked)
    if not len(tokens):
        message = f"'{shorten(raw)}' holds no term" if raw.strip() else "there is no term"
        hint = "punctuation is not searched: write a word, #hashtag, @handle, $TICKER, URL or emoji"
        raise QueryError(message, start, end, hint)
    if len(tokens) > MAX_PHRASE_TERMS:
        hint = f"keep the first {MAX_PHRASE_TERMS} or fewer"
        raise QueryError(f"a phrase of {len(tokens)} words is too long", start, end, hint)
    if masked is not raw and masked != raw:
        _check_wildcards(raw, masked, tokens, offset, closed=closed or exact)
    terms = tuple(
        Term(
            raw[first:last],
            exact,
            _STAND_IN in masked[first:last] and raw[first:last] != masked[first:last],
            span=(offset + first, offset + last),
        )
        for first, last in zip(tokens.starts, tokens.ends, strict=True)
    )
    if len(terms) == 1:
        return Term(terms[0].text, exact, terms[0].wildcard, span=(start, end))
    return Phrase(terms, span=(start, end))


def _check_wildcards(raw: str, masked: str, tokens: Tokens, offset: int, *, closed: bool) -> None:
    inside: set[int] = set()
    for first, last in zip(tokens.starts, tokens.ends, strict=True):
        inside.update(range(first, last))
        at = next((i for i in range(first, last) if raw[i] != masked[i]), None)
        if at is not None:
            _check_wildcard(raw, first, last, at, offset, inner=closed or len(tokens.starts) > 1)
    for place, (letter, mask) in enumerate(zip(raw, masked, strict=True)):
        if letter != mask and place not in inside:
            raise _no_stem(letter, offset + place, offset + place + 1)


def _check_wildcard(raw: str, first: int, last: int, at: int, offset: int, *, inner: bool) -> None:
    """Check a token whose first wildcard is ``at``."""
    start, end = offset + first, offset + last
    if inner and raw[last - 1] == "?":
        message = "a '?' at the end of a word in a phrase is neither a wildcard nor searched"
        raise QueryError(message, end - 1, end, "leave it out: punctuation is not searched")
    if first and raw[first - 1] in _SIGNS:
        message = f"'{shorten(raw[first - 1 : last])}' cannot have a wildcard"
        raise QueryError(message, start - 1, end, "write the tickers out, with OR between them")
    if letters_of(raw[first:at].lstrip(_SIGNS)) < LEADING_LETTERS:
        raise _no_stem(raw[at], start, end)
    if last - first > MAX_FOLDED:
        raise QueryError("a term with a wildcard is too long", start, end, "shorten it")


def letters_of(stem: str) -> int:
    """The letters of a stem; a syllable of Korean counts as two."""
    folded = folded_form(stem)
    return len(folded) + len(_SYLLABLES.findall(folded))


def _no_stem(letter: str, start: int, end: int) -> QueryError:
    hint = f"write the beginning of the word, such as oran{letter}, or the words with OR"
    if letter == "?":
        hint += "; as punctuation, leave it out"
    message = f"a wildcard needs at least {LEADING_LETTERS} letters before it"
    return QueryError(message, start, end, hint)
