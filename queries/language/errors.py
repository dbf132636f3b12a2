"""What is wrong with a query: where, what, and what to write instead.

::

    QueryError        one mistake, at a place of the query's text

The only error that leaves ``queries``. Places are code points of the text that was given, and
``show`` draws them as a compiler does.
"""

import difflib
import unicodedata
from collections.abc import Iterable

_AROUND = 60
"""Columns shown on each side of a mistake: a query may be one line of 100,000 characters."""


class QueryError(Exception):
    """A mistake in a query: ``text[start:end]`` is wrong, for the reason in ``message``."""

    def __init__(self, message: str, start: int, end: int, hint: str = "") -> None:
        super().__init__(message, start, end, hint)
        self.message = message
        self.start = start
        self.end = end
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}; {self.hint}" if self.hint else self.message

    def show(self, text: str) -> str:
        """The message over the line that it is about, with carets under the place."""
        said = f"{self.message}\n{caret(text, self.start, self.end)}"
        return f"{said}\n{self.hint}" if self.hint else said


def caret(text: str, start: int, end: int) -> str:
    """Two lines: the text around a place, and carets under it."""
    line_start = text.rfind("\n", 0, start) + 1
    line_end = text.find("\n", start)
    line_end = len(text) if line_end < 0 else line_end
    first, last = max(line_start, start - _AROUND), min(line_end, start + _AROUND)
    before = ("…" if first > line_start else "") + text[first:start]
    behind = text[start:last] + ("…" if last < line_end else "")
    number = text.count("\n", 0, start) + 1
    label = f"line {number}: " if "\n" in text.rstrip("\n") else ""
    marked = text[start : min(end, last)]
    return (
        f"  {label}{_plain(before + behind)}\n"
        f"  {' ' * (len(label) + _columns(_plain(before)))}{'^' * max(1, _columns(_plain(marked)))}"
    )


def shorten(text: str, most: int = 30) -> str:
    """``text`` in one line that a sentence can hold."""
    line = " ".join(_plain(text[: most * 4]).split())
    return line if len(line) <= most and len(text) <= most * 4 else line[: most - 1] + "…"


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that was most likely meant, if any is near."""
    by_lower = {name.lower(): name for name in known}
    found = difflib.get_close_matches(word.lower()[:50], by_lower, n=1, cutoff=0.6)
    return by_lower[found[0]] if found else None


def _plain(text: str) -> str:
    """Nothing that moves the cursor of a terminal, or that cannot be written as UTF-8."""
    return "".join(" " if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") else c for c in text)


def _columns(text: str) -> int:
    """How wide a terminal shows it: East Asian letters and emoji take two columns, marks none."""
    return sum(
        0
        if unicodedata.category(letter) in ("Mn", "Me", "Cf")
        else 2
        if unicodedata.east_asian_width(letter) in "WF"
        else 1
        for letter in text
    )
