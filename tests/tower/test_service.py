"""What the tower refuses to start with, and whom it believes about a browser's address."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from runtime.settings import TowerSettings, load
from schemas.errors import ConfigurationError
from tests.tower.towers import PASSWORD_HASH
from tower.security.identity import Identity
from tower.security.sessions import Sessions
from tower.security.users import Account, Accounts, Person
from tower.service import behind_proxies, check, link_of, proxies_of, sessions_of

PROXY = "10.0.0.1"


def settings(**given: Any) -> TowerSettings:
    return load(TowerSettings, **given)


CERT = {"tls_cert": Path("c.pem"), "tls_key": Path("k.pem")}
USERS = {"users": Path("users.yaml")}
BEHIND = {"proxies": f"{PROXY}, ::1", "proxy_user_header": "X-Forwarded-User"}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"host": "0.0.0.0"}, "TOCSIN_TOWER_HOST is 0.0.0.0, which others reach"),
        ({"host": "::"}, "which others reach"),
        ({"host": "192.168.1.5", **CERT}, "set TOCSIN_TOWER_USERS"),
        ({"host": "tower.example", **CERT}, "set TOCSIN_TOWER_USERS"),
        ({"host": "0.0.0.0", **USERS}, "passwords would cross the network in the clear"),
        ({"host": "0.0.0.0", "proxies": PROXY}, "set TOCSIN_TOWER_USERS"),
        ({"tls_cert": Path("c.pem")}, "go together"),
        ({"tls_key": Path("k.pem")}, "go together"),
        ({"proxies": "proxy.example"}, "'proxy.example', which is not an IP address"),
        ({"proxies": f"{PROXY},*"}, "not an IP address"),
        ({"proxy_user_header": "X-Forwarded-User"}, "anybody could send it"),
    ],
)
def test_it_refuses_to_be_open_or_in_the_clear(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        check(settings(**given))


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"host": "localhost"},
        {"host": "::1"},
        {"host": "127.0.0.2"},
        {"host": "0.0.0.0", **USERS, **CERT},
        {"host": "0.0.0.0", **USERS, "proxies": PROXY},
        {"host": "0.0.0.0", **BEHIND},
    ],
)
def test_it_starts_where_nobody_else_is_or_with_users_and_tls(given: dict[str, Any]) -> None:
    check(settings(**given))


def test_a_link_of_this_machine_signs_in_once(tmp_path: Path) -> None:
    sessions = sessions_of(settings(data_dir=tmp_path))
    link = link_of(sessions, "http://127.0.0.1:8470", "/brands?q=brand:velmora&last=7d")
    address, _, query = link.partition("?")
    assert address == "http://127.0.0.1:8470/sign-in"
    token, _, target = query.removeprefix("token=").partition("&next=")
    assert target == "/brands%3Fq%3Dbrand%3Avelmora%26last%3D7d"
    # Another process of the same folder has made it, and it still counts.
    other = sessions_of(settings(data_dir=tmp_path))
    assert other.use_link(token) == Person("local", "admin")
    assert other.use_link(token) is None


def test_a_users_file_is_read_at_the_start(tmp_path: Path) -> None:
    path = tmp_path / "users.yaml"
    path.write_text(f"users: [{{name: ana, password: '{PASSWORD_HASH}'}}]")
    assert sessions_of(settings(data_dir=tmp_path, users=path)).max_age_s == 12 * 3600
    path.write_text("users: [{name: ana, password: x}]")
    with pytest.raises(ConfigurationError, match="password of ana"):
        sessions_of(settings(data_dir=tmp_path, users=path))


ACCOUNTS = Accounts({"ana": Account(name="ana", role="desk")})


def told(proxies: str, address: str, **headers: str) -> dict[str, Any]:
    """What the application behind these proxies makes of a request."""
    given = settings(proxies=proxies, proxy_user_header="X-Forwarded-User")
    sessions = Sessions(b"k" * 32, ACCOUNTS)
    identity = Identity(
        sessions,
        ACCOUNTS,
        secure=True,
        proxies=proxies_of(given),
        user_header=given.proxy_user_header,
    )
    found: dict[str, Any] = {}

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        assert request.client is not None
        found.update(
            person=identity.person(request),
            client=request.client.host,
            scheme=request.url.scheme,
        )
        await JSONResponse({})(scope, receive, send)

    pairs = [(name.replace("_", "-").encode(), text.encode()) for name, text in headers.items()]
    scope: Scope = {
        "type": "http", "method": "GET", "path": "/", "query_string": b"", "scheme": "http",
        "headers": [(b"host", b"tower.example"), *pairs], "client": (address, 40_000),
        "server": ("127.0.0.1", 8470),
    }  # fmt: skip

    async def receive() -> Any:
        raise AssertionError("the body is not read")

    async def send(message: Any) -> None:
        """Nobody reads the answer."""

    asyncio.run(behind_proxies(application, proxies_of(given))(scope, receive, send))
    return found


FORWARDED = {"x_forwarded_for": "203.0.113.7", "x_forwarded_proto": "https"}


def test_a_trusted_proxy_names_the_user_and_the_browsers_address() -> None:
    found = told(PROXY, PROXY, x_forwarded_user="ana", **FORWARDED)
    assert found == {"person": Person("ana", "desk"), "client": "203.0.113.7", "scheme": "https"}


@pytest.mark.parametrize("address", ["10.0.0.2", "203.0.113.7", "127.0.0.1"])
def test_nobody_else_is_believed(address: str) -> None:
    claims = {**FORWARDED, "x_forwarded_for": PROXY}
    found = told(PROXY, address, x_forwarded_user="ana", **claims)
    assert found == {"person": None, "client": address, "scheme": "http"}


def test_a_browser_cannot_pass_for_the_proxy() -> None:
    """The proxy adds the address that it sees to what the browser claims."""
    claims = {"x_forwarded_for": f"{PROXY}, 203.0.113.7", "x_forwarded_user": "ana"}
    assert told(PROXY, "203.0.113.7", **claims)["person"] is None
    assert told(PROXY, PROXY, **claims)["client"] == "203.0.113.7"
