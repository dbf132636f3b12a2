"""A signed webhook: one JSON POST a state, with an idempotency key.

The body is the same in every attempt; the time of sending, and so the signature, is not.
"""

from dataclasses import dataclass
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


@dataclass(eq=False)
class Webhook(Channel):
    """Posts the whole state to an address of the desk's own software."""

    address: Address
    secret: SecretStr
    style: Style
    clock: Clock = utc_now

    def deliver(self, alert: Alert, before: AlertDelivery | None) -> str | None:
        key = idempotency_key(self.name, alert)
        body = msgspec.json.encode(self.payload(alert, key))
        at = int(self.clock().timestamp())
        headers = {
            IDEMPOTENCY: key,
            HEADER: sign(self.secret.get_secret_value(), at, body),
        }
        post(self.address, body, headers)
        return None

    def payload(self, alert: Alert, key: str) -> dict[str, object]:
        """What the body holds: the state as the topic has it, and the same as text."""
        return {
            "type": f"alert.{alert.status}",
            "channel": self.name,
            "idempotency_key": key,
            "language": self.style.language,
            "text": plain(report(alert, self.style)),
            "alert": alert,
        }
