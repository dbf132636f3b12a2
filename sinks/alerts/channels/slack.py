"""Slack's incoming webhooks, and what speaks as they do (Mattermost, Rocket.Chat).

The address is the secret: whoever has it can write to the desk's channel. Slack knows no
idempotency key, so that a crash between its answer and our note of it may show a state twice.
"""

import msgspec

from schemas.alert import Alert
from schemas.delivery import AlertDelivery
from sinks.alerts.channels.base import Channel
from sinks.alerts.channels.http import Address, post
from sinks.alerts.message.catalogue import Style
from sinks.alerts.message.render import slack_message
from sinks.alerts.message.report import report


class Slack(Channel):
    """Posts blocks, with a plain line for notifications."""

    def __init__(self, name: str, address: Address, style: Style) -> None:
        super().__init__(name)
        self._address = address
        self._style = style

    def deliver(self, alert: Alert, before: AlertDelivery | None) -> str | None:
        """Post the state."""
        message = slack_message(report(alert, self._style))
        headers = {"Content-Type": "application/json; charset=utf-8"}
        post(self._address, msgspec.json.encode(message), headers)
        return None
