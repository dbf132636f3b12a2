"""The tokenizer that the live matcher and the index share.

A token is a word (letters, marks, digits, in any script), a ``#hashtag``, an ``@handle``, a
``$TICKER``, a URL, an emoji, or one character with its marks of a script without spaces (Chinese,
Japanese, Thai, Lao, Khmer, Burmese). It has an exact form, a folded form (without case and without
Latin, Greek, Cyrillic and Arabic diacritics), and offsets in the published text, in code points.
``cased_form`` keeps accents, ``exact_form`` also capitals, for queries that ask for them.

Apostrophes and hyphens split: "l'Orange" holds the word "orange". Marks of other scripts (Hindi
vowel signs) stay, since they distinguish words.

A folded form ends at 255 UTF-16 code units, where Elasticsearch's whitespace tokenizer starts
another token. Matcher and index thus read the same beginning of a giant token (a long URL, an
attack), and normalizing, which is quadratic in a run of marks, stays cheap.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import Final

import regex

from text.character_classes import (
    BASE,
    BASE_MARK,
    CHARACTER,
    EMOJI,
    EMOJI_LETTER,
    JOINER,
    MARK,
    REGIONAL,
    SELECTOR,
    SIGN,
    TONE,
    classes,
)

# In classes of letters (``text.character_classes``); letters of ASCII stand for themselves.
_WORD = rf"[\w{EMOJI_LETTER}{MARK}{SELECTOR}]"
_LETTER = rf"[\w{EMOJI_LETTER}{BASE}{CHARACTER}]"
_CLUSTER = rf"{BASE}{BASE_MARK}*"
_EMOJI = rf"[{EMOJI}{EMOJI_LETTER}][{TONE}{SELECTOR}]?"
_SIGNS = rf"""
      (?:https?://|www\.)[^\s\x1c-\x1f<>"]+           # URL
    | (?<!{_LETTER})@{_WORD}+(?:[.\-]{_WORD}+)*       # handle, Bluesky's have dots
    | \#(?:{_WORD}+|[{SIGN}{CHARACTER}]+|{_CLUSTER})+  # hashtag
    | (?<!{_LETTER})(?<!\$)\$[A-Za-z]{{1,6}}(?!{_LETTER})   # ticker
    | {_WORD}+
    | [{SIGN}{CHARACTER}]
    | {_CLUSTER}
    | {BASE_MARK}+                                    # marks that belong to no letter
    | {REGIONAL}{REGIONAL}                            # flag
    | {_EMOJI}(?:{JOINER}{_EMOJI})*
"""
_SPLIT = re.compile(f"({_SIGNS})", re.VERBOSE | re.ASCII)
# The same for ASCII text, without the classes.
_ASCII_SIGNS = r"""
      (?:https?://|www\.)[^\s\x1c-\x1f<>"]+
    | (?<!\w)@\w+(?:[.\-]\w+)*
    | \#\w+
    | (?<![\w$])\$[A-Za-z]{1,6}(?!\w)
    | \w+
"""
_ASCII_SPLIT = re.compile(f"({_ASCII_SIGNS})", re.VERBOSE | re.ASCII)
# A space too: NFKD makes one from some letters (ﷺ, presentation forms).
_DIACRITICS = regex.compile(r"[\u0300-\u036f\u0640\u064b-\u0652\u0670\ufe0f ]")
_NO_LETTERS = regex.compile(r"[\u0640\ufe0f ]")
"""Tatweel, the selector of coloured emoji, and space: they change only the look of a word."""

LONG: Final = 2_000
"""Code points from which the tokens of a text are kept until the next long text."""
_MAX_KNOWN: Final = 50_000
"""Tokens whose folded form is kept: some 10 MB at most."""
_MAX_KNOWN_LENGTH: Final = 16
"""Code points of such a token."""
MAX_FOLDED = 255
"""UTF-16 code units of one token of Elasticsearch's whitespace tokenizer."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """Parallel lists, one entry a token; ``starts`` and ``ends`` are code points."""

    exact: list[str]
    folded: list[str]
    starts: list[int]
    ends: list[int]

    def __len__(self) -> int:
        return len(self.exact)


def folded_form(text: str) -> str:
    """One token without case and diacritics, cut at ``MAX_FOLDED``: "Été" becomes "ete".

    Marks of Indic scripts stay. Styled letters (𝐎𝐫𝐚𝐧𝐠𝐞) become plain ones.
    """
    if text.isascii():
        return text[:MAX_FOLDED].lower()
    if len(text) > MAX_FOLDED:
        # Diacritics go first: a word buried in them is still found.
        text = _DIACRITICS.sub("", text)[:MAX_FOLDED]
    # Case goes last: NFKD turns a styled capital into a plain capital.
    plain = _DIACRITICS.sub("", unicodedata.normalize("NFKD", text))
    return _cut(unicodedata.normalize("NFC", plain.casefold()))


def cased_form(text: str) -> str:
    """One token without case, with its diacritics: "Été" and "ÉTÉ" become "été".

    Equal to :func:`folded_form` exactly for a token without diacritics.
    """
    if text.isascii():
        return text[:MAX_FOLDED].lower()
    plain = _NO_LETTERS.sub("", unicodedata.normalize("NFKD", text[:MAX_FOLDED]))
    # Case folding would turn one diacritic into a letter: the Greek iota subscript.
    lower = "\u0345".join(map(str.casefold, plain.split("\u0345")))
    return _cut(unicodedata.normalize("NFC", lower))


def exact_form(text: str) -> str:
    """One token with its case and diacritics, in NFC."""
    if text.isascii():
        return text[:MAX_FOLDED]
    plain = _NO_LETTERS.sub("", text[:MAX_FOLDED]) or text[:MAX_FOLDED]
    return _cut(unicodedata.normalize("NFC", plain))


def _cut(folded: str) -> str:
    """The first ``MAX_FOLDED`` code units, without half a letter."""
    if 2 * len(folded) <= MAX_FOLDED:
        return folded
    units = 0
    for index, letter in enumerate(folded):
        units += 2 if letter > "\uffff" else 1
        if units > MAX_FOLDED:
            return folded[:index]
    return folded


class _Forms(dict[str, str]):
    """The folded forms of short tokens, each computed once; it begins anew when it is full."""

    def __missing__(self, token: str) -> str:
        # NFKD folds ＠ and ＃ too. A mark alone folds to an empty string and is kept.
        form = folded_form(token) or _cut(token)
        if len(token) <= _MAX_KNOWN_LENGTH:
            if len(self) >= _MAX_KNOWN:
                self.clear()
            self[token] = form
        return form


_FORMS = _Forms()


def tokenize(text: str) -> Tokens:
    """Split ``text`` into tokens. Pure, total: any string gives a result, not to be changed.

    The matcher, the gazetteer and others read one text after another: a long one is split once.
    """
    return _last_long(text) if len(text) > LONG else _split(text)


def folded_tokens(text: str) -> list[str]:
    """``tokenize(text).folded``; of a short text in half the time, without offsets."""
    if len(text) > LONG:
        return _last_long(text).folded
    if text.isascii():
        return [token[:MAX_FOLDED].lower() for token in _ASCII_SPLIT.findall(text)]
    return _split(text).folded


def _split(text: str) -> Tokens:
    ascii_only = text.isascii()
    # A split gives what is between two tokens, too: their lengths are the offsets, without an
    # object a match.
    parts = _ASCII_SPLIT.split(text) if ascii_only else _SPLIT.split(classes(text))
    offsets = list(accumulate(map(len, parts)))
    starts, ends = offsets[:-1:2], offsets[1::2]
    if ascii_only:
        exact = parts[1::2]
        return Tokens(exact, [token[:MAX_FOLDED].lower() for token in exact], starts, ends)
    exact = [text[start:end] for start, end in zip(starts, ends, strict=True)]
    return Tokens(exact, list(map(_FORMS.__getitem__, exact)), starts, ends)


@lru_cache(maxsize=1)
def _last_long(text: str) -> Tokens:
    return _split(text)


def is_link(token: str) -> bool:
    return "://" in token or token.startswith("www.")


def url_words(url: str) -> list[str]:
    """The words of a URL without its scheme: "orange", "fr", "offres"."""
    return re.findall(r"\w+", url.removeprefix("http://").removeprefix("https://"))
