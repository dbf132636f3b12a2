"""The fence: hosts, origins, sizes, slow bodies, and headers on whatever is answered."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Message, Receive, Scope, Send

from tower.security.request_guard import (
    HEADERS,
    MAX_BODY,
    MAX_TARGET,
    POLICY,
    RequestGuard,
    is_address,
    name_of,
)

HOST = "tower.example"


@dataclass
class Answered:
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    reached: bool = False
    """Whether the application got the request."""
    fault: str = ""


class Application:
    """Answers with the body that it got; ``/fault`` fails, ``/late`` after it began."""

    def __init__(self) -> None:
        self.reached = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.reached = True
        body = await Request(scope, receive).body()
        if scope["path"] == "/fault":
            raise RuntimeError("a fault")
        headers = {"Cache-Control": "max-age=9"} if scope["path"] == "/static/x" else {}
        await PlainTextResponse(body, 200, headers)(scope, receive, send)
        if scope["path"] == "/late":
            raise RuntimeError("a late fault")


def ask(
    method: str = "GET",
    path: str = "/live",
    *,
    headers: Iterable[tuple[str, str]] = (),
    host: str | None = HOST,
    query: bytes = b"",
    body: list[Message] | None = None,
    **options: Any,
) -> Answered:
    """What a request is answered; ``body``: the messages of its body, then silence."""
    messages = list(body or [{"type": "http.request", "body": b"", "more_body": False}])
    application, answered = Application(), Answered()
    pairs = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    if host is not None:
        pairs.append((b"host", host.encode("latin-1")))
    scope: Scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": query,
        "headers": pairs,
    }

    async def receive() -> Message:
        if not messages:
            await asyncio.Event().wait()
        return messages.pop(0)

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            answered.status = message["status"]
            answered.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        else:
            answered.body += message.get("body", b"")

    guard = RequestGuard(application, **{"hosts": [HOST], **options})
    try:
        asyncio.run(asyncio.wait_for(guard(scope, receive, send), 20))
    except RuntimeError as error:
        answered.fault = str(error)
    answered.reached = application.reached
    return answered


@pytest.mark.parametrize(
    "host",
    [HOST, f"{HOST}:8470", "TOWER.EXAMPLE", "localhost", "127.0.0.1:9", "[::1]", "[::1]:8470"],
)
def test_a_host_of_ours_is_answered(host: str) -> None:
    assert ask(host=host).status == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",  # a name that somebody points at our address
        "tower.example.evil.example",
        "evil.example:8470",
        "tower.example.",
        "tower.example@evil.example",
        "127.0.0.1.evil.example",
        "127.0.0.2",
        "0.0.0.0",
        "[::2]",
        "",
        " ",
        "é",
        None,
    ],
)
def test_another_host_is_refused(host: str | None) -> None:
    answered = ask(host=host)
    assert answered.status == 421
    assert not answered.reached
    assert b"TOCSIN_TOWER_HOSTS" in answered.body


SAME = f"http://{HOST}"


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ([("sec-fetch-site", "same-origin")], True),
        ([("sec-fetch-site", "none")], True),
        ([("sec-fetch-site", "same-site")], False),
        ([("sec-fetch-site", "cross-site")], False),
        ([("sec-fetch-site", "")], False),
        # What the browser says of the page counts, whatever the origin is.
        ([("sec-fetch-site", "cross-site"), ("origin", SAME)], False),
        ([("sec-fetch-site", "same-origin"), ("origin", "https://evil.example")], True),
        ([("origin", SAME)], True),
        ([("origin", f"https://{HOST}")], True),
        ([("origin", "https://evil.example")], False),
        ([("origin", f"https://{HOST}.evil.example")], False),
        ([("origin", f"https://{HOST}:1234")], False),
        ([("origin", "null")], False),
        ([("origin", "")], False),
        ([("origin", HOST)], False),
        # A program sends neither.
        ([], True),
    ],
)
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "PROPFIND"])
def test_an_unsafe_request_comes_from_our_own_pages(
    headers: list[tuple[str, str]], allowed: bool, method: str
) -> None:
    answered = ask(method, headers=headers)
    assert answered.status == (200 if allowed else 403)
    assert answered.reached is allowed


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_a_link_from_another_site_may_be_followed(method: str) -> None:
    assert ask(method, headers=[("sec-fetch-site", "cross-site")]).status == 200


def piece(size: int, more: bool = True) -> Message:
    return {"type": "http.request", "body": b"x" * size, "more_body": more}


def test_a_body_comes_in_pieces_and_has_a_limit() -> None:
    whole = ask("POST", body=[piece(MAX_BODY // 2), piece(0), piece(MAX_BODY // 2, False)])
    assert (whole.status, len(whole.body)) == (200, MAX_BODY)
    large = ask("POST", body=[piece(MAX_BODY), piece(1, False)])
    assert (large.status, large.reached) == (413, False)
    # It is not read on: what is left of an endless body stays where it is.
    endless = [piece(2**15) for _ in range(1_000)]
    assert ask("POST", body=endless).status == 413


def test_a_body_that_does_not_come_is_not_waited_for() -> None:
    answered = ask("POST", body=[piece(1)], body_s=0.01)
    assert (answered.status, answered.reached) == (413, False)


def test_a_client_that_leaves_in_the_middle_reaches_nothing() -> None:
    assert not ask("POST", body=[piece(1), {"type": "http.disconnect"}]).reached


def test_an_address_has_a_limit() -> None:
    assert ask(path="/" + "x" * (MAX_TARGET - 1)).status == 200
    assert ask(path="/" + "x" * MAX_TARGET).status == 414
    assert ask(query=b"q=" + b"x" * MAX_TARGET).status == 414


def _has_headers(answered: Answered) -> None:
    for name, value in HEADERS.items():
        assert answered.headers[name.lower()] == value
    assert "cache-control" in answered.headers


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"host": "evil.example"},
        {"method": "POST", "headers": [("origin", "null")]},
        {"method": "POST", "body": [piece(MAX_BODY + 1)]},
        {"path": "/" + "x" * MAX_TARGET},
        {"path": "/fault"},
    ],
)
def test_whatever_is_answered_carries_the_policy(given: dict[str, Any]) -> None:
    _has_headers(ask(**given))


def test_a_fault_of_ours_is_a_problem_and_still_a_fault() -> None:
    answered = ask(path="/fault")
    assert (answered.status, answered.fault) == (500, "a fault")
    assert answered.headers["content-type"] == "application/problem+json"
    assert b"a fault of tocsin" in answered.body
    late = ask(path="/late")
    assert (late.status, late.fault) == (200, "a late fault"), "one answer is begun only once"


def test_nothing_is_kept_by_caches_but_what_says_so() -> None:
    assert ask().headers["cache-control"] == "no-store"
    assert ask(path="/static/x").headers["cache-control"] == "max-age=9"


def test_over_tls_browsers_are_told_to_stay_with_it() -> None:
    assert "strict-transport-security" not in ask().headers
    assert ask(tls=True).headers["strict-transport-security"] == "max-age=31536000"


def test_the_policy_lets_no_script_but_ours_run() -> None:
    rules = dict(rule.strip().partition(" ")[::2] for rule in POLICY.split(";"))
    assert rules["default-src"] == rules["base-uri"] == rules["frame-ancestors"] == "'none'"
    assert rules["script-src"] == rules["style-src"] == "'self'"
    assert rules["require-trusted-types-for"] == "'script'"
    assert "unsafe" not in POLICY and "http" not in POLICY and "*" not in POLICY


@given(st.text(max_size=40))
def test_any_host_has_a_name(host: str) -> None:
    name = name_of(host)
    assert name == name.lower()
    assert name_of(f"{HOST}:{host}") == HOST


@pytest.mark.parametrize("text", ["10.0.0.1", "::1", "2001:db8::7"])
def test_an_address_is_one(text: str) -> None:
    assert is_address(text)


@pytest.mark.parametrize("text", ["proxy.example", "10.0.0.0/8", "10.0.0.1:80", "", "*", "[::1]"])
def test_a_name_or_a_network_is_no_address(text: str) -> None:
    assert not is_address(text)
