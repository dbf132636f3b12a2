"""Incoming webhooks of Slack, and of what is compatible (Mattermost, Rocket.Chat).

The address is the secret. Slack has no idempotency key, so a crash before the delivery is stored
may show a state twice.
"""

from dataclasses import dataclass
from html import escape
from urllib.parse import urlsplit

import msgspec

from schemas.alert import Alert
from schemas.delivery import AlertDelivery
from sinks.alerts.channels.base import Channel
from sinks.alerts.channels.http import Address, post
from sinks.alerts.message.catalogue import Style
from sinks.alerts.message.render import Line, Report, Section, Span, subject
from sinks.alerts.message.report import report

_MAX_BLOCK = 2_900
"""Slack takes 3,000 characters a section, and 150 in a header."""
_MAX_HEADER = 150
_MAX_LINE = 1_400
"""Of one line: two lines fit into a block, whatever strangers write."""
_LINK_STEPS = (400, 150)
"""Characters of an address, tried in turn where the lines of a section do not fit."""
_MAX_HOST = 60
Block = dict[str, object]
"""An object of Slack's Block Kit."""


@dataclass(eq=False)
class Slack(Channel):
    """Posts blocks, with a plain line for notifications."""

    address: Address
    style: Style

    @property
    def attempt_s(self) -> float:
        return self.address.timeout_s

    def deliver(self, alert: Alert, before: AlertDelivery | None) -> str | None:
        state = report(alert, self.style)
        message = {
            "text": _escaped(subject(state)),
            "blocks": slack_blocks(state),
            # Previews of the links would bury the evidence.
            "unfurl_links": False,
            "unfurl_media": False,
        }
        headers = {"Content-Type": "application/json; charset=utf-8"}
        post(self.address, msgspec.json.encode(message), headers)
        return None


def slack_blocks(report: Report) -> list[Block]:
    """A header, one block per section, and the id."""
    blocks: list[Block] = [{"type": "header", "text": _plain(subject(report), _MAX_HEADER)}]
    for section in report.sections:
        blocks.append({"type": "section", "text": {"type": "mrkdwn", "text": _block(section)}})
    blocks.append({"type": "context", "elements": [_plain(report.footer, _MAX_BLOCK)]})
    return blocks


def _escaped(text: str) -> str:
    """Without links, and without mentions: Slack's own, and the plain ``@all`` of the others."""
    return escape(text, quote=False).replace("@", "@\u200b")


def _plain(text: str, max_length: int) -> Block:
    """A text object without markup; it is escaped all the same, and not cut within an escape."""
    while len(escaped := _escaped(text)) > max_length:
        text = text.removesuffix("…")[:-1] + "…"
    return {"type": "plain_text", "text": escaped, "emoji": False}


def _block(section: Section) -> str:
    """The heading and the lines; long addresses give way before lines do."""
    heading = [f"*{_escaped(section.heading)}*"] if section.heading else []
    lines: list[str] = []
    for max_link in (_MAX_BLOCK, *_LINK_STEPS):
        lines = heading + [_line(line, max_link) for line in section.lines]
        if sum(map(len, lines)) + len(lines) <= _MAX_BLOCK:
            break
    return _cut(lines)


def _line(line: Line, max_link: int) -> str:
    """One line of at most ``_MAX_LINE`` characters; the text of its longest span gives way."""
    spans = list(line)
    while True:
        written = "• " + "".join(_span(span, max_link) for span in spans)
        if len(written) <= _MAX_LINE:
            return written
        longest = max(spans, key=lambda span: len(_span(span, 0)))
        if max_link > _LINK_STEPS[-1]:
            max_link = _LINK_STEPS[-1]
            continue
        cut = longest.text.removesuffix("…")
        if not cut:
            return written
        at = spans.index(longest)
        spans[at] = longest._replace(text=cut[: len(cut) * 3 // 4] + "…", url=None)


def _span(span: Span, max_link: int) -> str:
    """With zero-width spaces beside ``*``, ``_``, ``~`` and back-ticks, as Slack advises.

    Of an address that is longer than ``max_link`` when escaped, the beginning is shown beside the
    text: a part of an address would lead elsewhere.
    """
    text = _marked(span.text)
    if span.url is None:
        return text
    address = escape(span.url, quote=False).replace("@", "%40")
    if len(address) <= max_link:
        return f"<{address}|{text}>"
    host = urlsplit(span.url).hostname or ""
    return f"{text} ({_marked(host[:_MAX_HOST])}/…)"


def _marked(text: str) -> str:
    text = _escaped(text)
    for mark in "*_~`":
        text = text.replace(mark, f"\u200b{mark}\u200b")
    return text


def _cut(lines: list[str]) -> str:
    """As many whole lines as fit into a block."""
    size = 0
    for number, line in enumerate(lines):
        size += len(line) + 1
        if size > _MAX_BLOCK:
            return "\n".join([*lines[:number], "…"])
    return "\n".join(lines)
