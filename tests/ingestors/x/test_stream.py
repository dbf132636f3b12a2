"""The stream of X: lines, lost connections, and backpressure."""

import json
from dataclasses import replace
from itertools import accumulate, pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestors.source import Cause, SourceError
from ingestors.x.reconnects import XBackoff, XWaits
from ingestors.x.stream import LineSplitter
from schemas.post import PostUpsert
from tests.ingestors.hostile_json import some_examples
from tests.ingestors.reading import join_threads, metric, read_events, reconnects, until
from tests.ingestors.x.x_feed import NOW, SHORT, Open, id_of, ids, line_of, sent
from tests.servers.x_api import KEEP_ALIVE, PROBLEMS, STREAM, Answer, Step, XServer, farewell, tweet

FLOOD = 1_500
Failure = tuple[Cause, float | None, float]
"""The cause, when the rate limit resets, and the wait."""


@pytest.fixture
def failures(monkeypatch: pytest.MonkeyPatch) -> list[Failure]:
    failures: list[Failure] = []
    failed = XBackoff.failed

    def tell(backoff: XBackoff, cause: Cause, reset_in_s: float | None = None) -> float:
        wait = failed(backoff, cause, reset_in_s)
        failures.append((cause, reset_in_s, wait))
        return wait

    monkeypatch.setattr(XBackoff, "failed", tell)
    return failures


def split(stream: bytes, cuts: list[int], **options: int) -> list[bytes]:
    splitter = LineSplitter(**options)
    pieces = (stream[start:end] for start, end in pairwise([0, *cuts, len(stream)]))
    return [line for piece in pieces for line in splitter.feed(piece)]


@some_examples
@given(st.lists(st.binary(max_size=30), max_size=10), st.data())
def test_lines_do_not_depend_on_where_the_chunks_end(lines: list[bytes], data: Any) -> None:
    lines = [line.replace(b"\n", b"").rstrip(b"\r") for line in lines]
    stream = b"".join(line + b"\r\n" for line in lines)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=10)))
    assert split(stream, cuts) == lines


@some_examples
@given(st.lists(st.integers(1, 40), min_size=1, max_size=10))
def test_a_line_without_end_is_cut_and_the_next_one_read(sizes: list[int]) -> None:
    stream = b"a" * 100 + b"\r\nshort\r\n"
    cuts = [min(cut, len(stream)) for cut in accumulate(sizes)]
    assert split(stream, cuts, max_length=16) == [b"a" * 16, b"short"]


@pytest.mark.parametrize(("split", "packet"), [(1, None), (7, 3), (None, 1), (1000, 11)])
def test_lines_arrive_whole_however_they_are_cut(
    server: XServer, open_source: Open, split: int | None, packet: int | None
) -> None:
    server.split, server.packet = split, packet
    server.scripts = [[sent(0), KEEP_ALIVE, line_of(1, "日本 👩‍👧") + b"\r\n", sent(2), Step.LIVE]]
    batch = read_events(open_source(server), 3)
    assert [event.id for event in batch.events] == ids(0, 1, 2)
    assert isinstance(batch.events[1], PostUpsert)
    assert batch.events[1].post.text == "日本 👩‍👧"


@pytest.mark.parametrize("step", [Step.RESET, Step.HANG_UP, Step.END])
def test_a_lost_connection_is_restored(server: XServer, open_source: Open, step: Step) -> None:
    server.scripts = [[sent(0), step], [step], [step], [sent(1), Step.LIVE]]
    source = open_source(server)
    batch = until(source, lambda batch: bool(set(ids(1)) & {e.id for e in batch.events}))
    assert server.fired == [step.value] * 3
    assert reconnects(source, "dropped") == 3
    assert not batch.unreadable, "half a line is not a line"


def test_silence_is_a_dead_connection(server: XServer, open_source: Open) -> None:
    server.scripts = [[sent(0), Step.STALL], [sent(1), Step.LIVE]]
    source = open_source(server, keep_alive_timeout_s=0.5)
    assert [event.id for event in read_events(source, 2).events][:2] == ids(0, 1)
    assert server.fired == ["stall"]
    assert reconnects(source, "stalled") >= 1


def test_x_hanging_up_in_the_stream(server: XServer, open_source: Open) -> None:
    server.scripts = [[sent(0), farewell(), Step.STALL], [sent(1), Step.LIVE]]
    source = open_source(server)
    batch = read_events(source, 2)
    assert [event.id for event in batch.events] == ids(0, 1)
    assert not batch.unreadable
    assert reconnects(source, "disconnected") == 1


def test_partial_errors_beside_a_post_do_not_matter(server: XServer, open_source: Open) -> None:
    data = tweet(id_of(0), "operational-disconnect")
    error = {"title": "Not Found Error", "type": f"{PROBLEMS}/not-found"}
    whole = json.dumps({"data": data, "errors": [error]}).encode() + b"\r\n"
    server.scripts = [[whole, sent(1), Step.LIVE]]
    assert [event.id for event in read_events(open_source(server), 2).events] == ids(0, 1)


