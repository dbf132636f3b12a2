"""No client holds the monitor: half requests, drops, floods and readers that do not read."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection

import pytest

from runtime.health import MAX_CONNECTIONS, MAX_REQUEST_BYTES, Health, MonitorServer, serve

PATIENCE_S = 60.0


@pytest.fixture
def server() -> Iterator[MonitorServer]:
    server = serve(Health("test-clients"), "127.0.0.1", 0, request_s=1.0)
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def clients(server: MonitorServer) -> Iterator[Callable[[bytes], socket.socket]]:
    """Opens a connection that sends something; all are closed at the end."""
    with contextlib.ExitStack() as stack:

        def connect(sent: bytes) -> socket.socket:
            where = ("127.0.0.1", server.server_port)
            client = stack.enter_context(socket.create_connection(where))
            client.settimeout(PATIENCE_S)
            with contextlib.suppress(OSError):  # it may be closed already
                client.sendall(sent)
            return client

        yield connect


def status(server: MonitorServer, path: str = "/healthz") -> int:
    with contextlib.closing(
        HTTPConnection("127.0.0.1", server.server_port, timeout=PATIENCE_S)
    ) as connection:
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        return answer.status


def is_closed(client: socket.socket) -> bool:
    """Waits until the server ends the connection; what it sends before is read."""
    try:
        while client.recv(65_536):
            pass
    except ConnectionError:
        pass
    return True


def threads() -> int:
    return sum(each.name.startswith("Thread-") for each in threading.enumerate())


def wait(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


HALVES = [b"", b"GET /metr", b"GET /metrics HTTP/1.1\r\nHost: a\r\nX: "]


@pytest.mark.parametrize("half", HALVES)
def test_half_requests_stop_no_scrape_and_keep_no_threads(
    server: MonitorServer, clients: Callable[[bytes], socket.socket], half: bytes
) -> None:
    before = threads()
    opened = [clients(half) for _ in range(300)]
    for path in ("/metrics", "/healthz", "/readyz", "/metrics"):
        assert status(server, path) in (200, 503)
    assert threads() - before <= 2 * MAX_CONNECTIONS
    assert all(is_closed(client) for client in opened)
    wait(lambda: threads() <= before)


def test_a_request_in_drops_is_ended_in_all(
    server: MonitorServer, clients: Callable[[bytes], socket.socket]
) -> None:
    client = clients(b"GET /metrics HTTP/1.1\r\nX: ")
    sent = 0
    with pytest.raises(ConnectionError):
        while True:  # a byte comes long before any time-out of the socket
            client.sendall(b"a")
            sent += 1
            time.sleep(0.1)
    assert 1 < sent < MAX_REQUEST_BYTES
    assert status(server) == 200


def test_an_answer_that_nobody_reads_is_ended(
    server: MonitorServer, clients: Callable[[bytes], socket.socket]
) -> None:
    before = threads()
    request = b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n"
    for _ in range(4):
        clients(request * 2_000)
    wait(lambda: threads() <= before)
    assert status(server) == 200


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /" + b"a" * MAX_REQUEST_BYTES + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * MAX_REQUEST_BYTES,
        b"GET / HTTP/1.1\r\nX: " + b"y" * MAX_REQUEST_BYTES,
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 500 + b"\r\n",
        b"POST /metrics HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello",
    ],
    ids=["a long line", "many headers", "a long header", "TLS", "POST"],
)
def test_what_is_too_large_or_no_request_is_ended_without_a_word_in_the_log(
    server: MonitorServer,
    clients: Callable[[bytes], socket.socket],
    capfd: pytest.CaptureFixture[str],
    sent: bytes,
) -> None:
    assert is_closed(clients(sent))
    assert status(server) == 200
    assert capfd.readouterr().err == ""


def test_a_request_over_its_bound_gets_no_answer(clients: Callable[[bytes], socket.socket]) -> None:
    header = b"X: " + b"y" * 1_000 + b"\r\n"
    many = header * (MAX_REQUEST_BYTES // 1_000 + 1)
    client = clients(b"GET /healthz HTTP/1.1\r\n" + many + b"\r\n")
    with contextlib.suppress(ConnectionResetError):
        assert client.recv(1) == b""


def test_clients_that_are_served_do_not_count_for_ever(server: MonitorServer) -> None:
    assert {status(server) for _ in range(3 * MAX_CONNECTIONS)} == {200}


def test_the_host_of_the_monitor_is_not_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def getfqdn(host: str = "") -> str:
        raise AssertionError("a name server that is away would hold the start")

    monkeypatch.setattr(socket, "getfqdn", getfqdn)
    server = serve(Health("test-clients"), "127.0.0.1", 0)
    assert status(server) == 200
    server.shutdown()
    server.server_close()
