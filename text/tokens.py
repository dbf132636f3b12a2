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

import regex

_CJK = r"\p{Han}\p{Hiragana}\p{Katakana}"
_CLUSTERED = r"\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
"""Scripts without spaces, whose marks belong to the letter before them."""
_WORD = rf"[[\p{{L}}\p{{M}}\p{{N}}_]--[{_CJK}{_CLUSTERED}]]"
_CLUSTER = rf"(?:[[\p{{L}}\p{{N}}]&&[{_CLUSTERED}]][\p{{M}}&&[{_CLUSTERED}]]*)"
_EMOJI = r"\p{Extended_Pictographic}(?:\p{EMod}|\uFE0F)?"
_TOKEN = regex.compile(
    rf"""
      (?:https?://|www\.)[^\s\x1c-\x1f<>"]+           # URL
    | (?<![\p{{L}}\p{{N}}_])[@＠]{_WORD}+(?:[.\-]{_WORD}+)*   # handle, Bluesky's have dots
    | [#＃](?:{_WORD}|[{_CJK}]|{_CLUSTER})+            # hashtag
    | (?<![\p{{L}}\p{{N}}_$])\$[A-Za-z]{{1,6}}(?![\p{{L}}\p{{N}}_])   # ticker
    | {_WORD}+
    | [{_CJK}]
    | {_CLUSTER}
    | [\p{{M}}&&[{_CLUSTERED}]]+                       # marks that belong to no letter
    | \p{{RI}}\p{{RI}}                                # flag
    | {_EMOJI}(?:\u200D{_EMOJI})*
    """,
    regex.VERBOSE | regex.VERSION1,
)
# The same for ASCII text, four times as fast.
_ASCII_TOKEN = re.compile(
    r"""
      (?:https?://|www\.)[^\s\x1c-\x1f<>"]+
    | (?<!\w)@\w+(?:[.\-]\w+)*
    | \#\w+
    | (?<![\w$])\$[A-Za-z]{1,6}(?!\w)
    | \w+
    """,
    re.VERBOSE | re.ASCII,
)
# A space too: NFKD makes one from some letters (ﷺ, presentation forms).
_DIACRITICS = regex.compile(r"[\u0300-\u036f\u0640\u064b-\u0652\u0670\ufe0f ]")
_NO_LETTERS = regex.compile(r"[\u0640\ufe0f ]")
"""Tatweel, the selector of coloured emoji, and space: they change only the look of a word."""

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


def tokenize(text: str) -> Tokens:
    """Split ``text`` into tokens. Pure, total: any string gives a result."""
    pattern = _ASCII_TOKEN if text.isascii() else _TOKEN
    spans = [match.span() for match in pattern.finditer(text)]
    exact = [text[start:end] for start, end in spans]
    starts, ends = [start for start, _ in spans], [end for _, end in spans]
    return Tokens(exact, _folded(exact, text.isascii()), starts, ends)


def folded_tokens(text: str) -> list[str]:
    """``tokenize(text).folded`` in half the time, without offsets."""
    ascii_only = text.isascii()
    return _folded((_ASCII_TOKEN if ascii_only else _TOKEN).findall(text), ascii_only)


def is_link(token: str) -> bool:
    return "://" in token or token.startswith("www.")


def url_words(url: str) -> list[str]:
    """The words of a URL without its scheme: "orange", "fr", "offres"."""
    return re.findall(r"\w+", url.removeprefix("http://").removeprefix("https://"))


def _folded(exact: list[str], ascii_only: bool) -> list[str]:
    if ascii_only:
        return [token[:MAX_FOLDED].lower() for token in exact]
    # NFKD folds ＠ and ＃ too. A mark alone folds to an empty string and is kept.
    # A text may repeat one emoji or one character tens of thousands of times.
    forms = {
        token: token[:MAX_FOLDED].lower() if token.isascii() else folded_form(token) or _cut(token)
        for token in set(exact)
    }
    return [forms[token] for token in exact]
