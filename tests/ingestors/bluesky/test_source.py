"""Bluesky as a source: cursor, fail-over, gaps, and wrong configurations."""

from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ingestors.bluesky.source import BlueskySource, JetstreamOptions
from ingestors.source import SourceError
from schemas.ids import microseconds
from tests.ingestors.bluesky.bluesky_feed import DID, NOW, SECOND, START, Open, ids, post_of
from tests.ingestors.reading import (
    FakeTime,
    gaps_of,
    largest_batch,
    metric,
    read_events,
    reconnects,
    until,
)
from tests.servers.jetstream import Jetstream, Log, Mute, Step, account, commit, identity, post, tid


def test_reads_live_what_was_asked_for(server: Jetstream, open_source: Open) -> None:
    source = open_source(server)
    source.next_batch()
    server.wait_asked(1)
    like = commit("create", DID, "3k", tid(START), START, {"x": 1}, "app.bsky.feed.like")
    erasure = account(DID, START + 3 * SECOND, active=False, status="deleted")
    server.publish(like, identity(DID, START), post_of(1), post_of(2), erasure)
    batch = read_events(source, 3)
    assert [event.id for event in batch.events] == [*ids(1, 2), f"bluesky:{DID}"]
    assert [event.op for event in batch.events] == ["upsert", "upsert", "erase_author"]
    assert batch.events[2].version > batch.events[1].version
    assert batch.position == {"cursor": START + 3 * SECOND, "endpoint": server.url}
    assert server.asked[0].query["wantedCollections"] == ["app.bsky.feed.post"]
    assert server.asked[0].cursor is None
    assert "permessage-deflate" in (server.asked[0].extensions or "")
    assert metric(source, "connected") == 1
    source.close()
    assert metric(source, "connected") == 0


def test_a_restart_rewinds_the_position(server: Jetstream, open_source: Open) -> None:
    server.publish(*map(post_of, range(20)))
    position = {"cursor": START + 10 * SECOND + 2, "endpoint": server.url}
    source = open_source(server, position=position, rewind_s=3.0)
    batch = read_events(source, 13)
    assert server.asked[0].cursor == START + 7 * SECOND + 2
    assert [event.id for event in batch.events] == ids(*range(7, 20))
    assert gaps_of(source) == (0, 0)


def test_an_empty_batch_keeps_the_position(server: Jetstream, open_source: Open) -> None:
    position = {"cursor": START, "endpoint": "elsewhere"}
    server.scripts = [[Mute()]]
    source = open_source(server, position=position)
    batch = source.next_batch()
    assert (batch.events, batch.position) == ((), position)


def test_a_polite_close_is_followed_by_the_next_endpoint(open_source: Open) -> None:
    with Jetstream() as first, Jetstream() as second:
        for server in (first, second):
            server.publish(*map(post_of, range(40)))
        first.scripts = [[Log(20), Step.CLOSE]]
        source = open_source(first, second, since=START, switch_rewind_s=10.0)
        batch = read_events(source, 40)
        assert first.fired == ["close"]
        assert {event.id for event in batch.events} == set(ids(*range(40)))
        assert second.asked[0].cursor == START + 19 * SECOND + 2 - 10 * SECOND
        assert batch.position == {"cursor": START + 39 * SECOND + 2, "endpoint": second.url}


def test_the_wider_rewind_lasts_until_catch_up(server: Jetstream, open_source: Open) -> None:
    server.scripts = [[Log(3), Step.CLOSE], [Log(12), Step.CLOSE], [Step.LIVE]]
    server.publish(*map(post_of, range(40)))
    cursor = START + 29 * SECOND + 2
    position = {"cursor": cursor, "endpoint": "elsewhere"}
    source = open_source(server, position=position, rewind_s=3.0, switch_rewind_s=10.0)
    batch = read_events(source, 21)
    assert [event.id for event in batch.events[-12:]] == ids(*range(28, 40))
    assert server.fired == ["close", "close"]
    rewinds = [(cursor - (asked.cursor or 0)) / SECOND for asked in server.asked]
    assert rewinds == [10, 10, 2]


