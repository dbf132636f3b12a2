"""A signed webhook: one JSON POST per state, with an idempotency key.

Every attempt has the same body; the timestamp, and so the signature, differs. The signature is
HMAC-SHA256 over the timestamp and the body: ``Tocsin-Signature: t=1767346801,v1=5257a8...``.
Receivers may copy :func:`verify`.
"""

import hashlib
import hmac
import time
from dataclasses import dataclass
from urllib.parse import quote

import msgspec
from pydantic import SecretStr

from runtime.clock import Clock, utc_now
from schemas.alert import Alert
from schemas.delivery import AlertDelivery
from sinks.alerts.channels.base import Channel
from sinks.alerts.channels.http import Address, post
from sinks.alerts.message.catalogue import Style
from sinks.alerts.message.render import plain
from sinks.alerts.message.report import report

HEADER = "Tocsin-Signature"
IDEMPOTENCY = "Idempotency-Key"


@dataclass(eq=False)
class Webhook(Channel):
    """Posts the whole state, and its text for readers."""

    address: Address
    secret: SecretStr
    style: Style
    clock: Clock = utc_now

    @property
    def attempt_s(self) -> float:
        return self.address.timeout_s

    def deliver(self, alert: Alert, before: AlertDelivery | None) -> str | None:
        key = idempotency_key(self.name, alert)
        payload = {
            "type": f"alert.{alert.status}",
            "channel": self.name,
            "idempotency_key": key,
            "language": self.style.language,
            "text": plain(report(alert, self.style)),
            "alert": alert,
        }
        body = msgspec.json.encode(payload)
        signature = sign(self.secret.get_secret_value(), int(self.clock().timestamp()), body)
        post(self.address, body, {IDEMPOTENCY: key, HEADER: signature})
        return None


def idempotency_key(channel: str, alert: Alert) -> str:
    """Equal for every delivery of one state through one channel; safe in a header."""
    return f"{channel}:{quote(alert.id, safe='-_.~')}:{alert.version}"


def sign(secret: str, at: int, body: bytes) -> str:
    """The value of the header; ``at`` in seconds since 1970."""
    return f"t={at},v1={_digest(secret, str(at), body)}"


def verify(
    secret: str, header: str, body: bytes, tolerance_s: float = 300, now: float | None = None
) -> bool:
    """Whether the raw ``body`` was signed with ``secret`` in the last minutes.

    Verify before you parse the body. A header may hold several ``v1``; one match is enough.
    """
    parts = [part.strip().partition("=") for part in header.split(",")]
    times = [value for name, _, value in parts if name == "t"]
    if len(times) != 1 or not (times[0].isascii() and times[0].isdigit() and len(times[0]) < 12):
        return False
    present = time.time() if now is None else now
    if abs(present - int(times[0])) > tolerance_s:
        return False
    wanted = _digest(secret, times[0], body).encode()
    given = [value.encode("utf-8", "replace") for name, _, value in parts if name == "v1"]
    return any(hmac.compare_digest(wanted, value) for value in given)


def _digest(secret: str, at: str, body: bytes) -> str:
    return hmac.new(secret.encode(), at.encode() + b"." + body, hashlib.sha256).hexdigest()
