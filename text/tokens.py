"""The one tokenizer: the live matcher and the index read text as the same tokens.

A token is a word (letters, marks, digits, in any script), a ``#hashtag``, an ``@handle``, a
``$TICKER``, a URL, an emoji, or one character of a script without spaces to split on (Chinese,
Japanese, Thai, Lao, Khmer, Burmese; with its marks). Every token has an exact form and a folded one
(case and Latin, Greek, Cyrillic and Arabic diacritics gone), and its place in the published text,
in code points. Two more forms can be made of the exact one, for queries that ask for an accent
(``cased_form``) or for capitals (``exact_form``).

Apostrophes and hyphens split: "l'Orange" holds the word "orange". Marks of other scripts (Hindi
vowel signs) stay, since without them a word is another word.

A folded form ends at 255 UTF-16 code units: Elasticsearch's whitespace tokenizer would begin
another token there. So both read a giant token (a long URL, an attack) as the one
that it begins with, and normalizing, which is quadratic in a run of marks, costs little.
"""

import re
import unicodedata
from dataclasses import dataclass

import regex

_CJK = r"\p{Han}\p{Hiragana}\p{Katakana}"
_CLUSTERED = r"\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
"""No spaces either, and marks that belong to the letter before them."""
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
# The same for text that is all ASCII, as most English is: four times as fast.
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
# A space too: NFKD makes one of some letters (ﷺ, presentation forms), and a token holds none.
_DIACRITICS = regex.compile(r"[\u0300-\u036f\u0640\u064b-\u0652\u0670\ufe0f ]")
_NO_LETTERS = regex.compile(r"[\u0640\ufe0f ]")
"""What changes how a word looks and not what it is: tatweel, the selector of coloured emoji."""

MAX_FOLDED = 255
"""UTF-16 code units of a folded token: what Elasticsearch's whitespace tokenizer takes for one."""


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
    """Case and diacritics of one token gone: "Été" and "ETE" become "ete".

    Marks of Indic scripts stay. Letters in fancy dress (𝐎𝐫𝐚𝐧𝐠𝐞) become plain ones. What lies
    behind ``MAX_FOLDED`` is left out.
    """
    if text.isascii():
        return text[:MAX_FOLDED].lower()
    if len(text) > MAX_FOLDED:
        # Diacritics first, so that a word buried in them is still found.
        text = _DIACRITICS.sub("", text)[:MAX_FOLDED]
    # Case goes last: what NFKD makes of a fancy capital is a plain capital.
    plain = _DIACRITICS.sub("", unicodedata.normalize("NFKD", text))
    return _cut(unicodedata.normalize("NFC", plain.casefold()))


def cased_form(text: str) -> str:
    """Case of one token gone, diacritics kept: "Été" and "ÉTÉ" become "été".

    It is ``fold(text)`` exactly where the token has no diacritics.
    """
    if text.isascii():
        return text[:MAX_FOLDED].lower()
    plain = _NO_LETTERS.sub("", unicodedata.normalize("NFKD", text[:MAX_FOLDED]))
    # Case folding would make a letter of one diacritic, the Greek iota subscript.
    lower = "\u0345".join(map(str.casefold, plain.split("\u0345")))
    return _cut(unicodedata.normalize("NFC", lower))


def exact_form(text: str) -> str:
    """One token with its case and diacritics, in the one way of writing each of them (NFC)."""
    if text.isascii():
        return text[:MAX_FOLDED]
    plain = _NO_LETTERS.sub("", text[:MAX_FOLDED]) or text[:MAX_FOLDED]
    return _cut(unicodedata.normalize("NFC", plain))


def _cut(folded: str) -> str:
    """The first ``MAX_FOLDED`` code units, and no half of a letter."""
    if 2 * len(folded) <= MAX_FOLDED:
        return folded
    units = 0
    for place, letter in enumerate(folded):
        units += 2 if letter > "\uffff" else 1
        if units > MAX_FOLDED:
            return folded[:place]
    return folded


def tokenize(text: str) -> Tokens:
    """Split ``text`` into tokens. Pure, total: any string gives a result."""
    exact: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    pattern = _ASCII_TOKEN if text.isascii() else _TOKEN
    for match in pattern.finditer(text):
        start, end = match.span()
        exact.append(text[start:end])
        starts.append(start)
        ends.append(end)
    return Tokens(exact, _folded(exact, text.isascii()), starts, ends)


def folded_tokens(text: str) -> list[str]:
    """``tokenize(text).folded``, in half the time where offsets are not wanted."""
    ascii_only = text.isascii()
    return _folded((_ASCII_TOKEN if ascii_only else _TOKEN).findall(text), ascii_only)


def is_link(token: str) -> bool:
    """Whether a token, exact or folded, is an address."""
    return "://" in token or token.startswith("www.")


def url_words(url: str) -> list[str]:
    """The words of an address, without its scheme: "orange", "fr", "offres"."""
    return re.findall(r"\w+", url.removeprefix("http://").removeprefix("https://"))


def _folded(exact: list[str], ascii_only: bool) -> list[str]:
    if ascii_only:
        return [token[:MAX_FOLDED].lower() for token in exact]
    # NFKD folds ＠ and ＃ too; a mark that stands alone folds to nothing and stays itself.
    return [
        token[:MAX_FOLDED].lower() if token.isascii() else folded_form(token) or _cut(token)
        for token in exact
    ]