@pytest.mark.parametrize("garbage", [b"{", b"\xff\xfe", b"[]", b'{"data": {}}'])
def test_garbage_is_unreadable(server: XServer, open_source: Open, garbage: bytes) -> None:
    server.scripts = [[sent(0), garbage + b"\r\n", sent(1), Step.LIVE]]
    batch = read_events(open_source(server), 2)
    assert [item.payload for item in batch.unreadable] == [garbage]
    assert [event.id for event in batch.events] == ids(0, 1)


def test_http_errors_back_off(server: XServer, open_source: Open, failures: list[Failure]) -> None:
    reset = str(int(NOW.timestamp()) + 7)
    issue = {"title": "ConnectionException", "connection_issue": "TooManyConnections"}
    answers = [
        Answer(429, issue, {"x-rate-limit-reset": reset}),
        Answer(429, b"<html>", {"x-rate-limit-reset": "soon"}),
        Answer(503),
        Answer(500, [1]),
    ]
    server.scripts = [*([answer] for answer in answers), [sent(0), Step.LIVE]]
    source = open_source(server)
    assert len(read_events(source, 1).events) == 1
    assert server.fired == [f"answer {answer.status}" for answer in answers]
    assert reconnects(source, "limited") == reconnects(source, "unavailable") == 2
    causes = ["limited", "limited", "unavailable", "unavailable"]
    assert [cause for cause, _, _ in failures] == causes
    assert [reset_in_s for _, reset_in_s, _ in failures] == [7.0, None, None, None]


def test_a_line_resets_the_back_off(
    server: XServer, open_source: Open, failures: list[Failure]
) -> None:
    server.scripts = [[Step.END], [Step.END], [KEEP_ALIVE, Step.END], [sent(0), Step.LIVE]]
    read_events(open_source(server), 1)
    step = SHORT.network_step_s
    assert [wait for _, _, wait in failures] == [0, step, 0]


def test_next_batch_returns_while_a_long_wait_goes_on(server: XServer, open_source: Open) -> None:
    """And close() ends the wait: the fixture sees the thread end."""
    server.scripts = [[Answer(429)]]
    source = open_source(server, waits=XWaits())
    server.wait_asked(1)
    batch = source.next_batch()
    assert (list(batch.events), batch.position) == ([], None)
    assert server.fired == ["answer 429"]
    assert len(server.requests(STREAM)) == 1


def test_what_was_read_is_handed_out_before_the_error(server: XServer, open_source: Open) -> None:
    server.scripts = [[sent(0), sent(1), Step.END]]
    readings = iter([NOW] * 4)
    source = open_source(server, clock=lambda: next(readings))  # its end is an exception
    server.wait_asked(1)
    join_threads("x-stream")
    assert len(read_events(source, 2).events) == 2
    with pytest.raises(StopIteration):
        read_events(source, 1)
    assert server.fired == ["end"]


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 422])
def test_a_rejection_is_final_only_before_the_first_connection(
    server: XServer, open_source: Open, status: int
) -> None:
    problem = {"title": "Rejected", "detail": "not today"}
    refusals = [[Answer(status, problem)]] * 3
    server.scripts = [[sent(0), Step.END], *refusals, [Step.LIVE]]
    # Long enough to be seen on a busy machine: a batch tells the obstacle of its moment.
    source = open_source(server, waits=replace(SHORT, http_max_s=0.4))
    batch = until(source, lambda batch: "not today" in (batch.obstacle or ""))
    assert metric(source, "rejected") == 1
    server.wait_streams(2)
    server.publish(line_of(1))
    assert [event.id for event in [*batch.events, *read_events(source, 1).events]][-1:] == ids(1)
    assert metric(source, "rejected") == 0
    assert reconnects(source, "rejected") == 3
    assert server.fired == ["end", *[f"answer {status}"] * 3]
    server.scripts = [[Answer(status, problem)]]
    with pytest.raises(SourceError, match="not today"):
        read_events(open_source(server), 1)


def test_a_server_that_drips_bytes_is_noticed(server: XServer, open_source: Open) -> None:
    """Each byte is in time, and no line ever ends."""
    server.scripts = [[sent(0), *[b" "] * 5, Step.DRIP], [sent(1), Step.LIVE]]
    source = open_source(server, keep_alive_timeout_s=0.5)
    assert [event.id for event in read_events(source, 2).events] == ids(0, 1)
    assert server.fired == ["drip"]
    assert reconnects(source, "stalled") == 1


def flood(server: XServer) -> None:
    """Publish until the server cannot send more."""
    server.wait_streams(1)
    server.publish(*(line_of(number, "x" * 20_000) for number in range(FLOOD)))
    assert server.blocked.wait(30), "the server could send everything"


def test_backpressure_stops_the_reading(server: XServer, open_source: Open) -> None:
    source = open_source(server, buffer_lines=10, keep_alive_timeout_s=60.0)
    flood(server)
    assert server.sent < FLOOD
    batch = read_events(source, FLOOD)
    assert [event.id for event in batch.events] == ids(*range(FLOOD))
    assert server.streams == 1


def test_closing_while_the_queue_is_full(server: XServer, open_source: Open) -> None:
    """The fixture sees the thread end."""
    source = open_source(server, buffer_lines=2)
    flood(server)
    source.close()
