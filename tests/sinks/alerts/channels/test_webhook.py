"""The webhook: what it sends, and how a receiver verifies it."""

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest

from schemas.codec import ALERT
from sinks.alerts.channels.webhook import HEADER, IDEMPOTENCY, idempotency_key, sign, verify
from tests.sinks.alerts.channels.rigs import SECRET, WebhookRig
from tests.sinks.alerts.states import NOW, rich, state

AT = int(NOW.timestamp())
BODY = b'{"type":"alert.open"}'


def test_the_body_holds_the_state_and_the_text_and_is_signed() -> None:
    with WebhookRig() as rig:
        for _ in range(2):
            rig.channel.deliver(rich(), None)
        request, retry = rig.desk.taken
    assert retry.body == request.body
    assert retry.headers[IDEMPOTENCY] == request.headers[IDEMPOTENCY]
    assert request.path == f"/hook?token={SECRET}"
    assert request.headers["Content-Type"] == "application/json"
    assert verify(SECRET, request.headers[HEADER], request.body, now=AT)
    body = json.loads(request.body)
    assert body["type"] == "alert.open"
    assert (body["channel"], body["language"]) == ("desk", "en")
    assert body["text"].startswith("Velmora: 12,540 mentions")
    assert ALERT.decode(json.dumps(body["alert"]).encode()) == rich()


def test_the_idempotency_key_names_one_state_in_one_channel() -> None:
    keys = {
        idempotency_key(channel, alert)
        for channel in ("desk", "slack")
        for alert in (state(1), state(2), state(1, id="é\r\nX: y"))
    }
    assert len(keys) == 6
    assert idempotency_key("desk", state(1)) == "desk:velmora-2026-01-02T09%3A40Z:1"
    assert all(key.isascii() and key.isprintable() for key in keys)


def test_a_signature_is_as_documented() -> None:
    # echo -n '1767346802.{"type":"alert.open"}' | openssl dgst -sha256 -hmac secret
    assert sign("secret", 1767346802, BODY) == (
        "t=1767346802,v1=3200c3fa57b14804da5f73ece2765b0e4e032d830a7ede60fde5bcbcaafdce85"
    )


def test_the_function_in_the_docs_verifies() -> None:
    page = (Path(__file__).parents[4] / "docs" / "alerts.md").read_text("utf-8")
    (block,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    copied: dict[str, Any] = {}
    exec(compile(block, "alerts.md", "exec"), copied)
    now = int(time.time())
    assert copied["verify"](SECRET, sign(SECRET, now, BODY), BODY)
    assert not copied["verify"](SECRET, sign("another", now, BODY), BODY)
    assert not copied["verify"](SECRET, sign(SECRET, now, BODY), BODY + b" ")
    assert not copied["verify"](SECRET, sign(SECRET, AT, BODY), BODY)


@pytest.mark.parametrize(
    ("header", "good"),
    [
        (sign(SECRET, AT, BODY), True),
        (sign(SECRET, AT, BODY).replace(",", " , "), True),
        (f"{sign('an old one', AT, BODY)},{sign(SECRET, AT, BODY).partition(',')[2]}", True),
        (sign("another", AT, BODY), False),
        (sign(SECRET, AT, BODY + b" "), False),
        (sign(SECRET, AT - 301, BODY), False),
        (sign(SECRET, AT + 301, BODY), False),
        (sign(SECRET, AT, BODY).replace("t=", "t=1"), False),
        (sign(SECRET, AT, BODY).partition(",")[2], False),
        (f"t={AT}", False),
        (f"t={AT},t={AT},v1=0", False),
        (f"t={AT},v1=é", False),
        ("t=٣,v1=0", False),
        ("", False),
        ("=,=,=", False),
    ],
)
def test_only_what_was_signed_is_verified(header: str, good: bool) -> None:
    assert verify(SECRET, header, BODY, now=AT) is good
