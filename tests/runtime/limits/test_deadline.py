"""A deadline ends what a socket's own time-out does not, and nothing that is in time."""

import socket
import threading

import pytest

from runtime.limits.deadline import Deadline, own_name, resolve
from tests.servers.endless import Endless


def drops() -> Endless:
    return Endless(fault="drops", first=b"hello", again=b".", greets=True)


def test_a_connection_in_use_is_closed_at_the_deadline() -> None:
    with drops() as server, Deadline(0.3) as deadline:
        connection = deadline.connect(["127.0.0.1"], server.port)
        connection.settimeout(0.2)  # each drop comes earlier, so this never ends it
        with connection:
            while connection.recv(100):
                pass
        assert deadline.passed
        assert server.fired


def test_a_connection_that_another_call_kept_open_can_be_guarded() -> None:
    with drops() as server, socket.create_connection(("127.0.0.1", server.port)) as connection:
        with Deadline(0.1) as deadline:
            deadline.guard(connection)
            while connection.recv(100):
                pass
        assert deadline.passed


def test_nothing_begins_after_the_deadline() -> None:
    with drops() as server, Deadline(0.0) as deadline:
        with pytest.raises(TimeoutError, match="no complete answer within 0 s"):
            deadline.left_s()
        with pytest.raises(TimeoutError):
            deadline.resolve("localhost", server.port)
        with pytest.raises(TimeoutError):
            deadline.connect(["127.0.0.1"], server.port)
        assert server.fired == []


def test_what_is_in_time_is_left_alone() -> None:
    with drops() as server:
        with Deadline(60.0) as deadline:
            connection = deadline.connect(deadline.resolve("localhost", server.port), server.port)
        with connection:
            assert connection.recv(5) == b"hello"
        assert not deadline.passed


def test_the_next_address_is_tried_when_one_refuses() -> None:
    with drops() as server, Deadline(60.0) as deadline:
        with deadline.connect(["127.0.0.2", "127.0.0.1"], server.port) as connection:
            assert connection.recv(5) == b"hello"
        with pytest.raises(OSError, match="no address"):
            deadline.connect([], server.port)


def test_a_name_is_looked_up_once_however_many_wait_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, over = [], threading.Event()
    real = socket.getaddrinfo

    def getaddrinfo(host: str, *rest: object, **more: object) -> object:
        asked.append(host)
        over.wait()
        return real("127.0.0.1", 80, type=socket.SOCK_STREAM)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    for _ in range(5):
        with pytest.raises(TimeoutError, match=r"desk\.test is not resolved"):
            resolve("desk.test", 80, 0.01)
    assert asked == ["desk.test"]
    over.set()
    assert resolve("desk.test", 80, 60.0) == ["127.0.0.1"]


def test_a_name_that_does_not_exist_is_an_error_at_once() -> None:
    for name in ("no such name", "a" * 300):
        with pytest.raises(OSError, match="cannot be resolved"):
            resolve(name, 80, 60.0)


def test_the_own_name_is_full_or_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getfqdn", lambda: "desk.example")
    assert own_name(60.0) == "desk.example"
    monkeypatch.setattr(socket, "getfqdn", lambda: "desk")
    assert own_name(60.0) == "[127.0.0.1]"
    over = threading.Event()
    monkeypatch.setattr(socket, "getfqdn", lambda: str(over.wait()))
    assert own_name(0.01) == "[127.0.0.1]"
    over.set()
