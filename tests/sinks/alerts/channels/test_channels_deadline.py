"""Whatever a server does, an attempt ends: it is closed at its deadline and tried again later.

These tests end because the attempts do; nothing else ends them.
"""

import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from runtime.limits.deadline import Deadline
from runtime.settings import ElasticsearchSettings
from sinks.alerts.channels.base import Busy, Channel
from sinks.alerts.channels.http import Address, checked, post, tls_context
from sinks.alerts.channels.mail import MAX_ANSWER, Email, Security, Server
from sinks.alerts.channels.slack import Slack
from sinks.alerts.message.catalogue import Style
from sinks.alerts.store import Index
from sinks.elasticsearch.connection import connect
from tests.servers.endless import HTTP_FAULTS, SMTP_FAULTS, TLS_FAULTS, Endless
from tests.servers.http import Answer, FakeHttp
from tests.sinks.alerts.channels.rigs import wait
from tests.sinks.alerts.states import state

TIMEOUT_S = 0.3


def endless(fault: str, kinds: dict[str, tuple[bytes, bytes]], greets: bool = False) -> Endless:
    first, again = kinds[fault]
    return Endless(fault=fault, first=first, again=again, greets=greets)


def slack(scheme: str, port: int) -> Channel:
    where = Address(f"{scheme}://127.0.0.1:{port}/hook", True, TIMEOUT_S, tls_context(None, "desk"))
    return Slack("desk", where, Style("en"))


def mail(port: int, security: Security) -> Channel:
    # An attempt has three times the time of one exchange.
    server = Server("127.0.0.1", port, security, TIMEOUT_S / 3, tls_context(None, "desk"))
    return Email("desk", server, "tocsin@desk.test", ["ana@desk.test"], Style("en"))


def index(scheme: str, port: int) -> Channel:
    url = f"{scheme}://127.0.0.1:{port}"
    # A client that reads its certificates has to come to its handshake, also on a busy machine.
    timeout_s = TIMEOUT_S * (5 if scheme == "https" else 1)
    return Index(connect(ElasticsearchSettings(url=url, request_timeout_s=timeout_s)), "alerts")


def busy(channel: Channel, server: Endless) -> Busy:
    with pytest.raises(Busy) as caught:
        channel.deliver(state(1), None)
    channel.close()
    wait(lambda: server.fault in server.fired)
    return caught.value


@pytest.mark.parametrize("make", [slack, index])
@pytest.mark.parametrize("fault", HTTP_FAULTS)
def test_an_answer_without_end_ends_with_the_attempt(
    make: Callable[[str, int], Channel], fault: str
) -> None:
    with endless(fault, HTTP_FAULTS) as server:
        assert "connection" in busy(make("http", server.port), server).cause


@pytest.mark.parametrize("make", [slack, index])
@pytest.mark.parametrize("fault", TLS_FAULTS)
def test_half_a_tls_handshake_ends_with_the_attempt(
    make: Callable[[str, int], Channel], fault: str
) -> None:
    with endless(fault, TLS_FAULTS) as server:
        busy(make("https", server.port), server)


@pytest.mark.parametrize("fault", SMTP_FAULTS)
@pytest.mark.parametrize("security", ["none", "starttls"])
def test_a_mail_server_without_end_ends_with_the_attempt(fault: str, security: Security) -> None:
    with endless(fault, SMTP_FAULTS, greets=True) as server:
        busy(mail(server.port, security), server)


def test_an_answer_of_a_mail_server_has_a_largest_size() -> None:
    first = b"220 desk.test\r\n" + b"250-more\r\n" * (MAX_ANSWER // 5)
    with Endless(fault="flood", first=first, again=b"", greets=True) as server:
        assert "no end" in busy(mail(server.port, "none"), server).why


@pytest.mark.parametrize("fault", TLS_FAULTS)
def test_half_a_handshake_of_a_mail_server_ends_with_the_attempt(fault: str) -> None:
    with endless(fault, TLS_FAULTS) as server:
        busy(mail(server.port, "tls"), server)
    starttls = (b"220 desk\r\n250-desk\r\n250 STARTTLS\r\n220 go on\r\n", TLS_FAULTS[fault][1])
    with Endless(fault=fault, first=starttls[0], again=starttls[1], greets=True) as server:
        busy(mail(server.port, "starttls"), server)


@pytest.fixture
def hanging_names(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A name server that never answers; the names that it was asked."""
    asked: list[str] = []
    over, real = threading.Event(), socket.getaddrinfo

    def getaddrinfo(host: str, *rest: Any, **more: Any) -> Any:
        if not host.endswith(".test"):
            return real(host, *rest, **more)
        asked.append(host)
        over.wait()
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    yield asked
    over.set()


def test_a_name_server_that_never_answers_ends_with_the_attempt(hanging_names: list[str]) -> None:
    for allow_private in (True, False):
        there = Address("https://hook.test/", allow_private, TIMEOUT_S)
        assert checked(there, "desk") is there, "a name may be told later"
        with pytest.raises(Busy, match=r"hook\.test"):
            post(there, b"{}", {})
    server = Server("smtp.test", 25, "none", TIMEOUT_S / 3, tls_context(None, "desk"))
    with pytest.raises(Busy):
        Email("desk", server, "a@b.test", ["c@d.test"], Style("en")).deliver(state(1), None)
    client = connect(ElasticsearchSettings(url="http://es.test:9200", request_timeout_s=TIMEOUT_S))
    with pytest.raises(Busy):
        Index(client, "alerts").deliver(state(1), None)
    # One look-up a name is under way, however often it was asked for.
    assert sorted(hanging_names) == ["es.test", "hook.test", "smtp.test"]


def test_a_name_that_resolves_again_is_used_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    over, answers = threading.Event(), []
    real = socket.getaddrinfo

    def getaddrinfo(host: str, *rest: Any, **more: Any) -> Any:
        if host == "flaky.test" and not answers:
            answers.append("late")
            over.wait()
        return real("127.0.0.1" if host == "flaky.test" else host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    with FakeHttp(answers=[Answer(200)]) as desk:
        there = Address(f"http://flaky.test:{desk.url.rpartition(':')[2]}/", True, TIMEOUT_S)
        with pytest.raises(Busy):
            post(there, b"{}", {})
        over.set()
        while True:
            try:
                post(there, b"{}", {})
                break
            except Busy:
                continue
        assert len(desk.taken) == 1
    assert answers == ["late"]


def test_a_call_that_ends_in_time_leaves_nothing_behind() -> None:
    with FakeHttp() as desk:
        for _ in range(20):
            post(Address(desk.url, True, 3_600.0), b"{}", {})
    with Deadline(3_600.0):
        pass
    wait(lambda: not [each for each in threading.enumerate() if isinstance(each, threading.Timer)])