def test_silence_is_noticed_and_the_next_endpoint_tried(open_source: Open) -> None:
    clock = FakeTime()
    with Jetstream() as first, Jetstream() as second:
        first.scripts = [[Step.STALL]]
        second.publish(post_of(0))
        source = open_source(
            first, second, since=START, receive_timeout_s=30.0, monotonic=clock.timer
        )
        until(source, lambda _: first.fired == ["stall"] and metric(source, "connected") == 1)
        clock.passed += 29
        source.next_batch()
        assert metric(source, "connected") == 1
        clock.passed += 2
        until(source, lambda _: metric(source, "connected") == 0)
        clock.passed += 1
        assert [event.id for event in read_events(source, 1).events] == ids(0)
        assert reconnects(source, "stalled") == 1


def test_silence_begins_with_the_last_message(server: Jetstream, open_source: Open) -> None:
    clock = FakeTime()
    source = open_source(server, since=START, receive_timeout_s=30.0, monotonic=clock.timer)
    until(source, lambda _: metric(source, "connected") == 1)
    clock.passed += 25
    server.publish(post_of(0))
    read_events(source, 1)
    clock.passed += 25
    source.next_batch()
    assert metric(source, "connected") == 1
    clock.passed += 6
    source.next_batch()
    assert metric(source, "connected") == 0


def test_lost_history_of_the_endpoint_is_a_gap(server: Jetstream, open_source: Open) -> None:
    server.history = 5
    server.publish(*map(post_of, range(1_000)))
    position = {"cursor": START + 100 * SECOND + 2, "endpoint": server.url}
    source = open_source(server, position=position)
    batch = read_events(source, 5)
    assert server.fired == ["history lost"]
    assert [event.id for event in batch.events] == ids(*range(995, 1_000))
    assert gaps_of(source) == (1, 895)
    (gap,) = batch.gaps
    assert (microseconds(gap.since), microseconds(gap.until)) == (
        START + 100 * SECOND + 2, START + 995 * SECOND + 2,
    )  # fmt: skip
    assert source.heard_until() == gap.until + timedelta(seconds=4)


def test_a_cursor_is_never_in_the_future(server: Jetstream, open_source: Open) -> None:
    """The clock of the endpoint is ahead: its cursor would mean live, and a gap."""
    ahead = microseconds(NOW) + 3600 * SECOND
    server.scripts = [[Log(1), Step.RESET]]
    server.publish(post(DID, "3k", tid(START), ahead, "x"))
    source = open_source(server, since=START)
    batch = until(source, lambda _: len(server.asked) == 2)
    assert server.fired == ["reset"]
    assert batch.position == {"cursor": microseconds(NOW), "endpoint": server.url}
    assert server.asked[1].cursor == microseconds(NOW) - 3 * SECOND


@pytest.mark.parametrize("split", [None, 1])
def test_duplicates_are_equal(server: Jetstream, open_source: Open, split: int | None) -> None:
    """And messages arrive whole from single bytes."""
    server.repeat, server.split = 2, split
    server.publish(*map(post_of, range(3)))
    source = open_source(server, since=START)
    batch = until(source, lambda batch: len(batch.events) == 6)
    assert server.sent == 6
    assert [event.id for event in batch.events] == ids(0, 0, 1, 1, 2, 2)
    assert batch.events[0] == batch.events[1]


def test_a_batch_is_bounded(server: Jetstream, open_source: Open) -> None:
    server.publish(*map(post_of, range(120)))
    source = open_source(server, since=START, batch_events=50)
    assert largest_batch(source, 120) <= 50


def test_what_is_not_kept_moves_the_position(server: Jetstream, open_source: Open) -> None:
    server.publish(*map(post_of, range(4)))
    source = open_source(server, since=START, keep=lambda event: event.id == ids(1)[0])
    end = START + 3 * SECOND + 2
    batch = until(source, lambda batch: (batch.position or {}).get("cursor") == end)
    assert [event.id for event in batch.events] == ids(1)


@pytest.mark.parametrize(
    ("setting", "options"),
    [
        *(("URLS", {"urls": urls}) for urls in ([], [""], ["https://a.b"], ["wss://"], ["a"])),
        ("ZSTD_DICTIONARY", {"urls": ["ws://127.0.0.1:1"], "zstd_dictionary": Path("none")}),
    ],
)
def test_wrong_options_name_the_setting(setting: str, options: Any) -> None:
    with (
        closing(BlueskySource(JetstreamOptions(**options))) as source,
        pytest.raises(SourceError, match=f"BLUESKY_{setting}"),
    ):
        source.open(None)
