"""Jetstream's WebSocket: lost or failed connections, garbage, and compression."""

import json
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
import zstandard
from websockets.protocol import State
from websockets.sync.client import ClientConnection, connect

from ingestors.bluesky import jetstream
from ingestors.source import SourceError
from tests.ingestors.bluesky.bluesky_feed import SECOND, START, Open, ids, post_of
from tests.ingestors.reading import FakeTime, join_threads, metric, read_events, reconnects, until
from tests.servers.jetstream import Action, Cut, Jetstream, Log, Mute, Raw, Refuse, Step


@pytest.mark.parametrize("at", [0, 1, 3, 40, 10_000])
def test_a_cut_message_is_read_again(server: Jetstream, open_source: Open, at: int) -> None:
    server.publish(*map(post_of, range(6)))
    server.scripts = [[Log(3), Cut(post_of(3), at)]]
    source = open_source(server, since=START)
    batch = read_events(source, 6)
    assert {event.id for event in batch.events} == set(ids(*range(6)))
    assert [what for what in server.fired if what.startswith("cut")]
    assert reconnects(source, "dropped") == 1
    cursor = server.asked[1].cursor
    assert cursor is not None
    assert cursor <= START + 3 * SECOND


def test_an_endpoint_that_is_not_there_is_passed_over(server: Jetstream, open_source: Open) -> None:
    with Jetstream() as gone:
        pass
    server.publish(post_of(0))
    source = open_source(gone.url, server, since=START)
    assert len(read_events(source, 1).events) == 1
    assert reconnects(source, "refused") >= 1


NO_SUCH = Refuse(404)


@pytest.mark.parametrize(
    ("failures", "cause", "count"),
    [
        ([Refuse(503)] * 2, "unavailable", 2),
        ([Refuse(429)] * 2, "limited", 2),
        ([NO_SUCH] * 2, "refused", 2),
        # Other failures reset the count of refusals.
        ([NO_SUCH, NO_SUCH, Step.RESET, NO_SUCH, NO_SUCH], "refused", 4),
        ([NO_SUCH, NO_SUCH, Refuse(503), NO_SUCH, NO_SUCH], "refused", 4),
    ],
)
def test_a_refusal_is_retried(
    server: Jetstream, open_source: Open, failures: list[Action], cause: str, count: int
) -> None:
    server.scripts = [[failure] for failure in failures]
    server.publish(post_of(0))
    source = open_source(server, since=START)
    assert len(read_events(source, 1).events) == 1
    assert len(server.fired) == len(failures)
    assert reconnects(source, cause) == count


def test_refusals_after_a_connection_are_waited_out(server: Jetstream, open_source: Open) -> None:
    """A network in front of the endpoints answers so for minutes, and then no more."""
    server.scripts = [[Log(1), Step.CLOSE], *[[Refuse(403)]] * 12]
    server.publish(post_of(0), post_of(1))
    source = open_source(server, since=START)
    until(source, lambda batch: "did not before" in (batch.obstacle or ""))
    assert metric(source, "rejected") == 1
    assert {event.id for event in read_events(source, 2).events} == set(ids(0, 1))
    assert metric(source, "rejected") == 0
    assert reconnects(source, "rejected") == 12 - 2
    assert server.fired == ["close", *["refuse 403"] * 12]


def test_refusals_everywhere_need_a_person(server: Jetstream, open_source: Open) -> None:
    server.scripts = [[NO_SUCH]] * 10
    source = open_source(server)
    with pytest.raises(SourceError, match=r"404.*TOCSIN_INGEST_BLUESKY_URLS"):
        read_events(source, 1)
    assert server.fired == ["refuse 404"] * 3


@pytest.mark.parametrize("end", [Step.CLOSE, Step.RESET])
def test_a_message_resets_the_back_off(server: Jetstream, open_source: Open, end: Step) -> None:
    clock, random = FakeTime(), Mock(return_value=1.0)  # always the longest wait
    server.scripts = [[end], [end], [Log(1), Step.CLOSE], [Step.LIVE]]
    server.publish(post_of(0))
    options = {"retry_first_s": 100.0, "retry_max_s": 6000.0}
    source = open_source(server, since=START, random=random, monotonic=clock.timer, **options)
    for number, wait_s in enumerate([100.0, 200.0, 100.0], start=1):
        until(source, lambda _: random.call_count == 1)
        random.reset_mock()
        clock.passed += wait_s - 0.1
        source.next_batch()
        assert len(server.asked) == number
        clock.passed += 0.2
    assert len(read_events(source, 1).events) == 1


