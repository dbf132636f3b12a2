"""Text as the prefilter searches it: folded words with one space around each.

``searchable`` goes over the letters of a whole post at once, where cutting it into tokens costs ten
times as much. It may see a word where the tokenizer sees a hashtag or a part of an address, never
the other way: every run of tokens that a query asks for stands in the post's searchable text as the
searchable text of that run. It holds since both are made letter by letter, and equal folded tokens
are made of equal letters.
"""

import unicodedata

import regex

from text.tokens import folded_form

_WORD = regex.compile(r"[\p{L}\p{M}\p{N}_]")
_ALONE = regex.compile(
    r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
    r"\p{Extended_Pictographic}\p{RI}]"
)
"""Letters that are tokens of their own, with no space around them: here they get one."""
_MAX_KNOWN = 50_000
"""Letters that are remembered; there are a million, and a hostile sender has them all."""


class _Letters(dict[int, str]):
    """What each letter becomes, found when it is first met (for ``str.translate``)."""

    def __init__(self) -> None:
        super().__init__()
        self.odd: set[str] = set()
        """Signs met so far that fold to letters (™, Ⓐ): in an address they are no token."""

    def __missing__(self, code: int) -> str:
        letter = chr(code)
        word, alone = bool(_WORD.match(letter)), bool(_ALONE.match(letter))
        folded = unicodedata.normalize("NFD", folded_form(letter))
        if not word and _WORD.search(folded):
            self.odd.add(letter)
        found = " "
        if word or alone:
            found = "".join(f" {one} " if _ALONE.match(one) else one for one in folded)
        if alone:
            found = f" {found} "
        if len(self) < _MAX_KNOWN:
            self[code] = found
        return found


_LETTERS = _Letters()


def searchable(text: str) -> str:
    """``text`` folded, its words in a row with one space before, between and behind them."""
    plain = " ".join(text.translate(_LETTERS).split())
    if not plain.isascii():
        plain = unicodedata.normalize("NFD", plain)
    return f" {plain} "


def is_odd(text: str) -> bool:
    """Whether an address in ``text`` may hold letters that ``searchable`` does not see.

    For text that ``searchable`` has been asked of.
    """
    return not text.isascii() and not _LETTERS.odd.isdisjoint(text)
