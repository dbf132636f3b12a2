"""A report, and its plain text and HTML. Every shown text is escaped here."""

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from sinks.alerts.message.catalogue import Language

_MAX_SUBJECT = 200
_STYLE = "font-family:sans-serif;font-size:14px;line-height:1.4;color:#222"


class Span(NamedTuple):
    """A piece of a line; ``url`` is safe to click. ``is_marked``: what the alert is about."""

    text: str
    url: str | None = None
    is_marked: bool = False


BREAK = Span("\n")
"""What follows is a line of its own within its item."""
Line = tuple[Span, ...]


class Section(NamedTuple):
    """Lines under a heading; the first section has an empty one."""

    heading: str
    lines: Sequence[Line]


class Report(NamedTuple):
    title: str
    flag: str
    """Severity and status: ``4 of 5, opened``."""
    language: Language
    sections: Sequence[Section]
    footer: str


def subject(report: Report) -> str:
    """One line: the flag and the title."""
    line = f"[{report.flag}] {report.title}"
    return line if len(line) <= _MAX_SUBJECT else line[: _MAX_SUBJECT - 1] + "…"


def plain(report: Report) -> str:
    """Text for a terminal, a mail, an annotation."""
    blocks = [report.title]
    for section in report.sections:
        marker = "- " if section.heading else ""
        lines = [section.heading] if section.heading else []
        lines += [plain_line(line, marker) for line in section.lines]
        blocks.append("\n".join(lines))
    blocks.append(report.footer)
    return "\n\n".join(blocks) + "\n"


def plain_line(line: Line, marker: str = "") -> str:
    return marker + "".join(map(_plain_span, line))


def _plain_span(span: Span) -> str:
    if span is BREAK:
        return "\n  "
    if span.is_marked:
        return f"**{span.text}**"
    return span.text if span.url is None else f"{span.text} <{span.url}>"


def html(report: Report) -> str:
    """A page without style sheet, picture and script."""
    parts = [
        "<!DOCTYPE html>",
        f'<html lang="{report.language}"><head><meta charset="utf-8">',
        f"<title>{escape(subject(report))}</title></head>",
        f'<body style="{_STYLE}">',
        f'<h1 style="font-size:18px">{escape(report.title)}</h1>',
    ]
    for section in report.sections:
        if section.heading:
            parts.append(f'<h2 style="font-size:15px">{escape(section.heading)}</h2>')
        items = "".join(f"<li>{''.join(map(_html_span, line))}</li>" for line in section.lines)
        parts.append(f"<ul>{items}</ul>")
    parts.append(f'<p style="color:#777">{escape(report.footer)}</p></body></html>')
    return "\n".join(parts) + "\n"


def _html_span(span: Span) -> str:
    if span.url is None:
        return escape(span.text)
    return f'<a href="{escape(span.url)}" rel="noreferrer">{escape(span.text)}</a>'
