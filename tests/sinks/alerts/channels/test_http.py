"""HTTP to configured addresses: what an answer means, and where it never connects."""

import socket
from datetime import UTC, datetime
from typing import Any

import pytest

from schemas.errors import ConfigurationError
from sinks.alerts.channels.base import Busy, Refused
from sinks.alerts.channels.http import Address, checked, is_public, post, retry_after
from tests.servers.http import Answer, FakeHttp


def address(url: str, allow_private: bool = True, timeout_s: float = 5) -> Address:
    return Address(url, allow_private, timeout_s)


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_what_is_taken(status: int) -> None:
    with FakeHttp(answers=[Answer(status, b"")]) as desk:
        post(address(f"{desk.url}/a?b=c"), b"{}", {"X-A": "b"})
        (request,) = desk.taken
    assert (request.method, request.path, request.body) == ("POST", "/a?b=c", b"{}")
    assert request.headers["X-A"] == "b"


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_what_is_tried_again(status: int) -> None:
    answer = Answer(status, headers={"Retry-After": "7"})
    with FakeHttp(answers=[answer]) as desk, pytest.raises(Busy) as caught:
        post(address(desk.url), b"{}", {})
    assert caught.value.cause == f"status_{status}"
    assert caught.value.after_s == 7


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 413, 422])
def test_what_is_refused(status: int) -> None:
    answer = Answer(status, b"no\nsuch  hook")
    with FakeHttp(answers=[answer]) as desk, pytest.raises(Refused) as caught:
        post(address(desk.url), b"{}", {})
    assert caught.value.why == f"127.0.0.1 answered {status}: no such hook"


def test_a_redirect_is_not_followed() -> None:
    with FakeHttp() as inside:
        moved = Answer(307, headers={"Location": inside.url})
        with FakeHttp(answers=[moved]) as desk, pytest.raises(Refused, match="not followed"):
            post(address(desk.url), b"{}", {})
        assert inside.received == []


def test_a_server_that_is_away_or_silent_or_speaks_no_http_is_tried_again() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(Busy) as caught:
            post(address(f"http://127.0.0.1:{port}", timeout_s=0.05), b"{}", {})
    assert caught.value.cause == "connection"
    with pytest.raises(Busy):
        post(address(f"http://127.0.0.1:{port}"), b"{}", {})
    with FakeHttp(answers=[Answer(0)]) as desk, pytest.raises(Busy) as caught:
        post(address(f"{desk.url}/a-secret-path?token=a-secret-token"), b"{}", {})
    assert "secret" not in caught.value.why


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("0", 0),
        ("120", 120),
        ("Fri, 02 Jan 2026 09:40:30 GMT", 30),
        ("Fri, 02 Jan 2026 09:39:30 GMT", 0),
        ("soon", None),
        ("-5", None),
        ("9" * 50, None),
    ],
)
def test_retry_after_is_read(value: str | None, seconds: float | None) -> None:
    assert retry_after(value, datetime(2026, 1, 2, 9, 40, tzinfo=UTC)) == seconds


PUBLIC = ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "::ffff:8.8.8.8"]
PRIVATE = [
    "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "0.0.0.0", "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1%eth0", "fd00::1", "ff0e::1",
    "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::",
]  # fmt: skip


@pytest.mark.parametrize("text", PUBLIC + PRIVATE)
def test_which_addresses_are_public(text: str) -> None:
    assert is_public(text) is (text in PUBLIC)


def resolve(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> None:
    """Names resolve to each of ``answers`` in turn, then to the last one."""
    left = list(answers)

    def getaddrinfo(host: str, port: int, *rest: Any, **more: Any) -> list[Any]:
        ips = left.pop(0) if len(left) > 1 else left[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port)) for ip in ips]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "[::1]", "localhost", "169.254.169.254", "2130706433"]
)
def test_a_private_address_is_refused_at_the_start(host: str) -> None:
    with pytest.raises(ConfigurationError, match="TOCSIN_ALERTS_ALLOW_PRIVATE"):
        checked(address(f"https://{host}/hook", allow_private=False), "desk")


def test_one_private_address_among_public_ones_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve(monkeypatch, ["93.184.215.14", "10.0.0.1"])
    with pytest.raises(ConfigurationError, match=r"leads to 10\.0\.0\.1"):
        checked(address("https://desk.test/hook", allow_private=False), "desk")


def test_a_name_that_changes_its_mind_leads_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeHttp() as inside:
        port = int(inside.url.rpartition(":")[2])
        there = address(f"https://desk.test:{port}/", allow_private=False)
        resolve(monkeypatch, ["93.184.215.14"], ["127.0.0.1"])
        checked(there, "desk")
        with pytest.raises(Refused, match=r"leads to 127\.0\.0\.1"):
            post(there, b"{}", {})
        assert inside.received == []


def test_a_name_without_an_address_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def getaddrinfo(*args: Any, **more: Any) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    there = checked(address("https://desk.test/", allow_private=False), "desk")
    with pytest.raises(Busy, match=r"desk\.test cannot be resolved"):
        post(there, b"{}", {})


@pytest.mark.parametrize(
    "url",
    [
        "ftp://desk.test/", "http://desk.test/", "https:///hook", "https://desk.test:port/",
        "https://ana:password@desk.test/", "https://desk.test/a b", "https://desk.test/é",
        "https://desk.test/\nX: y", "desk.test",
    ],
)  # fmt: skip
def test_an_address_that_is_none_is_a_sentence_without_it(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        checked(address(url, allow_private=False), "desk")
    assert str(caught.value).startswith("channel desk: its url")
    assert "password" not in str(caught.value)
