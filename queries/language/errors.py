"""``QueryError``, the only error that ``queries`` raises for a query: place, message and hint."""

from schemas.errors import ConfigurationError
from text.terminal import columns, printable, single_line

_AROUND = 60
"""Columns shown on each side: a query may be one line of 100,000 characters."""


class QueryError(ConfigurationError):
    """A mistake at ``text[start:end]`` of a query, in code points."""

    def __init__(self, message: str, start: int, end: int, hint: str = "") -> None:
        super().__init__(message, start, end, hint)
        self.message = message
        self.start = start
        self.end = end
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}; {self.hint}" if self.hint else self.message

    def show(self, text: str) -> str:
        """The message, the line with carets under the mistake, and the hint."""
        shown = f"{self.message}\n{caret(text, self.start, self.end)}"
        return f"{shown}\n{self.hint}" if self.hint else shown


def caret(text: str, start: int, end: int) -> str:
    """Two lines: the text around ``start``, and carets under ``text[start:end]``."""
    line_start = text.rfind("\n", 0, start) + 1
    line_end = text.find("\n", start)
    line_end = len(text) if line_end < 0 else line_end
    first, last = max(line_start, start - _AROUND), min(line_end, start + _AROUND)
    before = ("…" if first > line_start else "") + text[first:start]
    after = text[start:last] + ("…" if last < line_end else "")
    number = text.count("\n", 0, start) + 1
    label = f"line {number}: " if "\n" in text.rstrip("\n") else ""
    carets = "^" * max(1, columns(printable(text[start : min(end, last)])))
    indent = " " * (len(label) + columns(printable(before)))
    return f"  {label}{printable(before + after)}\n  {indent}{carets}"


def shorten(text: str, max_length: int = 30) -> str:
    """``text`` on one line, cut to ``max_length``."""
    return single_line(text, max_length)
