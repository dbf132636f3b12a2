"""The proxies: they pass on what they should, and each fault is what it says and is counted."""

import http.client
import json
import socket
import time
from collections.abc import Iterator

import pytest

from tests.chaos.proxy import HttpFault, HttpProxy, TcpFault, TcpProxy, operations_of
from tests.servers.http import Answer, FakeHttp, Received
from tocsin.local.stack.ports import free_ports

BULK = b"".join(
    json.dumps({"index": {"_id": str(number)}}).encode() + b'\n{"text":"a"}\n'
    for number in range(8)
)


def elasticsearch(request: Received) -> Answer:
    written = [{"index": {"status": 201}} for _ in operations_of(request.body)]
    body = json.dumps({"errors": False, "items": written}).encode()
    return Answer(200, body, {"X-Elastic-Product": "Elasticsearch"})


@pytest.fixture
def server() -> Iterator[FakeHttp]:
    with FakeHttp(decide=elasticsearch) as server:
        yield server


def ask(proxy: HttpProxy, body: bytes = BULK) -> tuple[int, bytes]:
    port = int(proxy.url.rpartition(":")[2])
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("POST", "/_bulk?filter_path=errors", body)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_without_faults_a_request_is_passed_on_whole(server: FakeHttp) -> None:
    with HttpProxy(server.url) as proxy:
        status, body = ask(proxy)
    assert (status, len(json.loads(body)["items"])) == (200, 8)
    assert server.received[0].body == BULK
    assert server.received[0].path == "/_bulk?filter_path=errors"
    assert not proxy.fired


@pytest.mark.parametrize("fault", ["429", "503", "413"])
def test_a_refusal_never_reaches_the_server(server: FakeHttp, fault: HttpFault) -> None:
    with HttpProxy(server.url, share=1, faults=(fault,)) as proxy:
        assert ask(proxy)[0] == int(fault)
    assert (server.received, proxy.fired) == ([], {fault: 1})


def test_a_partial_answer_has_an_item_for_each_operation(server: FakeHttp) -> None:
    with HttpProxy(server.url, share=1, faults=("partial",)) as proxy:
        status, body = ask(proxy)
    statuses = [item["index"]["status"] for item in json.loads(body)["items"]]
    assert status == 200
    assert set(statuses) == {201, 429}
    assert len(operations_of(server.received[0].body)) == statuses.count(201)


@pytest.mark.parametrize(("fault", "arrives"), [("reset", False), ("reset_after", True)])
def test_a_reset_loses_the_request_or_its_answer(
    server: FakeHttp, fault: HttpFault, arrives: bool
) -> None:
    with HttpProxy(server.url, share=1, faults=(fault,)) as proxy, pytest.raises(OSError):
        ask(proxy)
    assert bool(server.received) is arrives
    assert proxy.fired == {fault: 1}


def test_one_document_alone_is_not_too_large(server: FakeHttp) -> None:
    with HttpProxy(server.url, share=1, faults=("413",)) as proxy:
        assert ask(proxy, operations_of(BULK)[0])[0] == 200
    assert not proxy.fired


@pytest.fixture
def echo() -> Iterator[int]:
    with FakeHttp() as server:
        yield int(server.url.rpartition(":")[2])


def through(proxy: TcpProxy, timeout_s: float = 10) -> bytes:
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=timeout_s) as client:
        client.sendall(b"GET / HTTP/1.0\r\n\r\n")
        received = b""
        while data := client.recv(4096):
            received += data
        return received


@pytest.mark.parametrize("fault", [None, "latency", "drip"])
def test_bytes_come_through_also_slowly(echo: int, fault: TcpFault | None) -> None:
    with TcpProxy(*free_ports(1), echo) as proxy:
        proxy.harm(fault)
        assert through(proxy).endswith(b"ok")
    assert bool(proxy.fired) is (fault is not None)


@pytest.mark.parametrize("fault", ["blackhole", "deaf"])
def test_nothing_comes_back_from_a_partition(echo: int, fault: TcpFault) -> None:
    with TcpProxy(*free_ports(1), echo) as proxy:
        proxy.harm(fault)
        with pytest.raises(TimeoutError):
            through(proxy, timeout_s=0.5)
        assert proxy.fired[fault] >= 1
        proxy.harm(None)
        assert through(proxy).endswith(b"ok")


def test_a_reset_cuts_what_is_open_and_refuses_what_comes(echo: int) -> None:
    with TcpProxy(*free_ports(1), echo) as proxy:
        with socket.create_connection(("127.0.0.1", proxy.port), timeout=10) as client:
            client.sendall(b"GET")
            time.sleep(0.2)  # until the proxy has taken the connection
            proxy.harm("reset")
            with pytest.raises(ConnectionResetError):
                while client.recv(10):
                    pass
        assert proxy.fired["reset"] >= 1
        proxy.harm(None)
        assert through(proxy).endswith(b"ok")
