"""The fold of each letter that does not decompose: ø, ł, ı, Arabic carriers, digits of scripts.

Unicode decomposes é into e and an accent, but no ø, æ or ک. Two tables say what they are without
case and accents. ``SPELLINGS`` holds letters that people spell in two ways and nobody tells apart
by (œ and oe, أ and ا, ی and ي, ٣ and 3): also a form that keeps accents writes them in one way.
``PLAIN`` adds the letters that differ by a stroke, a hook or a missing dot (ø, ł, ı): for them the
form with accents keeps the difference, as for é.

Not folded, since words would merge: ä to ae (Swedish and German differ), Urdu ھ to ه (كہا, كھا),
گ to ك, ء to nothing, Cyrillic letters of other languages (қ, ң), small capitals, Greek and Cyrillic
letters that look like Latin ones.
"""

import re
import unicodedata
from typing import Final

DIACRITICS: Final = (
    r"\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u0610-\u061a\u064b-\u065f"
    r"\u0670\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed"
)
"""Marks of Latin, Greek, Cyrillic, Hebrew and Arabic, in a class of a pattern."""
CARRIERS: Final = r"\u0653-\u0655"
"""Hamza and madda on alef, waw and yeh, which most writers leave out."""
INVISIBLE: Final = (
    r"\u00ad\u061c\u180e\u200b\u200c\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff"
)
"""Soft hyphen, spaces without width, non-joiner and directions: they never end a word."""
JOINER: Final = r"\u200d(?!\p{Extended_Pictographic})"
"""A joiner of letters; that of emoji makes one of two."""
LOOKS: Final = rf" \u0640\ufe00-\ufe0f\U000e0100-\U000e01ef{INVISIBLE}"
"""Tatweel, selectors, space and what is invisible: they change only the look of a word."""
TONES: Final = r"\U0001f3fb-\U0001f3ff"
"""Colours of skin."""

_SAME: Final = {
    "œ": "oe", "æ": "ae", "ĸ": "q", "ŉ": "n",
    # Arabic as Persian, Urdu and Kurdish keyboards write it; teh marbuta; alef without dots.
    "ٱ": "ا", "ى": "ي", "ی": "ي", "ک": "ك", "ڪ": "ك", "ة": "ه", "ۃ": "ه", "ہ": "ه", "ە": "ه",
    "ڤ": "ف",
}  # fmt: skip
_OTHER: Final = {
    "ı": "i", "ȷ": "j", "þ": "th", "ð": "d", "ŋ": "n", "ə": "e", "ɛ": "e", "ɔ": "o", "ƿ": "w",
    "ґ": "г",
}  # fmt: skip
_LATIN: Final = re.compile("LATIN SMALL LETTER ([A-Z]) WITH .*")
"""The name of a letter with a stroke, hook, tail or bar."""
_CLUSTERED: Final = re.compile("THAI|LAO|KHMER|MYANMAR")
"""Scripts in which each letter is a token: their digits stay among themselves."""
_MAX_KNOWN: Final = 20_000
"""Letters in a table: a hostile sender could send all million of Unicode."""


class _Folds(dict[int, str]):
    """A table for ``str.translate`` of small letters, filled at first use."""

    def __init__(self, *, plain: bool) -> None:
        super().__init__()
        self._plain = plain

    def __missing__(self, code: int) -> str:
        folded = _folded(chr(code), plain=self._plain) if code > 127 else chr(code)
        if len(self) >= _MAX_KNOWN:
            self.clear()
        self[code] = folded
        return folded


def _folded(letter: str, *, plain: bool) -> str:
    if letter in _SAME:
        return _SAME[letter]
    digit = unicodedata.decimal(letter, None)
    if digit is not None:
        return letter if _CLUSTERED.match(unicodedata.name(letter, "")) else str(digit)
    if not plain:
        return letter
    if letter in _OTHER:
        return _OTHER[letter]
    name = _LATIN.fullmatch(unicodedata.name(letter, ""))
    return name[1].lower() if name and not unicodedata.decomposition(letter) else letter


SPELLINGS: Final[dict[int, str]] = _Folds(plain=False)
"""For a form that keeps accents."""
PLAIN: Final[dict[int, str]] = _Folds(plain=True)
"""For a form without accents."""
SPELT_OUT: Final = (("œ", "oe"), ("æ", "ae"), ("ß", "ss"), ("þ", "th"))
"""Letters that fold to two: a fold of one letter to one cannot spell them out."""
