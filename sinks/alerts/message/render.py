"""A report as plain text, HTML, or Slack's blocks. Everything that is shown is escaped here."""

from collections.abc import Callable
from html import escape

from sinks.alerts.message.report import Line, Report, Span

_MAX_SUBJECT = 200
_MAX_BLOCK = 2_900
"""Slack takes 3,000 characters a section, and 150 in a header."""
_MAX_HEADER = 150
Block = dict[str, object]
"""An object of Slack's Block Kit."""
_STYLE = "font-family:sans-serif;font-size:14px;line-height:1.4;color:#222"


def subject(report: Report) -> str:
    """One line: the flag and the title."""
    line = f"[{report.flag}] {report.title}"
    return line if len(line) <= _MAX_SUBJECT else line[: _MAX_SUBJECT - 1] + "…"


def _joined(line: Line, span: Callable[[Span], str]) -> str:
    return "".join(map(span, line))


# --- plain -----------------------------------------------------------------------------------


def plain(report: Report) -> str:
    """Text for a terminal, a mail, an annotation."""
    blocks = [report.title]
    for section in report.sections:
        marker = "- " if section.heading else ""
        lines = [section.heading] if section.heading else []
        lines += [marker + _joined(line, _plain_span) for line in section.lines]
        blocks.append("\n".join(lines))
    blocks.append(report.footer)
    return "\n\n".join(blocks) + "\n"


def _plain_span(span: Span) -> str:
    return span.text if span.url is None else f"{span.text} <{span.url}>"


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
        items = "".join(f"<li>{_joined(line, _html_span)}</li>" for line in section.lines)
        parts.append(f"<ul>{items}</ul>")
    parts.append(f'<p style="color:#777">{escape(report.footer)}</p></body></html>')
    return "\n".join(parts) + "\n"


def _html_span(span: Span) -> str:
    if span.url is None:
        return escape(span.text)
    return f'<a href="{escape(span.url)}" rel="noreferrer">{escape(span.text)}</a>'


# --- Slack -----------------------------------------------------------------------------------


def slack_message(report: Report) -> Block:
    """A message with blocks, and a plain line for notifications."""
    return {
        "text": _slack_escaped(subject(report)),
        "blocks": slack_blocks(report),
        # Previews of the posts' links would bury the evidence.
        "unfurl_links": False,
        "unfurl_media": False,
    }


def slack_blocks(report: Report) -> list[Block]:
    """Slack's Block Kit: a header, a section each, and the id below."""
    blocks: list[Block] = [{"type": "header", "text": _slack_plain(subject(report), _MAX_HEADER)}]
    for section in report.sections:
        lines = [f"*{_slack_escaped(section.heading)}*"] if section.heading else []
        lines += [f"• {_joined(line, _slack_span)}" for line in section.lines]
        blocks.append({"type": "section", "text": {"type": "mrkdwn", "text": _fitting(lines)}})
    footer = _slack_plain(report.footer, _MAX_BLOCK)
    blocks.append({"type": "context", "elements": [footer]})
    return blocks


def _slack_escaped(text: str) -> str:
    """Text in which Slack finds no mention, no link and no markup of its own."""
    return escape(text, quote=False)


def _slack_plain(text: str, max_length: int) -> Block:
    """A text object without markup, escaped all the same, and not cut within an escape."""
    kept = text
    while len(escaped := _slack_escaped(kept)) > max_length:
        kept = kept.removesuffix("…")[:-1] + "…"
    return {"type": "plain_text", "text": escaped, "emoji": False}


def _slack_span(span: Span) -> str:
    """``*``, ``_``, ``~`` and back-ticks become characters and no formatting.

    A zero-width space beside them is what Slack itself advises.
    """
    text = _slack_escaped(span.text)
    for mark in "*_~`":
        text = text.replace(mark, f"\u200b{mark}\u200b")
    return text if span.url is None else f"<{_slack_escaped(span.url)}|{text}>"


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
