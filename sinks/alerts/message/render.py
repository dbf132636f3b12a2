"""A report as plain text, HTML, or Slack's blocks. Everything that is shown is escaped here."""

from html import escape
from typing import Any

from sinks.alerts.message.lines import Line, Span
from sinks.alerts.message.report import Report
from sinks.alerts.message.words import word

_MAX_SUBJECT = 200
_MAX_BLOCK = 2_900
"""Slack takes 3,000 characters a section, and 150 in a header."""
_MAX_HEADER = 150
_STYLE = "font-family:sans-serif;font-size:14px;line-height:1.4;color:#222"


def subject(report: Report) -> str:
    """One line: the flag and the title."""
    line = f"[{report.flag}] {report.title}"
    return line if len(line) <= _MAX_SUBJECT else line[: _MAX_SUBJECT - 1] + "…"


# --- plain -----------------------------------------------------------------------------------


def plain(report: Report) -> str:
    """Text for a terminal, a mail, an annotation."""
    blocks = [report.title]
    for section in report.sections:
        marker = "- " if section.heading else ""
        lines = [section.heading] if section.heading else []
        lines += [marker + _plain_line(line) for line in section.lines]
        blocks.append("\n".join(lines))
    blocks.append(_footer(report))
    return "\n\n".join(blocks) + "\n"


def _plain_line(line: Line) -> str:
    return "".join(span.text if span.url is None else f"{span.text} <{span.url}>" for span in line)


def _footer(report: Report) -> str:
    return f"{word('alert', report.language)} {report.id}"


# --- HTML ------------------------------------------------------------------------------------


def html(report: Report) -> str:
    """A page that needs no style sheet, no picture and no script."""
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
        items = "".join(f"<li>{_html_line(line)}</li>" for line in section.lines)
        parts.append(f"<ul>{items}</ul>")
    parts.append(f'<p style="color:#777">{escape(_footer(report))}</p></body></html>')
    return "\n".join(parts) + "\n"


def _html_line(line: Line) -> str:
    return "".join(_html_span(span) for span in line)


def _html_span(span: Span) -> str:
    if span.url is None:
        return escape(span.text)
    return f'<a href="{escape(span.url)}" rel="noreferrer">{escape(span.text)}</a>'


# --- Slack -----------------------------------------------------------------------------------


def escaped_for_slack(text: str) -> str:
    """Text in which Slack finds no mention, no link and no markup of its own."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def slack_blocks(report: Report) -> list[dict[str, Any]]:
    """Slack's Block Kit: a header, a section each, and the id below."""
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": _slack_plain(subject(report), _MAX_HEADER)}
    ]
    for section in report.sections:
        lines = [f"*{escaped_for_slack(section.heading)}*"] if section.heading else []
        lines += [f"• {_slack_line(line)}" for line in section.lines]
        blocks.append({"type": "section", "text": {"type": "mrkdwn", "text": _fitting(lines)}})
    footer = _slack_plain(_footer(report), _MAX_BLOCK)
    blocks.append({"type": "context", "elements": [footer]})
    return blocks


def _slack_plain(text: str, most: int) -> dict[str, Any]:
    """A text object without markup, escaped all the same, and not cut within an escape."""
    kept = text
    while len(escaped := escaped_for_slack(kept)) > most:
        kept = kept.removesuffix("…")[:-1] + "…"
    return {"type": "plain_text", "text": escaped, "emoji": False}


def _slack_line(line: Line) -> str:
    return "".join(_slack_span(span) for span in line)


def _slack_span(span: Span) -> str:
    text = _without_marks(escaped_for_slack(span.text))
    return text if span.url is None else f"<{escaped_for_slack(span.url)}|{text}>"


def _without_marks(text: str) -> str:
    """Text in which ``*``, ``_``, ``~`` and back-ticks are characters and no formatting.

    A zero-width space beside them is what Slack itself advises.
    """
    for mark in "*_~`":
        text = text.replace(mark, f"\u200b{mark}\u200b")
    return text


def _fitting(lines: list[str]) -> str:
    """As many whole lines as a block takes."""
    kept, size = [], 0
    for line in lines:
        size += len(line) + 1
        if size > _MAX_BLOCK:
            kept.append("…")
            break
        kept.append(line)
    return "\n".join(kept)
