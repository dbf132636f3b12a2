"""Replaces each letter by its class, so that one small pattern finds the tokens of any script.

The pattern of tokens asks for properties of Unicode (letter, script, emoji). A table gives the
class of a letter for less than a pattern takes to test its properties, one after another.
"""

from typing import Final

import regex

from text.words.letter_folds import INVISIBLE as INVISIBLES

MARK: Final = "\x82"
"""A combining mark, part of a word."""
SELECTOR: Final = "\x83"
"""Asks for a form of the sign before it, such as a coloured emoji; part of a word as well."""
BASE: Final = "\x84"
"""A letter of a script whose marks belong to the letter before them (Thai, Lao, Khmer, Burmese)."""
BASE_MARK: Final = "\x85"
"""A mark of such a script."""
SIGN: Final = "\x86"
"""A Chinese or Japanese sign, such as a radical."""
CHARACTER: Final = "\x87"
"""A letter of Chinese or Japanese: each is a token."""
EMOJI: Final = "\x88"
EMOJI_LETTER: Final = "\x89"
"""A letter that is also an emoji (ℹ)."""
TONE: Final = "\x8a"
"""The colour of skin."""
JOINER: Final = "\x8b"
"""U+200D, between the parts of one emoji."""
REGIONAL: Final = "\x8c"
"""Half a flag."""
OTHER: Final = "\x8d"
"""All else, such as punctuation, and the signs of trade marks."""
INVISIBLE: Final = "\x8e"
"""Soft hyphen, space without width and the like, which never end a word."""
NON_JOINER: Final = "\x8f"
"""U+200C, as ``INVISIBLE`` but in Arabic letters, where it is the border of two words."""
VOICED: Final = "\x90"
"""A mark of Japanese that belongs to the letter before it."""
ARABIC: Final = "\x91"
HANGUL: Final = "\x92"
HEBREW: Final = "\x93"
INDIC: Final = "\x94"
"""Letters of scripts whose words people glue to names in Latin letters ("LG가")."""
LETTER: Final = "0"
"""A letter or digit of any other script: as a digit of ASCII, it is part of a word (``\\w``), and
of neither a scheme nor a ticker."""

CIRCLED: Final = r"\u24b6-\u24e9\U0001f130-\U0001f149"
"""Letters in a circle or square, which are letters in fancy dress and signs for Unicode."""
_CJK = r"\p{Han}\p{Hiragana}\p{Katakana}"
_CLUSTERED = r"\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
_INDIAN = (
    r"\p{Devanagari}\p{Bengali}\p{Gurmukhi}\p{Gujarati}\p{Oriya}\p{Tamil}\p{Telugu}\p{Kannada}"
    r"\p{Malayalam}\p{Sinhala}"
)
_CLASSES: Final = tuple(
    (regex.compile(pattern, regex.VERSION1), letter)
    for pattern, letter in (
        ("＠", "@"),
        ("＃", "#"),
        ("＆", "&"),
        ("＋", "+"),
        ("．", "."),
        (r"\s", " "),
        ("[©®™℠℗]", OTHER),
        ("Ⓜ", EMOJI_LETTER),
        (rf"[{CIRCLED}]", LETTER),
        (r"[\ufe00-\ufe0f\U000e0100-\U000e01ef]", SELECTOR),
        ("\u200d", JOINER),
        ("\u200c", NON_JOINER),
        (f"[{INVISIBLES}]", INVISIBLE),
        (r"[\u3099\u309a\uff9e\uff9f]", VOICED),
        # The mark of a long vowel, which Unicode leaves to no script.
        (r"[\u30fc\uff70]", CHARACTER),
        (rf"[\p{{Nd}}--[{_CLUSTERED}]]", LETTER),
        (rf"[[\p{{L}}\p{{N}}]&&[{_CLUSTERED}]]", BASE),
        (rf"[\p{{M}}&&[{_CLUSTERED}]]", BASE_MARK),
        (rf"[[\p{{L}}\p{{N}}]&&[{_CJK}]]", CHARACTER),
        (rf"[{_CJK}]", SIGN),
        (r"[[\p{L}\p{N}]&&[\p{Extended_Pictographic}]]", EMOJI_LETTER),
        (r"[[\p{L}\p{N}]&&[\p{Arabic}\u0640]]", ARABIC),
        (r"[[\p{L}\p{N}]&&\p{Hangul}]", HANGUL),
        (r"[[\p{L}\p{N}]&&\p{Hebrew}]", HEBREW),
        (rf"[[\p{{L}}\p{{N}}]&&[{_INDIAN}]]", INDIC),
        (rf"[[\p{{L}}\p{{N}}]--[{_CLUSTERED}]]", LETTER),
        (rf"[\p{{M}}--[{_CLUSTERED}]]", MARK),
        (r"\p{EMod}", TONE),
        (r"\p{Extended_Pictographic}", EMOJI),
        (r"\p{RI}", REGIONAL),
    )
)
"""The first that fits is the class."""
_MAX_KNOWN = 50_000
"""Letters in the table: a hostile sender could send all million of Unicode."""


class _Table(dict[int, str]):
    """A table for ``str.translate`` that fills itself; it begins anew when it is full."""

    def __missing__(self, code: int) -> str:
        letter = chr(code)
        found = letter
        if code > 127:
            fits = (name for pattern, name in _CLASSES if pattern.match(letter))
            found = next(fits, OTHER)
        if len(self) >= _MAX_KNOWN:
            self.clear()
        self[code] = found
        return found


_TABLE = _Table()


def is_within_word(text: str, place: int) -> bool:
    """Whether no word begins or ends between the letters before and after a place.

    A mark (the vowel sign of Hindi, an accent of its own) belongs to the letter before it. Signs of
    scripts without spaces are words of their own, and Latin letters beside Korean ones are.
    """
    if not 0 < place < len(text):
        return False
    kinds = classes(text[place - 1 : place + 1])
    before, after = kinds[0], kinds[1]
    if before not in _JOINED and not before.isalnum():
        return after == BASE_MARK and before in (BASE, BASE_MARK)
    if after not in _JOINED and not after.isalnum():
        return False
    return before in _BETWEEN or after in _BETWEEN or _run(before) == _run(after)


RUNS: Final = frozenset({ARABIC, HANGUL, HEBREW, INDIC})
"""Classes of letters that are words among themselves."""
_BETWEEN: Final = frozenset({MARK, JOINER, NON_JOINER, INVISIBLE})
"""What joins letters of any script."""
_JOINED: Final = frozenset({LETTER, EMOJI_LETTER}) | RUNS | _BETWEEN


def _run(kind: str) -> str:
    return kind if kind in RUNS else LETTER


def classes(text: str) -> str:
    """The class of each letter, at the same place; those of ASCII stand for themselves."""
    return text.translate(_TABLE)
