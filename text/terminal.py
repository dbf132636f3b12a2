"""Makes untrusted text safe for one line of a terminal, a header or a message; sparklines."""

import unicodedata
from collections.abc import Sequence

BARS = " ▁▂▃▄▅▆▇█"

_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_JOINERS = "\u200c\u200d"


def printable(text: str) -> str:
    """``text`` with a space for each character that moves the cursor or changes the direction.

    The length stays the same, so offsets into ``text`` hold.
    """
    if text.isprintable():
        return text
    return "".join(
        " " if c in _BIDI or unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") else c
        for c in text
    )


def single_line(text: str, max_length: int) -> str:
    """``text`` as one line of at most ``max_length`` characters, cut with an ellipsis.

    Invisible characters are removed, except the joiners that emoji and some scripts need.
    """
    kept = "".join(
        " " if c.isspace() else c
        for c in text[: 4 * max_length]
        if c.isspace() or c in _JOINERS or unicodedata.category(c) not in ("Cc", "Cf", "Co", "Cs")
    )
    line = " ".join(kept.split())
    if len(line) <= max_length and len(text) <= 4 * max_length:
        return line
    return line[: max_length - 1] + "…"


def columns(text: str) -> int:
    """Terminal columns of ``text``: 2 for East Asian letters and emoji, 0 for marks."""
    return sum(
        0
        if unicodedata.category(c) in ("Mn", "Me", "Cf")
        else 2
        if unicodedata.east_asian_width(c) in "WF"
        else 1
        for c in text
    )


def sparkline(counts: Sequence[int], top: int) -> str:
    """One bar a count, rounded up and full at ``top``, which is at least 1."""
    return "".join(BARS[min(8, -(-count * 8 // top))] for count in counts)
