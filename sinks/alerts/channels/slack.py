"""Incoming webhooks of Slack, and of what is compatible (Mattermost, Rocket.Chat).

The address is the secret. Slack has no idempotency key, so a crash before the delivery is stored
may show a state twice.
"""

from dataclasses import dataclass
from html import escape

import msgspec

from schemas.alert import Alert
from schemas.delivery import AlertDelivery
from sinks.alerts.channels.base import Channel
from sinks.alerts.channels.http import Address, post
from sinks.alerts.message.catalogue import Style
from sinks.alerts.message.render import Report, Span, subject
from sinks.alerts.message.report import report

_MAX_BLOCK = 2_900
"""Slack takes 3,000 characters a section, and 150 in a header."""
_MAX_HEADER = 150
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
        lines = [f"*{_escaped(section.heading)}*"] if section.heading else []
        lines += ["• " + "".join(map(_span, line)) for line in section.lines]
        blocks.append({"type": "section", "text": {"type": "mrkdwn", "text": _cut(lines)}})
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


def _span(span: Span) -> str:
    """With zero-width spaces beside ``*``, ``_``, ``~`` and back-ticks, as Slack advises."""
    text = _escaped(span.text)
    for mark in "*_~`":
        text = text.replace(mark, f"\u200b{mark}\u200b")
    if span.url is None:
        return text
    return f"<{escape(span.url, quote=False).replace('@', '%40')}|{text}>"


def _cut(lines: list[str]) -> str:
    """As many whole lines as fit into a block."""
    size = 0
    for number, line in enumerate(lines):
        size += len(line) + 1
        if size > _MAX_BLOCK:
            return "\n".join([*lines[:number], "…"])
    return "\n".join(lines)
