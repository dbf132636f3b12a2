"""Makes untrusted text safe for a terminal, a header or a message; sparklines.

The one place that says which characters a terminal must not get from strangers: what moves the
cursor, and what changes the direction of a line.
"""

import re
import unicodedata
from collections.abc import Sequence

BARS = " ▁▂▃▄▅▆▇█"

_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_UNSAFE_IN_JSON = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_UNSAFE_IN_JSON_BYTES = re.compile(
    rb"\x7f|\xc2[\x80-\x9f]|\xd8\x9c|\xe2\x80[\x8e\x8f\xa8-\xae]|\xe2\x81[\xa6-\xa9]"
)
"""The same in UTF-8, of which no sequence begins within another."""
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


def printable_lines(text: str) -> str:
    """:func:`printable` for a text of several lines: line feeds stay."""
    if text.isprintable():
        return text
    return "\n".join(map(printable, text.split("\n")))


def safe_json(text: str) -> str:
    """A JSON document with escapes for what JSON itself lets through; it reads as the same."""
    return _UNSAFE_IN_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def safe_json_bytes(data: bytes) -> bytes:
    """:func:`safe_json` for a document in UTF-8."""
    return _UNSAFE_IN_JSON_BYTES.sub(lambda found: b"\\u%04x" % ord(found[0].decode()), data)


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
