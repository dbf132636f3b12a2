"""Posts in a terminal: on one line, with the words that a query found marked in them."""

from collections.abc import Iterable

from rich.text import Text

from queries.matching.document import MatchedSpan
from text.terminal import printable

_MARK = "bold yellow"
_BEFORE = 60
"""Letters shown before the first match of a long text."""


def marked(text: str, spans: Iterable[MatchedSpan], field: str = "text", most: int = 0) -> Text:
    """The text of a field with its matches in colour; ``most``: letters of an excerpt."""
    matches = sorted((span.start, span.end) for span in spans if span.field == field)
    first, last = 0, len(text)
    if most and len(text) > most:
        first = max(0, min((matches[0][0] if matches else 0) - _BEFORE, len(text) - most))
        last = first + most
    shown = Text("…" if first else "")
    offset = len(shown) - first
    shown.append(printable(text[first:last]))
    for start, end in matches:
        if start < last:
            shown.stylize(_MARK, max(first, start) + offset, min(last, end) + offset)
    if last < len(text):
        shown.append("…")
    return shown


def starred(text: Text) -> Text:
    """Marks as ``**stars**``, for where there are no colours."""
    edges: dict[int, str] = {}
    for start, end in _joined(text):
        edges[start] = edges.get(start, "") + "**"
        edges[end] = "**" + edges.get(end, "")
    pieces, at = [], 0
    for edge in sorted(edges):
        pieces += [text.plain[at:edge], edges[edge]]
        at = edge
    return Text("".join([*pieces, text.plain[at:]]))


def _joined(text: Text) -> list[tuple[int, int]]:
    """The marks in order, those that touch or overlap as one."""
    marks: list[tuple[int, int]] = []
    for span in sorted(text.spans, key=lambda span: (span.start, span.end)):
        if span.style != _MARK:
            continue
        if marks and span.start <= marks[-1][1]:
            marks[-1] = marks[-1][0], max(marks[-1][1], span.end)
        else:
            marks.append((span.start, span.end))
    return marks
