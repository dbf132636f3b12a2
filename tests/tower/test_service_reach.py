"""Who may reach the tower: what it refuses to listen with, and whom it believes behind a proxy."""

from pathlib import Path
from typing import Any

import pytest
from starlette.requests import HTTPConnection

from runtime.settings import TowerSettings, load
from schemas.errors import ConfigurationError
from tower.security.identity import Identity
from tower.security.sessions import Sessions, given_key
from tower.security.users import Account, Accounts, Person
from tower.service import check, url_of

KEY = b"a key of thirty-two bytes or more"


@pytest.mark.parametrize(
    "given",
    [
        {"host": "127.0.0.1"},
        {"host": "0.0.0.0", "published_on_loopback": True},
        {"host": "0.0.0.0", "users": "users.yaml", "proxies": "10.1.0.0/16, 192.0.2.7"},
        {"host": "0.0.0.0", "users": "users.yaml", "tls_cert": "c.pem", "tls_key": "k.pem"},
        {"host": "0.0.0.0", "proxies": "192.0.2.7", "proxy_user_header": "X-User"},
    ],
)
def test_it_listens_where_strangers_cannot_sign_in_or_listen_in(given: dict[str, Any]) -> None:
    check(load(TowerSettings, **given))


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"host": "0.0.0.0"}, "TOCSIN_TOWER_PUBLISHED_ON_LOOPBACK"),
        ({"host": "0.0.0.0", "users": "users.yaml"}, "in the clear"),
        ({"proxies": "proxy.example"}, "not an IP address, nor a network"),
        ({"proxies": "10.1.2.3/16"}, "not an IP address, nor a network"),
        ({"proxy_user_header": "X-User"}, "anybody could send it"),
        ({"tls_cert": "c.pem"}, "go together"),
    ],
)
def test_it_refuses_what_would_be_open_and_says_what_to_set(
    given: dict[str, Any], says: str
) -> None:
    with pytest.raises(ConfigurationError, match=says):
        check(load(TowerSettings, **given))


@pytest.mark.parametrize("host", ["0.0.0.0", "127.0.0.1"])
def test_a_link_is_for_a_browser_on_this_machine(host: str) -> None:
    assert url_of(load(TowerSettings, host=host), 8470) == "http://127.0.0.1:8470"


def person_from(proxies: list[str], peer: str) -> Person | None:
    """Whom a connection from ``peer`` is of that names ana."""
    accounts = Accounts({"ana": Account(name="ana", role="desk")})
    sessions = Sessions(KEY, accounts)
    identity = Identity(sessions, accounts, secure=True, proxies=proxies, user_header="X-User")
    headers = [(b"x-user", b"ana")]
    scope = {"type": "http", "client": (peer, 40_000), "headers": headers}
    return identity.person(HTTPConnection(scope))


@pytest.mark.parametrize("proxies", [["10.1.2.3"], ["10.1.0.0/16"], ["192.0.2.7", "10.1.2.2/31"]])
def test_a_proxy_is_trusted_by_its_address_or_its_network(proxies: list[str]) -> None:
    assert person_from(proxies, "10.1.2.3") == Person("ana", "desk")
    assert person_from(proxies, "10.2.2.3") is None
    assert person_from(proxies, "a socket without an address") is None


def key_file(folder: Path, text: bytes, mode: int) -> Path:
    path = folder / "key"
    path.write_bytes(text)
    path.chmod(mode)
    return path


def test_copies_with_one_key_know_each_other_s_sessions(tmp_path: Path) -> None:
    # The mode that a secret of Kubernetes has.
    path = key_file(tmp_path, KEY + b"\n", 0o440)
    first, second = (Sessions(given_key(path), Accounts({})) for _ in range(2))
    assert second.person(first.session(Person("ana", "desk"))) == Person("ana", "desk")


@pytest.mark.parametrize(
    ("text", "mode", "says"),
    [(KEY, 0o444, "readable by others"), (b"short", 0o400, "openssl rand")],
)
def test_a_key_that_others_know_or_may_guess_is_refused(
    tmp_path: Path, text: bytes, mode: int, says: str
) -> None:
    with pytest.raises(ConfigurationError, match=says):
        given_key(key_file(tmp_path, text, mode))


def test_a_key_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="TOCSIN_TOWER_SIGNING_KEY"):
        given_key(tmp_path / "key")
