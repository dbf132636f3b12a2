"""Bluesky's public API: what is there, and the faults of a server."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from ingestors.bluesky.public_api import MAX_ATTEMPTS, PublicApi
from ingestors.source import SourceError
from schemas.errors import ServiceUnavailable
from tests.ingestors.bluesky.bluesky_feed import DID, OTHER, uri_of
from tests.ingestors.reading import FakeTime
from tests.servers.bluesky_api import STATES, BlueskyApi
from tests.servers.http import HANG_UP, RESET, Answer


@pytest.fixture
def server() -> Iterator[BlueskyApi]:
    with BlueskyApi() as running:
        yield running


def api_of(url: str, clock: FakeTime | None = None, **options: float) -> PublicApi:
    clock = clock or FakeTime()
    return PublicApi(url, url, sleep=clock.sleep, monotonic=clock.timer, **options)


def test_posts_that_are_gone_are_left_out(server: BlueskyApi) -> None:
    server.posts = {uri_of(), uri_of(DID)}
    asked = [uri_of(), uri_of(DID), f"{uri_of()}x"]
    assert api_of(server.url).present(asked) == {uri_of(), uri_of(DID)}
    assert server.calls == ["app.bsky.feed.getPosts"]


def test_only_final_states_of_an_account_are_erased(server: BlueskyApi) -> None:
    api = api_of(server.url)
    for state in ("active", *STATES):
        server.accounts = {DID: state}
        expected = "erased" if state in ("deleted", "takendown") else state
        assert api.account_state(DID) == expected
    assert api.account_state(OTHER) == "unknown"


def test_calls_keep_a_distance(server: BlueskyApi) -> None:
    clock = FakeTime()
    api = api_of(server.url, clock, per_second=2.0)
    for _ in range(5):
        api.account_state(DID)
    assert clock.passed == 4 * 0.5


@pytest.mark.parametrize(
    "fault",
    [
        HANG_UP,
        RESET,
        Answer(500),
        Answer(429, b"", {"Retry-After": "7"}),
        Answer(200, b"no JSON"),
        Answer(403, b"<html>"),
    ],
)
def test_a_fault_is_waited_out(server: BlueskyApi, fault: Answer) -> None:
    server.posts, server.faults = {uri_of()}, [fault] * 2
    clock = FakeTime()
    assert api_of(server.url, clock).present([uri_of()]) == {uri_of()}
    assert server.fired == 2
    assert clock.passed >= (14 if fault.status == 429 else 3)


@pytest.mark.parametrize("fault", [HANG_UP, Answer(503), Answer(200, b'{"posts": 1}')])
def test_a_server_that_stays_away_is_no_answer(server: BlueskyApi, fault: Answer) -> None:
    """Posts are not gone because nobody says that they are there."""
    server.faults = [fault] * MAX_ATTEMPTS
    with pytest.raises(ServiceUnavailable, match="again later"):
        api_of(server.url).present([uri_of()])
    assert server.fired >= 1


@pytest.mark.parametrize("part", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n"])
def test_a_server_that_drips_is_cut_off(part: bytes) -> None:
    """Each byte is within the time-out, of the head or of the body."""
    dripped = 0
    over = threading.Event()

    def drip(listener: socket.socket) -> None:
        nonlocal dripped
        while not over.is_set():
            client, _ = listener.accept()
            with client:
                try:
                    client.sendall(part)
                    while not over.wait(0.02):
                        client.sendall(b"H" if not part else b" ")
                        dripped += 1
                except OSError:
                    continue

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=drip, args=(listener,), daemon=True).start()
        api = api_of(f"http://127.0.0.1:{listener.getsockname()[1]}", deadline_s=0.2)
        began = time.monotonic()
        with pytest.raises(ServiceUnavailable):
            api.present([uri_of()])
        over.set()
        assert dripped > 5
        assert time.monotonic() - began < 30, "it was not cut off at all"


@pytest.mark.parametrize("url", ["", "http://api.example", "ftp://127.0.0.1", "https://"])
def test_an_address_is_https(url: str) -> None:
    with pytest.raises(SourceError, match="https"):
        api_of(url)