def test_a_connection_that_comes_after_the_end_is_closed(
    server: Jetstream, open_source: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[ClientConnection] = []
    go_on = threading.Event()

    def slowly(*arguments: Any, **options: Any) -> Any:
        go_on.wait(20)
        made.append(connect(*arguments, **options))
        return made[0]

    monkeypatch.setattr(jetstream, "connect", slowly)
    source = open_source(server)
    source.next_batch()
    source.close()
    go_on.set()
    join_threads("jetstream-connect")
    assert [connection.state for connection in made] == [State.CLOSED]


def test_an_endless_handshake_does_not_block(server: Jetstream, open_source: Open) -> None:
    server.scripts = [[Mute()]]
    server.publish(post_of(0))
    source = open_source(server, since=START, connect_timeout_s=1.0)
    assert not source.next_batch().events, "it returns while the attempt goes on"
    server.wait_asked(1)
    assert len(server.asked) == 1
    assert len(read_events(source, 1).events) == 1
    assert server.fired == ["mute"]
    assert reconnects(source, "refused") == 1


@pytest.mark.parametrize("payload", [b"{", b"\xff\xff", b'{"time_us": "soon"}', b""])
@pytest.mark.parametrize("text", [True, False])
def test_garbage_is_unreadable(
    server: Jetstream, open_source: Open, payload: bytes, text: bool
) -> None:
    server.scripts = [[Log(1), Raw(payload, text), Step.LIVE]]
    server.publish(post_of(0), post_of(1))
    source = open_source(server, since=START)
    batch = read_events(source, 2)
    assert server.fired == ["raw"]
    assert [item.payload for item in batch.unreadable] == [payload]
    assert [event.id for event in batch.events] == ids(0, 1)
    assert len(server.asked) == 1


def test_backpressure_stops_the_reading(server: Jetstream, open_source: Open) -> None:
    total = 1_500
    server.deflate = False
    source = open_source(server)
    source.next_batch()
    server.wait_asked(1)
    server.publish(*(post_of(number, text="x" * 20_000) for number in range(total)))
    assert server.blocked.wait(30), "the server could send everything"
    assert server.sent < total
    batch = read_events(source, total)
    assert [event.id for event in batch.events] == ids(*range(total))
    assert len(server.asked) == 1


def trained(folder: Path, samples: Iterable[str], **options: int) -> Path:
    path = folder / "zstd_dictionary"
    encoded: list[bytes | bytearray | memoryview] = [sample.encode() for sample in samples]
    path.write_bytes(zstandard.train_dictionary(4_096, encoded, **options).as_bytes())
    return path


@pytest.fixture(scope="module")
def dictionary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    texts = (post_of(n, text=f"text {n * 37 % 101}") for n in range(600))
    return trained(tmp_path_factory.mktemp("zstd"), map(json.dumps, texts))


def test_zstd_with_a_dictionary(server: Jetstream, open_source: Open, dictionary: Path) -> None:
    server.dictionary = dictionary.read_bytes()
    server.publish(*map(post_of, range(5)))
    source = open_source(server, since=START, zstd_dictionary=dictionary)
    assert [event.id for event in read_events(source, 5).events] == ids(*range(5))
    assert server.asked[0].query["compress"] == ["true"]
    assert server.asked[0].extensions is None, "both compressions at once are refused"


def test_another_dictionary_needs_a_person(
    server: Jetstream, open_source: Open, dictionary: Path, tmp_path: Path
) -> None:
    samples = (f"{n} something else altogether {n * n}" * 5 for n in range(600))
    path = trained(tmp_path, samples, dict_id=7)
    server.dictionary = dictionary.read_bytes()
    server.publish(post_of(0))
    source = open_source(server, since=START, zstd_dictionary=path)
    with pytest.raises(SourceError, match="BLUESKY_ZSTD_DICTIONARY"):
        read_events(source, 1)


def test_bad_frames_are_unreadable(server: Jetstream, open_source: Open, dictionary: Path) -> None:
    bomb = zstandard.ZstdCompressor().compress(b"0" * 50_000_000)
    unsized = zstandard.ZstdCompressor(write_content_size=False).compress(b"0" * 50_000_000)
    torn = zstandard.FRAME_HEADER + b"\xff" * 20
    raws = [Raw(payload, text=False) for payload in (bomb, unsized, torn)]
    server.dictionary = dictionary.read_bytes()
    server.scripts = [[*raws, Step.LIVE]]
    server.publish(post_of(0))
    source = open_source(server, since=START, zstd_dictionary=dictionary)
    batch = read_events(source, 1)
    assert server.fired == ["raw"] * 3
    assert [item.payload for item in batch.unreadable] == [bomb, unsized, torn]
