"""A signed webhook: one JSON POST a state, with an idempotency key.

The body is the same in every attempt; the time of sending, and so the signature, is not.
"""

from typing import Any
from urllib.parse import quote

import msgspec
from pydantic import SecretStr

from runtime.clock import Clock, utc_now
from schemas.alert import Alert
from schemas.delivery import AlertDelivery
from sinks.alerts.channels.base import Channel
from sinks.alerts.channels.http import Address, post
from sinks.alerts.channels.signature import HEADER, sign
from sinks.alerts.message.catalogue import Style
from sinks.alerts.message.render import plain
from sinks.alerts.message.report import report

IDEMPOTENCY = "Idempotency-Key"


def idempotency_key(channel: str, alert: Alert) -> str:
    """The same for every delivery of one state through one channel; fits a header."""
    return f"{channel}:{quote(alert.id, safe='-_.~')}:{alert.version}"


class Webhook(Channel):
    """Posts the whole state to an address of the desk's own software."""

    def __init__(
        self,
        name: str,
        address: Address,
        secret: SecretStr,
        style: Style,
        clock: Clock = utc_now,
    ) -> None:
        super().__init__(name)
        self._address = address
        self._secret = secret
        self._style = style
        self._clock = clock

    def deliver(self, alert: Alert, before: AlertDelivery | None) -> str | None:
        """Post the state."""
        key = idempotency_key(self.name, alert)
        body = msgspec.json.encode(self.payload(alert, key))
        at = int(self._clock().timestamp())
        headers = {
            "Content-Type": "application/json",
            IDEMPOTENCY: key,
            HEADER: sign(self._secret.get_secret_value(), at, body),
        }
        post(self._address, body, headers)
        return None

    def payload(self, alert: Alert, key: str) -> dict[str, Any]:
        """What the body holds: the state as the topic has it, and the same as text."""
        return {
            "type": f"alert.{alert.status}",
            "channel": self.name,
            "idempotency_key": key,
            "language": self._style.language,
            "text": plain(report(alert, self._style)),
            "alert": alert,
        }
