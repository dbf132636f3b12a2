"""Markdown tables of the reports."""

from collections.abc import Iterable, Sequence


def table(header: Sequence[object], rows: Iterable[Sequence[object]]) -> list[str]:
    """A Markdown table as lines, followed by an empty line; empty without rows."""
    cells = [_line(row) for row in rows]
    if not cells:
        return []
    return [_line(header), "|---" * len(header) + "|", *cells, ""]


def _line(row: Sequence[object]) -> str:
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in row) + " |"
