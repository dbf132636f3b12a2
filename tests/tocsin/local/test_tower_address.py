"""The address of a local tower: its setting, or a free port; and the link into it."""

import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.servers.http import Answer, HttpServer, Received
from tocsin.local.tower_address import TowerAddress


@dataclass
class Tower(HttpServer):
    """Answers, at the third request, that it is there."""

    asked: list[str] = field(default_factory=list)

    def answer(self, request: Received) -> Answer:
        self.asked.append(request.path)
        return Answer() if len(self.asked) > 2 else Answer(503)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The port of the setting, which another program has."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        monkeypatch.setenv("TOCSIN_TOWER_PORT", str(port))
        yield port


def test_a_port_that_another_program_has_is_not_taken(taken: int) -> None:
    address = TowerAddress()
    port = int(address.url.rpartition(":")[2])
    assert port != taken
    # The command that is started listens where the link leads.
    assert address.command.environment == {"TOCSIN_TOWER_PORT": str(port)}
    assert address.command.needs_index


def test_a_port_that_is_free_is_the_one_of_the_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    monkeypatch.setenv("TOCSIN_TOWER_PORT", str(port))
    assert TowerAddress().url == f"http://127.0.0.1:{port}"
    monkeypatch.setenv("TOCSIN_TOWER_PORT", "0")
    assert not TowerAddress().url.endswith(":0")


def test_a_link_is_for_the_person_at_this_machine(taken: int) -> None:
    address = TowerAddress()
    link = address.link("/alerts")
    assert link.startswith(f"{address.url}/sign-in?token=")
    assert link.endswith("&next=/alerts")
    assert address.link("/alerts") != link, "each signs in once"


def test_with_users_the_address_alone_is_told(taken: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOCSIN_TOWER_USERS", "users.yaml")
    address = TowerAddress()
    assert address.link("/live") == f"{address.url}/live"
    assert "token" not in address.link("/live")


def test_it_waits_until_the_tower_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    address = TowerAddress()
    with Tower() as server:
        address.url = server.url.rstrip("/")
        address.wait()
        assert server.asked == ["/sign-in"] * 3
