"""The tokenizer that the live matcher and the index share.

A token is a word (letters, marks, digits, in one script), a ``#hashtag``, an ``@handle``, a
``$TICKER``, a URL, an e-mail address, an emoji, a sign that a name needs (C&A, C++), or one
character with its marks of a script without spaces (Chinese, Japanese, Thai, Lao, Khmer, Burmese).
It has an exact form, a folded form (without case, diacritics, skin tones, what is invisible), and
offsets in the published text, in code points. ``cased_form`` keeps accents, ``exact_form`` also
capitals, for queries that ask for them. ``text.words`` holds the pattern and the folds.

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

from text.character_classes import classes
from text.recent import Recent
from text.words.letter_folds import CARRIERS, DIACRITICS, JOINER, LOOKS, PLAIN, SPELLINGS, TONES
from text.words.token_grammar import OF_ASCII, OF_CLASSES, without_entities

TOKENIZER_VERSION: Final = 2
"""Raised with every change of tokens or forms. Version 1 read posts until November 2026."""
_FOLDED_AWAY = regex.compile(f"[{DIACRITICS}{LOOKS}{TONES}]|{JOINER}")
_SPELT_AWAY = regex.compile(f"[{LOOKS}{CARRIERS}]|{JOINER}")
_UNSEEN = regex.compile(f"[{LOOKS}]|{JOINER}")
_DOTTED = "I\u0307"
"""The Turkish capital of i, in which the dot is no accent."""

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

    Marks of Indic scripts stay. Styled letters (𝐎𝐫𝐚𝐧𝐠𝐞) become plain ones, letters with a stroke
    plain ones too (Ørsted, Łódź), and digits of any script those of ASCII.
    """
    if text.isascii():
        return text[:MAX_FOLDED].lower()
    if len(text) > MAX_FOLDED:
        # Diacritics go first: a word buried in them is still found.
        text = _FOLDED_AWAY.sub("", text)[:MAX_FOLDED]
    # Case goes last: NFKD turns a styled capital into a plain capital.
    plain = _FOLDED_AWAY.sub("", unicodedata.normalize("NFKD", text))
    return _cut(unicodedata.normalize("NFC", plain.casefold().translate(PLAIN)))


def cased_form(text: str) -> str:
    """One token without case, with its diacritics: "Été" and "ÉTÉ" become "été".

    Equal to :func:`folded_form` exactly for a token without diacritics. What is only another
    spelling is none: œ is oe, Arabic أ is ا, ة is ه, the Turkish İ is i.
    """
    if text.isascii():
        return text[:MAX_FOLDED].lower()
    plain = _SPELT_AWAY.sub("", unicodedata.normalize("NFKD", text[:MAX_FOLDED]))
    plain = plain.replace(_DOTTED, "i")
    # Case folding would turn one diacritic into a letter: the Greek iota subscript.
    lower = "\u0345".join(map(str.casefold, plain.split("\u0345")))
    return _cut(unicodedata.normalize("NFC", lower.translate(SPELLINGS)))


def exact_form(text: str) -> str:
    """One token with its case and diacritics, in NFC."""
    if text.isascii():
        return text[:MAX_FOLDED]
    plain = _UNSEEN.sub("", text[:MAX_FOLDED]) or text[:MAX_FOLDED]
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


def token_form(token: str) -> str:
    """The folded form of one token, which is never empty: its entry in ``Tokens.folded``."""
    return _FORMS[token]


def tokenize(text: str) -> Tokens:
    """Split ``text`` into tokens. Pure, total: any string gives a result, not to be changed.

    The matcher, the gazetteer and others read the same batch one after another: each of its texts
    is split once, and a long one as long as it is the last.
    """
    return _last_long(text) if len(text) > LONG else _RECENT[text]


def folded_tokens(text: str) -> list[str]:
    """``tokenize(text).folded``; of a text that nobody else reads in half the time."""
    if len(text) > LONG:
        return _last_long(text).folded
    if (recent := _RECENT.get(text)) is not None:
        return recent.folded
    if text.isascii():
        tokens = OF_ASCII.findall(without_entities(text))
        return [token[:MAX_FOLDED].lower() for token in tokens]
    return _split(text).folded


def exact_tokens(text: str) -> list[str]:
    """``tokenize(text).exact``; of a short text in half the time, without offsets and folds."""
    if len(text) > LONG:
        return _last_long(text).exact
    if (recent := _RECENT.get(text)) is not None:
        return recent.exact
    if text.isascii():
        return OF_ASCII.findall(without_entities(text))
    offsets = list(accumulate(map(len, OF_CLASSES.split(classes(without_entities(text))))))
    return [text[start:end] for start, end in zip(offsets[:-1:2], offsets[1::2], strict=True)]


def _split(text: str) -> Tokens:
    ascii_only = text.isascii()
    plain = without_entities(text)
    # A split gives what is between two tokens, too: their lengths are the offsets, without an
    # object a match.
    parts = OF_ASCII.split(plain) if ascii_only else OF_CLASSES.split(classes(plain))
    offsets = list(accumulate(map(len, parts)))
    starts, ends = offsets[:-1:2], offsets[1::2]
    if ascii_only:
        exact = parts[1::2]
        return Tokens(exact, [token[:MAX_FOLDED].lower() for token in exact], starts, ends)
    exact = [text[start:end] for start, end in zip(starts, ends, strict=True)]
    return Tokens(exact, list(map(_FORMS.__getitem__, exact)), starts, ends)


_RECENT: Final = Recent(_split)


@lru_cache(maxsize=1)
def _last_long(text: str) -> Tokens:
    return _split(text)


def is_link(token: str) -> bool:
    return "://" in token or token.startswith("www.")


def url_words(url: str) -> list[str]:
    """The words of a URL without its scheme: "orange", "fr", "offres"."""
    return re.findall(r"\w+", url.removeprefix("http://").removeprefix("https://"))
