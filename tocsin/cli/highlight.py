"""Posts on one line of a terminal, with the matches of a query marked."""

from collections.abc import Iterable

from rich.text import Text

from queries.matching.document import MatchedSpan
from text.terminal import printable

MARK = "bold yellow"
_BEFORE = 60
"""Letters before the first match in an excerpt of a long text."""


def marked(
    text: str, spans: Iterable[MatchedSpan], field: str = "text", max_length: int = 0
) -> Text:
    """The text of a field with its matches in colour; ``max_length``: letters of an excerpt."""
    matches = sorted((span.start, span.end) for span in spans if span.field == field)
    first, last = 0, len(text)
    if max_length and len(text) > max_length:
        first = max(0, min((matches[0][0] if matches else 0) - _BEFORE, len(text) - max_length))
        last = first + max_length
    shown = Text("…" if first else "")
    offset = len(shown) - first
    shown.append(printable(text[first:last]))
    for start, end in matches:
        if start < last:
            shown.stylize(MARK, max(first, start) + offset, min(last, end) + offset)
    if last < len(text):
        shown.append("…")
    return shown


def starred(text: Text) -> Text:
    """Marks as ``**stars**``, for output without colours."""
    pieces, at = [], 0
    for start, end in _joined(text):
        pieces += [text.plain[at:start], "**", text.plain[start:end], "**"]
        at = end
    return Text("".join([*pieces, text.plain[at:]]))


def _joined(text: Text) -> list[tuple[int, int]]:
    """The marks in order; marks that touch or overlap are joined."""
    marks: list[tuple[int, int]] = []
    for span in sorted(text.spans, key=lambda span: (span.start, span.end)):
        if span.style != MARK:
            continue
        if marks and span.start <= marks[-1][1]:
            marks[-1] = marks[-1][0], max(marks[-1][1], span.end)
        else:
            marks.append((span.start, span.end))
    return marks
