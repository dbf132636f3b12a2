"""Slack's incoming webhooks, and what speaks as they do (Mattermost, Rocket.Chat).

The address is the secret: whoever has it can write to the desk's channel. Slack knows no
idempotency key, so that a crash between its answer and our note of it may show a state twice.
"""

from dataclasses import dataclass

import msgspec

from schemas.alert import Alert
from schemas.delivery import AlertDelivery
from sinks.alerts.channels.base import Channel
from sinks.alerts.channels.http import Address, post
from sinks.alerts.message.catalogue import Style
from sinks.alerts.message.render import slack_message
from sinks.alerts.message.report import report


@dataclass(eq=False)
class Slack(Channel):
    """Posts blocks, with a plain line for notifications."""

    address: Address
    style: Style

    def deliver(self, alert: Alert, before: AlertDelivery | None) -> str | None:
        message = slack_message(report(alert, self.style))
        headers = {"Content-Type": "application/json; charset=utf-8"}
        post(self.address, msgspec.json.encode(message), headers)
        return None
