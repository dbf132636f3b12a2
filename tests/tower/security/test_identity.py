"""Who sends a request: a session, a token, or what a trusted proxy says, and nothing else."""

from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response

from tower.security.identity import Identity
from tower.security.sessions import Sessions
from tower.security.users import Account, Accounts, Person, hashed_token

ANA, PROXY = Person("ana", "desk"), "10.0.0.1"
ACCOUNTS = Accounts({"ana": Account(name="ana", role="desk", tokens=[hashed_token("t")])})
SESSIONS = Sessions(b"k" * 32, ACCOUNTS, 12.0, lambda: 0.0)


def identity(**options: Any) -> Identity:
    return Identity(SESSIONS, ACCOUNTS, **{"secure": False, **options})


def request(address: str = "127.0.0.1", **headers: str) -> Request:
    pairs = [
        (name.replace("_", "-").encode(), text.encode("latin-1")) for name, text in headers.items()
    ]
    return Request({"type": "http", "headers": pairs, "client": (address, 40_000)})


def test_a_session_is_read_from_its_cookie() -> None:
    token = SESSIONS.session(ANA)
    assert identity().person(request(cookie=f"tower={token}")) == ANA
    assert identity().person(request(cookie=f"theme=dark; tower={token}")) == ANA
    assert identity().person(request()) is None
    assert identity().person(request(cookie="tower=nonsense")) is None


def test_over_tls_only_the_cookie_that_needs_tls_counts() -> None:
    token = SESSIONS.session(ANA)
    assert identity(secure=True).person(request(cookie=f"tower={token}")) is None
    assert identity(secure=True).person(request(cookie=f"__Host-tower={token}")) == ANA
    assert identity().person(request(cookie=f"__Host-tower={token}")) is None


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_a_token_is_a_bearer_of_any_case(scheme: str) -> None:
    assert identity().person(request(authorization=f"{scheme} t")) == ANA
    assert identity().person(request(authorization=f"{scheme} other")) is None
    assert identity().person(request(authorization=scheme)) is None


def test_a_wrong_token_is_nobody_whatever_else_is_sent() -> None:
    token = SESSIONS.session(ANA)
    asked = request(authorization="Bearer other", cookie=f"tower={token}")
    assert identity().person(asked) is None
    # Another scheme is not ours to judge: a proxy may have left it.
    assert identity().person(request(authorization="Basic x", cookie=f"tower={token}")) == ANA


def test_a_proxy_names_the_user_only_from_its_own_address() -> None:
    trusting = identity(proxies=[PROXY], user_header="X-Forwarded-User")
    assert trusting.person(request(PROXY, x_forwarded_user="ana")) == ANA
    assert trusting.person(request(PROXY, x_forwarded_user="zoé")) == Person("zoé", "reader")
    for address in ("10.0.0.2", "127.0.0.1", ""):
        assert trusting.person(request(address, x_forwarded_user="ana")) is None
    for name in ("", "  ", "x" * 65):
        assert trusting.person(request(PROXY, x_forwarded_user=name)) is None
    # Without the switch nobody may, and another header is not read.
    assert identity(proxies=[PROXY]).person(request(PROXY, x_forwarded_user="ana")) is None
    assert trusting.person(request(PROXY, x_remote_user="ana")) is None


@pytest.mark.parametrize(("secure", "name"), [(False, "tower"), (True, "__Host-tower")])
def test_the_cookie_of_a_session_is_for_this_site_alone(secure: bool, name: str) -> None:
    response = Response()
    identity(secure=secure).sign_in(response, ANA)
    cookie = response.headers["set-cookie"]
    parts = {part.strip().lower() for part in cookie.split(";")}
    assert cookie.startswith(f"{name}=")
    assert {"httponly", "samesite=strict", "path=/", "max-age=43200"} <= parts
    assert ("secure" in parts) is secure
    assert not any(part.startswith("domain") for part in parts)


def test_signing_out_ends_the_session_and_takes_its_cookie() -> None:
    token, response = SESSIONS.session(ANA), Response()
    identity().sign_out(request(cookie=f"tower={token}"), response)
    assert 'tower="";' in response.headers["set-cookie"]
    assert "Max-Age=0" in response.headers["set-cookie"]
    assert identity().person(request(cookie=f"tower={token}")) is None
