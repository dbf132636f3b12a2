"""The signature of a webhook: HMAC-SHA256 over the time of sending and the body.

Header: ``Tocsin-Signature: t=1767346801,v1=5257a8...``. Needs nothing but Python: whoever receives
our webhooks may copy this file.
"""

import hashlib
import hmac
import time

HEADER = "Tocsin-Signature"


def sign(secret: str, at: int, body: bytes) -> str:
    """The header's value; ``at`` in seconds since 1970."""
    return f"t={at},v1={_digest(secret, str(at), body)}"


def verify(
    secret: str, header: str, body: bytes, tolerance_s: float = 300, now: float | None = None
) -> bool:
    """Whether ``body``, as it came, was signed with ``secret`` within the last minutes.

    Verify before the body is parsed. A header may hold several ``v1``; one that fits is enough.
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
