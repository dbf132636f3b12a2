"""Jetstream's wire: connections that break or never come about, garbage, and compression."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import zstandard
from websockets.protocol import State
from websockets.sync.client import ClientConnection, connect

from ingestors.bluesky import jetstream
from ingestors.source import SourceError
from tests.ingestors.bluesky.bluesky_feed import (
    SECOND,
    START,
    Failures,
    FakeTime,
    Open,
    ids,
    opening,
    post_of,
)
from tests.ingestors.reading import read_events, reconnects, until
from tests.servers.jetstream import Action, Cut, JetstreamServer, Log, Mute, Raw, Refuse, Step


@pytest.fixture
def open_source(request: pytest.FixtureRequest) -> Iterator[Open]:
    with opening(request.node.name) as open_:
        yield open_


Samples = list[bytes | bytearray | memoryview]


@pytest.mark.parametrize("at", [0, 1, 3, 40, 10_000])
def test_a_connection_that_breaks_inside_a_message_loses_nothing(
    open_source: Open, at: int
) -> None:
    with JetstreamServer() as server:
        server.publish(*map(post_of, range(6)))
        server.scripts = [[Log(3), Cut(post_of(3), at)]]
        source = open_source(server, position={"cursor": START, "endpoint": server.url})
        batch = read_events(source, 6)
        assert {event.id for event in batch.events} == set(ids(*range(6)))
        assert [what for what in server.fired if what.startswith("cut")]
        assert reconnects(source, "dropped") == 1
        cursor = server.asked[1].cursor
        assert cursor is not None
        assert cursor <= START + 3 * SECOND


def test_messages_arrive_whole_from_single_bytes(open_source: Open) -> None:
    with JetstreamServer(split=1) as server:
        server.publish(*map(post_of, range(3)))
        source = open_source(server, position={"cursor": START, "endpoint": server.url})
        assert [event.id for event in read_events(source, 3).events] == ids(0, 1, 2)


def test_an_endpoint_that_is_not_there_is_passed_over(open_source: Open) -> None:
    with JetstreamServer() as gone:
        pass
    with JetstreamServer() as server:
        server.publish(post_of(0))
        source = open_source(gone.url, server, position={"cursor": START, "endpoint": ""})
        assert len(read_events(source, 1).events) == 1
        assert reconnects(source, "refused") >= 1


@pytest.mark.parametrize(
    ("status", "cause"), [(503, "unavailable"), (429, "limited"), (404, "refused")]
)
def test_a_refused_handshake_is_tried_again(open_source: Open, status: int, cause: str) -> None:
    with JetstreamServer(scripts=[[Refuse(status)], [Refuse(status)]]) as server:
        server.publish(post_of(0))
        source = open_source(server, position={"cursor": START, "endpoint": ""})
        assert len(read_events(source, 1).events) == 1
        assert server.fired == [f"refuse {status}"] * 2
        assert reconnects(source, cause) == 2


def test_endpoints_that_all_refuse_for_good_need_a_person(open_source: Open) -> None:
    with JetstreamServer(scripts=[[Refuse(404)]] * 10) as server:
        source = open_source(server)
        with pytest.raises(SourceError, match=r"404.*TOCSIN_INGEST_BLUESKY_URLS"):
            read_events(source, 1)
        assert server.fired == ["refuse 404"] * 3


@pytest.mark.parametrize("between", [Step.RESET, Refuse(503)])
def test_refusals_are_forgotten_once_an_endpoint_says_something_else(
    open_source: Open, between: Action
) -> None:
    with JetstreamServer() as server:
        server.scripts = [[Refuse(404)], [Refuse(404)], [between], [Refuse(404)], [Refuse(404)]]
        server.publish(post_of(0))
        source = open_source(server, position={"cursor": START, "endpoint": ""})
        assert len(read_events(source, 1).events) == 1
        assert len(server.fired) == 5


def test_a_message_makes_the_next_failure_the_first_again(open_source: Open) -> None:
    clock = FakeTime()
    failures = Failures()
    scripts: list[list[Action]] = [[Step.CLOSE], [Step.CLOSE], [Log(1), Step.CLOSE], [Step.LIVE]]
    with JetstreamServer(scripts=scripts) as server:  # type: ignore[arg-type]
        server.publish(post_of(0))
        source = open_source(
            server,
            position={"cursor": START, "endpoint": ""},
            retry_first_s=1.0,
            retry_max_s=60.0,
            random=failures,
            monotonic=clock,
        )
        for number, wait in enumerate([1.0, 2.0, 1.0], start=1):
            until(source, lambda _: failures.count == 1)
            failures.count = 0
            clock.now += wait - 0.1
            source.next_batch()
            assert len(server.asked) == number
            clock.now += 0.2
        assert len(read_events(source, 1).events) == 1


def test_a_connection_that_comes_after_the_end_is_closed(
    open_source: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[ClientConnection] = []
    go_on = threading.Event()

    def slowly(*arguments: Any, **options: Any) -> Any:
        go_on.wait(20)
        made.append(connect(*arguments, **options))
        return made[0]

    monkeypatch.setattr(jetstream, "connect", slowly)
    with JetstreamServer() as server:
        source = open_source(server)
        source.next_batch()
        source.close()
        go_on.set()
        for thread in threading.enumerate():
            if thread.name == "jetstream-connect":
                thread.join(20)
        assert [connection.state for connection in made] == [State.CLOSED]


def test_a_handshake_that_never_ends_does_not_hold_next_batch(open_source: Open) -> None:
    with JetstreamServer(scripts=[[Mute()]]) as server:
        server.publish(post_of(0))
        source = open_source(
            server, position={"cursor": START, "endpoint": ""}, connect_timeout_s=1.0
        )
        assert not source.next_batch().events, "it returns while the attempt goes on"
        server.wait_asked(1)
        assert len(server.asked) == 1
        assert len(read_events(source, 1).events) == 1
        assert server.fired == ["mute"]
        assert reconnects(source, "refused") == 1


def test_nothing_is_asked_before_the_back_off_is_over(open_source: Open) -> None:
    clock = FakeTime()
    failures = Failures()
    with JetstreamServer(scripts=[[Step.RESET]]) as server:
        server.publish(post_of(0))
        source = open_source(
            server,
            position={"cursor": START, "endpoint": ""},
            retry_first_s=100.0,
            retry_max_s=100.0,
            random=failures,
            monotonic=clock,
        )
        until(source, lambda _: failures.count == 1)
        assert server.fired == ["reset"]
        clock.now += 98.9
        source.next_batch()
        assert len(server.asked) == 1
        clock.now += 1.2
        assert len(read_events(source, 1).events) == 1


@pytest.mark.parametrize("payload", [b"{", b"\xff\xff", b'{"time_us": "soon"}', b""])
@pytest.mark.parametrize("text", [True, False])
def test_garbage_is_handed_over_and_does_not_end_the_stream(
    open_source: Open, payload: bytes, text: bool
) -> None:
    with JetstreamServer(scripts=[[Log(1), Raw(payload, text), Step.LIVE]]) as server:
        server.publish(post_of(0), post_of(1))
        source = open_source(server, position={"cursor": START, "endpoint": server.url})
        batch = read_events(source, 2)
        assert server.fired == ["raw"]
        assert [item.payload for item in batch.unreadable] == [payload]
        assert [event.id for event in batch.events] == ids(0, 1)
        assert len(server.asked) == 1


def test_while_nobody_asks_nothing_is_read_beyond_the_buffers(open_source: Open) -> None:
    total = 1_500
    with JetstreamServer(deflate=False) as server:
        source = open_source(server)
        source.next_batch()
        server.wait_asked(1)
        server.publish(*(post_of(number, text="x" * 20_000) for number in range(total)))
        assert server.blocked.wait(30), "the server could send everything"
        assert server.sent < total
        batch = read_events(source, total)
        assert [event.id for event in batch.events] == ids(*range(total))
        assert len(server.asked) == 1


@pytest.fixture(scope="module")
def dictionary() -> bytes:
    samples: Samples = [
        json.dumps(post_of(n, text=f"text {n * 37 % 101}")).encode() for n in range(600)
    ]
    return zstandard.train_dictionary(4_096, samples).as_bytes()


def test_zstd_with_a_dictionary(open_source: Open, dictionary: bytes, tmp_path: Path) -> None:
    path = tmp_path / "zstd_dictionary"
    path.write_bytes(dictionary)
    with JetstreamServer(dictionary=dictionary) as server:
        server.publish(*map(post_of, range(5)))
        position = {"cursor": START, "endpoint": server.url}
        source = open_source(server, position=position, zstd_dictionary=path)
        assert [event.id for event in read_events(source, 5).events] == ids(*range(5))
        assert server.asked[0].query["compress"] == ["true"]
        assert server.asked[0].extensions is None, "both compressions at once are refused"


def test_another_dictionary_needs_a_person(
    open_source: Open, dictionary: bytes, tmp_path: Path
) -> None:
    samples: Samples = [f"{n} something else altogether {n * n}".encode() * 5 for n in range(600)]
    path = tmp_path / "zstd_dictionary"
    path.write_bytes(zstandard.train_dictionary(4_096, samples, dict_id=7).as_bytes())
    with JetstreamServer(dictionary=dictionary) as server:
        server.publish(post_of(0))
        position = {"cursor": START, "endpoint": server.url}
        source = open_source(server, position=position, zstd_dictionary=path)
        with pytest.raises(SourceError, match="BLUESKY_ZSTD_DICTIONARY"):
            read_events(source, 1)


def test_frames_that_are_wrong_or_too_long_are_unreadable(
    open_source: Open, dictionary: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "zstd_dictionary"
    path.write_bytes(dictionary)
    bomb = zstandard.ZstdCompressor().compress(b"0" * 50_000_000)
    unsized = zstandard.ZstdCompressor(write_content_size=False).compress(b"0" * 50_000_000)
    torn = zstandard.FRAME_HEADER + b"\xff" * 20
    raws = [Raw(payload, text=False) for payload in (bomb, unsized, torn)]
    with JetstreamServer(dictionary=dictionary, scripts=[[*raws, Step.LIVE]]) as server:
        server.publish(post_of(0))
        position = {"cursor": START, "endpoint": server.url}
        source = open_source(server, position=position, zstd_dictionary=path)
        batch = read_events(source, 1)
        assert server.fired == ["raw"] * 3
        assert [item.payload for item in batch.unreadable] == [bomb, unsized, torn]
