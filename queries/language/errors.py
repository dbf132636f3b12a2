"""What is wrong with a query: where, what, and what to write instead.

::

    QueryError        one mistake, at a place of the query's text

The only error that leaves ``queries``. Places are code points of the text that was given, and
``show`` draws them as a compiler does.
"""

from schemas.errors import ConfigurationError
from text.terminal import columns, printable, single_line

_AROUND = 60
"""Columns shown on each side of a mistake: a query may be one line of 100,000 characters."""


class QueryError(ConfigurationError):
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
    carets = "^" * max(1, columns(printable(text[start : min(end, last)])))
    indent = " " * (len(label) + columns(printable(before)))
    return f"  {label}{printable(before + behind)}\n  {indent}{carets}"


def shorten(text: str, max_length: int = 30) -> str:
    """``text`` in one line that a sentence can hold."""
    return single_line(text, max_length)
