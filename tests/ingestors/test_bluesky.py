"""Bluesky: the mapping of records, and the connection against a Jetstream that misbehaves."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from ingestors.backoff import JitteredBackoff, exponential, jittered, linear
from ingestors.bluesky import (
    BlueskySource,
    map_message,
    map_record,
    read_message,
)
from ingestors.source import Batch, Position, SourceError, Unreadable
from schemas.bounds import MAX_ITEMS, MAX_SHORT, MAX_TEXT
from schemas.codec import POST_EVENT
from schemas.ids import EPOCH, microseconds
from schemas.post import Media, Post, PostEvent
from tests.servers.jetstream import (
    Cut,
    Event,
    JetstreamServer,
    Log,
    Mute,
    Raw,
    Refuse,
    Step,
    account,
    commit,
    identity,
    post,
    tid,
)

patient = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""A busy machine is no failure."""
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
START = microseconds(NOW - timedelta(hours=1))
SECOND = 1_000_000
DID = "did:plc:eygmaihciaxprqvxpfvl6flk"
OTHER = "did:plc:wa7b35aakoll7hugkrjtf3xf"


def _post(number: int, text: str = "hello", did: str = DID, **record: Any) -> Event:
    """Post ``number``, published ``number`` seconds after START."""
    at = START + number * SECOND
    return post(did, tid(at), tid(at + 1), at + 2, text, **record)


def _read(event: Event) -> PostEvent | None:
    message = map_message(event, NOW)
    assert message.fault is None
    return message.event


def _record(**record: Any) -> Post:
    event = _read(_post(0, **record))
    assert event is not None
    assert event.post is not None
    return event.post


# --- mapping ---------------------------------------------------------------------------------


def test_a_post() -> None:
    at = NOW - timedelta(hours=1)
    event = _read(_post(0, createdAt="2026-01-02T02:04:00.123Z", langs=["en-GB", "fr"]))
    id_ = f"bluesky:{DID}/{tid(START)}"
    assert event == PostEvent(
        op="upsert",
        id=id_,
        source="bluesky",
        version=START + 1,
        ingested_at=NOW,
        post=Post(
            id=id_,
            source="bluesky",
            author=event.post.author if event and event.post else None,  # type: ignore[arg-type]
            text="hello",
            created_at=at.replace(second=0, microsecond=123_000),
            url=f"https://bsky.app/profile/{DID}/post/{tid(START)}",
            language="en-GB",
        ),
    )
    assert event.post is not None
    assert event.post.author.id == DID


def test_the_version_is_the_same_on_every_endpoint() -> None:
    here = _read(post(DID, tid(START), tid(START + 5), START + 10, "x"))
    there = _read(post(DID, tid(START), tid(START + 5), START + 999_999, "x"))
    assert here is not None
    assert there is not None
    assert here.version == there.version == START + 5


@pytest.mark.parametrize("rev", [None, 7, "", "not a tid", tid(START + 25 * 3600 * SECOND)])
def test_a_rev_that_cannot_be_is_replaced_by_the_time(rev: Any) -> None:
    event = _read(post(DID, tid(START), rev, START, "x"))
    assert event is not None
    assert event.version == START


def test_an_update_has_a_higher_version_and_the_same_id() -> None:
    record = {"text": "edited"}
    created = _read(_post(0))
    updated = _read(commit("update", DID, tid(START), tid(START + 99), START + 99, record))
    assert created is not None
    assert updated is not None
    assert updated.id == created.id
    assert updated.version > created.version


def test_a_delete_knows_when_its_post_was_published() -> None:
    event = _read(commit("delete", DID, tid(START), tid(START + 77), START + 80))
    assert event == PostEvent(
        op="delete",
        id=f"bluesky:{DID}/{tid(START)}",
        source="bluesky",
        version=START + 77,
        ingested_at=NOW,
        created_at=EPOCH + timedelta(microseconds=START),
    )


def test_a_delete_of_a_made_up_key_does_not_know() -> None:
    event = _read(commit("delete", DID, "self", tid(START), START))
    assert event is not None
    assert event.created_at is None


@pytest.mark.parametrize(
    ("created_at", "rkey", "expected"),
    [
        ("2026-01-02T01:00:00+02:00", tid(START), datetime(2026, 1, 1, 23, tzinfo=UTC)),
        ("yesterday", tid(START), EPOCH + timedelta(microseconds=START)),
        ("2026-01-02T01:00:00", tid(START), EPOCH + timedelta(microseconds=START)),
        ("0001-01-01T00:00:00+14:00", tid(START), EPOCH + timedelta(microseconds=START)),
        (7, tid(START), EPOCH + timedelta(microseconds=START)),
        (None, "self", EPOCH + timedelta(microseconds=START + 9)),
        (None, tid(2**52), EPOCH + timedelta(microseconds=START + 9)),
    ],
)
def test_created_at(created_at: Any, rkey: str, expected: datetime) -> None:
    event = _read(post(DID, rkey, tid(START), START + 9, "x", createdAt=created_at))
    assert event is not None
    assert event.post is not None
    assert event.post.created_at == expected


def test_an_unbelievable_date_is_kept_beside_the_time_of_reading() -> None:
    post_ = _record(createdAt="2999-01-01T00:00:00Z")
    assert post_.created_at == NOW
    assert post_.claimed_at == datetime(2999, 1, 1, tzinfo=UTC)


def _facet(text: str, part: str, **feature: Any) -> dict[str, Any]:
    start = text.encode().index(part.encode())
    index = {"byteStart": start, "byteEnd": start + len(part.encode())}
    return {"index": index, "features": [feature]}


def test_facets_count_bytes() -> None:
    text = "👩‍👩‍👧 日本 @alice.bsky.social und @bob #Käse https://example.com/…"
    kind = "app.bsky.richtext.facet#"
    facets = [
        _facet(text, "@alice.bsky.social", **{"$type": kind + "mention", "did": DID}),
        _facet(text, "@bob", **{"$type": kind + "mention", "did": OTHER}),
        _facet(text, "#Käse", **{"$type": kind + "tag", "tag": "Käse"}),
        _facet(text, "https", **{"$type": kind + "link", "uri": "https://example.com/long"}),
        _facet(text, "https", **{"$type": kind + "link", "uri": "javascript:alert(1)"}),
        _facet(text, "https", **{"$type": "com.example#else", "uri": "https://else.example"}),
    ]
    found = _record(text=text, facets=facets, tags=["aside", "Käse"])
    assert found.mentions == ["alice.bsky.social", OTHER]
    assert found.hashtags == ["Käse", "aside"]
    assert found.links == ["https://example.com/long"]


@pytest.mark.parametrize(
    "index", [{}, {"byteStart": -5, "byteEnd": 3}, {"byteStart": 0, "byteEnd": 10**9}, "x", None]
)
def test_a_mention_with_wrong_offsets_is_still_one(index: Any) -> None:
    feature = {"$type": "app.bsky.richtext.facet#mention", "did": OTHER}
    facets = [{"index": index, "features": [feature]}]
    assert _record(text="@alice.bsky.social", facets=facets).mentions == [OTHER]


def _uri(did: str = OTHER, collection: str = "app.bsky.feed.post") -> str:
    return f"at://{did}/{collection}/3kabc"


def test_replies_and_quotes() -> None:
    found = _record(
        reply={"parent": {"uri": _uri()}, "root": {"uri": _uri(DID)}},
        embed={"$type": "app.bsky.embed.record", "record": {"uri": _uri()}},
    )
    assert found.reply_to == f"bluesky:{OTHER}/3kabc"
    assert found.quote_of == f"bluesky:{OTHER}/3kabc"
    assert found.kind == "quote"


@pytest.mark.parametrize(
    "uri",
    [
        None,
        7,
        "",
        "https://example.com",
        _uri("alice.example"),
        _uri(collection="app.bsky.graph.list"),
        f"at://{OTHER}/app.bsky.feed.post/",
        f"at://{OTHER}/app.bsky.feed.post/a/b",
    ],
)
def test_what_is_no_post_is_not_quoted(uri: Any) -> None:
    embed = {"$type": "app.bsky.embed.record", "record": {"uri": uri}}
    assert _record(embed=embed).quote_of is None


CID = "bafkreidwaivazkwu67xztlmuobx35hs2lnfh3kolmgfmucldvhd3sgzcqi"
IMAGES = {
    "$type": "app.bsky.embed.images",
    "images": [
        {"alt": "a cat", "image": {"$type": "blob", "ref": {"$link": CID}}},
        {"alt": "", "image": {"$type": "blob", "ref": {"$link": "../../etc"}}},
    ],
}
PHOTOS = [
    Media(
        type="photo",
        url=f"https://cdn.bsky.app/img/feed_fullsize/plain/{DID}/{CID}@jpeg",
        alt="a cat",
    ),
    Media(type="photo"),
]


def test_images() -> None:
    assert _record(embed=IMAGES).media == PHOTOS


def test_a_quote_with_media() -> None:
    record = {"$type": "app.bsky.embed.record", "record": {"uri": _uri()}}
    found = _record(
        embed={"$type": "app.bsky.embed.recordWithMedia", "record": record, "media": IMAGES}
    )
    assert found.quote_of == f"bluesky:{OTHER}/3kabc"
    assert found.media == PHOTOS


def test_a_video_and_an_external_link() -> None:
    video = {"$type": "app.bsky.embed.video", "alt": "a dog", "video": {}}
    assert _record(embed=video).media == [Media(type="video", alt="a dog")]
    external = {"uri": "https://example.com/a", "title": "News", "description": "d"}
    found = _record(embed={"$type": "app.bsky.embed.external", "external": external})
    assert found.links == ["https://example.com/a"]
    assert found.media == [Media(type="link", url="https://example.com/a", alt="News")]


@pytest.mark.parametrize(
    ("status", "active", "erased"),
    [
        ("deleted", False, True),
        ("takendown", False, True),
        ("suspended", False, False),
        ("deactivated", False, False),
        ("throttled", False, False),
        ("desynchronized", False, False),
        ("deleted", True, False),
        (None, False, False),
        (None, True, False),
    ],
)
def test_only_final_states_of_an_account_erase(
    status: str | None, active: bool, erased: bool
) -> None:
    event = _read(account(DID, START, active=active, status=status))
    erasure = PostEvent(
        op="erase_author",
        id=f"bluesky:{DID}",
        source="bluesky",
        version=START,
        ingested_at=NOW,
        author_id=DID,
    )
    assert event == (erasure if erased else None)


@pytest.mark.parametrize(
    "event",
    [
        identity(DID, START),
        commit("create", DID, "3k", tid(START), START, {"text": "x"}, "app.bsky.feed.like"),
        {"did": DID, "time_us": START, "kind": "sync", "sync": {}},
    ],
)
def test_what_was_not_asked_for_moves_the_cursor_only(event: Event) -> None:
    message = map_message(event, NOW)
    assert (message.time_us, message.event, message.fault) == (START, None, None)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xff\xfe",
        b"null",
        b"[]",
        b'{"time_us": 1}',
        b'{"time_us": true, "kind": "commit"}',
        b"[" * 100_000,
        json.dumps({**_post(0), "did": "did:plc:../.."}).encode(),
        json.dumps({**_post(0), "time_us": 10**30}).encode(),
        json.dumps(commit("create", DID, "a/b", tid(START), START, {"text": "x"})).encode(),
        json.dumps(commit("create", DID, "3k", tid(START), START, {"text": 7})).encode(),
        json.dumps(commit("create", DID, "3k", tid(START), START)).encode(),
        json.dumps(commit("replace", DID, "3k", tid(START), START, {"text": "x"})).encode(),
    ],
)
def test_garbage_is_a_fault(payload: bytes) -> None:
    message = read_message(payload, NOW)
    assert message.fault
    assert message.event is None


def test_a_lone_surrogate_does_not_cost_the_post() -> None:
    payload = json.dumps(_post(0, text="a\ud800b"), ensure_ascii=True).encode()
    event = read_message(payload, NOW).event
    assert event is not None
    assert event.post is not None
    assert event.post.text == "a\N{REPLACEMENT CHARACTER}b"


def _assert_bounded(event: PostEvent) -> None:
    assert POST_EVENT.decode(POST_EVENT.encode(event)).id == event.id
    assert len(event.id.encode()) <= 512
    if event.post is None:
        return
    found = event.post
    assert len(found.text) <= MAX_TEXT
    lists = [found.mentions, found.hashtags, found.links, [m.alt or "" for m in found.media]]
    assert all(len(items) <= MAX_ITEMS for items in lists)
    assert all(len(item) <= MAX_SHORT for items in lists for item in items)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)


@patient
@given(JSON)
def test_any_json_is_survived(value: Any) -> None:
    message = map_message(value, NOW)
    assert message.event is None or _read(value) is not None


TYPES = st.sampled_from(
    [f"app.bsky.embed.{k}" for k in ("images", "video", "external", "record", "recordWithMedia")]
    + [f"app.bsky.richtext.facet#{k}" for k in ("mention", "tag", "link")]
)
KEYS = st.sampled_from(
    ["alt", "byteEnd", "byteStart", "did", "external", "facets", "features", "image", "images"]
    + ["index", "media", "parent", "record", "ref", "reply", "tag", "title", "uri", "$link"]
)
TEXT = st.text(
    st.characters() | st.sampled_from(["\ud800", "\x00", "\u202e", "👩", "\u200d"]), max_size=200
)
HOSTILE = st.recursive(
    st.none() | st.integers(-5, 300) | TEXT | st.just(_uri()) | st.just(DID),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.builds(lambda kind, rest: {"$type": kind, **rest}, TYPES, st.dictionaries(KEYS, inner))
    ),
    max_leaves=12,
)


@patient
@given(
    TEXT,
    st.dictionaries(
        st.sampled_from(["createdAt", "embed", "facets", "langs", "reply", "tags", "$type"]),
        HOSTILE,
    ),
    st.from_regex(r"[A-Za-z0-9._:~-]{1,512}", fullmatch=True),
)
def test_hostile_records_become_bounded_posts(text: str, record: Any, rkey: str) -> None:
    found = map_record({**record, "text": text}, DID, rkey, NOW, NOW)
    event = _read(post(DID, rkey, tid(START), START, text, **record))
    assert event is not None
    assert event.post is not None
    assert event.post.id == found.id
    _assert_bounded(event)


def test_lists_without_end_are_cut() -> None:
    feature = {"$type": "app.bsky.richtext.facet#tag", "tag": "t" * 10_000}
    event = _read(
        _post(
            0,
            text="x" * (MAX_TEXT + 1),
            facets=[{"features": [{**feature, "tag": f"{n}"} for n in range(5_000)]}],
            tags=["t" * 10_000],
        )
    )
    assert event is not None
    _assert_bounded(event)
    assert event.post is not None
    assert event.post.truncated


# --- back-off --------------------------------------------------------------------------------


def test_waits() -> None:
    assert [linear(n, 0.25, 1.0) for n in range(6)] == [0, 0.25, 0.5, 0.75, 1.0, 1.0]
    assert [exponential(n, 0.5, 4.0) for n in range(6)] == [0.5, 1.0, 2.0, 4.0, 4.0, 4.0]
    assert exponential(10**9, 0.5, 4.0) == 4.0
    assert [jittered(8.0, share) for share in (0.0, 0.5, 1.0, 7.0)] == [4.0, 6.0, 8.0, 8.0]


def test_jittered_backoff_forgets_when_healthy() -> None:
    shares = iter([0.0, 1.0, 0.5, 1.0])
    backoff = JitteredBackoff(1.0, 60.0, lambda: next(shares))
    assert [backoff.failed(), backoff.failed(), backoff.failed()] == [0.5, 2.0, 3.0]
    backoff.healthy()
    assert backoff.failed() == 1.0


# --- connection ------------------------------------------------------------------------------


class FakeTime:
    """A monotonic clock that only the test moves."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def open_source(request: pytest.FixtureRequest) -> Iterator[Callable[..., BlueskySource]]:
    """Opens sources with short waits, and closes them."""
    opened: list[BlueskySource] = []

    def open_(
        *servers: JetstreamServer | str, position: Position | None = None, **options: Any
    ) -> BlueskySource:
        urls = [server if isinstance(server, str) else server.url for server in servers]
        defaults: dict[str, Any] = {
            "source_id": request.node.name,
            "retry_first_s": 0.002,
            "retry_most_s": 0.01,
            "batch_within_s": 0.02,
            "clock": lambda: NOW,
        }
        source = BlueskySource(urls, **(defaults | options))
        opened.append(source)
        source.open(position)
        return source

    yield open_
    for source in opened:
        source.close()
        source.close()


@contextmanager
def _two() -> Iterator[tuple[JetstreamServer, JetstreamServer]]:
    with JetstreamServer() as first, JetstreamServer() as second:
        yield first, second


def _until(source: BlueskySource, done: Callable[[Batch], bool]) -> Batch:
    """Everything read until ``done`` of all of it; fails after half a minute."""
    events: list[PostEvent] = []
    unreadable: list[Unreadable] = []
    deadline = time.monotonic() + 30
    while True:
        batch = source.next_batch()
        events += batch.events
        unreadable += batch.unreadable
        whole = Batch(events, batch.position, unreadable)
        if done(whole):
            return whole
        assert time.monotonic() < deadline, f"only {len(events)} events came"


def _events(source: BlueskySource, distinct: int) -> Batch:
    return _until(source, lambda batch: len({event.id for event in batch.events}) >= distinct)


def _ids(*numbers: int) -> list[str]:
    return [f"bluesky:{DID}/{tid(START + number * SECOND)}" for number in numbers]


def _metric(source: BlueskySource, name: str, **labels: str) -> float:
    found = REGISTRY.get_sample_value(
        f"tocsin_ingest_{name}", {"source": source.source_id, **labels}
    )
    return found or 0.0


def _reconnects(source: BlueskySource, cause: str) -> float:
    return _metric(source, "reconnects_total", cause=cause)


Open = Callable[..., BlueskySource]


def test_reads_live_what_was_asked_for(open_source: Open) -> None:
    with JetstreamServer() as server:
        source = open_source(server)
        source.next_batch()
        server.wait_asked(1)
        like = commit("create", DID, "3k", tid(START), START, {"x": 1}, "app.bsky.feed.like")
        server.publish(like, identity(DID, START), _post(1), _post(2))
        batch = _events(source, 2)
        assert [event.id for event in batch.events] == _ids(1, 2)
        assert batch.position == {"cursor": START + 2 * SECOND + 2, "endpoint": server.url}
        assert server.asked[0].query["wantedCollections"] == ["app.bsky.feed.post"]
        assert server.asked[0].cursor is None
        assert "permessage-deflate" in (server.asked[0].extensions or "")
        assert _metric(source, "connected") == 1
        source.close()
        assert _metric(source, "connected") == 0


def test_a_restart_resumes_a_little_before_the_position(open_source: Open) -> None:
    with JetstreamServer() as server:
        server.publish(*map(_post, range(20)))
        position = {"cursor": START + 10 * SECOND + 2, "endpoint": server.url}
        source = open_source(server, position=position, rewind_s=3.0)
        batch = _events(source, 13)
        assert server.asked[0].cursor == START + 7 * SECOND + 2
        assert [event.id for event in batch.events] == _ids(*range(7, 20))
        assert _metric(source, "gaps_total") == 0


def test_an_empty_batch_keeps_the_position(open_source: Open) -> None:
    position = {"cursor": START, "endpoint": "elsewhere"}
    with JetstreamServer(scripts=[[Mute()]]) as server:
        source = open_source(server, position=position)
        assert source.next_batch() == Batch(position=position)


@pytest.mark.parametrize("at", [0, 1, 3, 40, 10_000])
def test_a_connection_that_breaks_inside_a_message_loses_nothing(
    open_source: Open, at: int
) -> None:
    with JetstreamServer() as server:
        server.publish(*map(_post, range(6)))
        server.scripts = [[Log(3), Cut(_post(3), at)]]
        source = open_source(server, position={"cursor": START, "endpoint": server.url})
        batch = _events(source, 6)
        assert {event.id for event in batch.events} == set(_ids(*range(6)))
        assert [what for what in server.fired if what.startswith("cut")]
        assert _reconnects(source, "dropped") == 1
        cursor = server.asked[1].cursor
        assert cursor is not None
        assert cursor <= START + 3 * SECOND


def test_messages_arrive_whole_from_single_bytes(open_source: Open) -> None:
    with JetstreamServer(split=1) as server:
        server.publish(*map(_post, range(3)))
        source = open_source(server, position={"cursor": START, "endpoint": server.url})
        assert [event.id for event in _events(source, 3).events] == _ids(0, 1, 2)


def test_a_polite_close_is_followed_by_the_next_endpoint(open_source: Open) -> None:
    with _two() as (first, second):
        for server in (first, second):
            server.publish(*map(_post, range(40)))
        first.scripts = [[Log(20), Step.CLOSE]]
        source = open_source(
            first, second, position={"cursor": START, "endpoint": first.url}, switch_rewind_s=10.0
        )
        batch = _events(source, 40)
        assert first.fired == ["close"]
        assert {event.id for event in batch.events} == set(_ids(*range(40)))
        assert second.asked[0].cursor == START + 19 * SECOND + 2 - 10 * SECOND
        assert batch.position == {"cursor": START + 39 * SECOND + 2, "endpoint": second.url}


def test_the_wider_margin_holds_until_the_new_endpoint_has_caught_up(open_source: Open) -> None:
    scripts = [[Log(3), Step.CLOSE], [Log(12), Step.CLOSE], [Step.LIVE]]
    with JetstreamServer(scripts=scripts) as server:  # type: ignore[arg-type]
        server.publish(*map(_post, range(40)))
        known = START + 29 * SECOND + 2
        position = {"cursor": known, "endpoint": "elsewhere"}
        source = open_source(server, position=position, rewind_s=3.0, switch_rewind_s=10.0)
        batch = _events(source, 21)
        assert [event.id for event in batch.events[-12:]] == _ids(*range(28, 40))
        assert server.fired == ["close", "close"]
        assert [asked.cursor for asked in server.asked] == [
            known - 10 * SECOND,
            known - 10 * SECOND,
            known + SECOND - 3 * SECOND,
        ]


def test_silence_is_noticed_and_the_next_endpoint_tried(open_source: Open) -> None:
    clock = FakeTime()
    with _two() as (first, second):
        first.scripts = [[Step.STALL]]
        second.publish(_post(0))
        source = open_source(
            first,
            second,
            position={"cursor": START, "endpoint": first.url},
            receive_timeout_s=30.0,
            monotonic=clock,
        )
        _until(source, lambda _: first.fired == ["stall"] and _metric(source, "connected") == 1)
        clock.now += 29
        source.next_batch()
        assert _metric(source, "connected") == 1
        clock.now += 2
        _until(source, lambda _: _metric(source, "connected") == 0)
        clock.now += 1
        assert [event.id for event in _events(source, 1).events] == _ids(0)
        assert _reconnects(source, "stalled") == 1


def test_an_endpoint_that_is_not_there_is_passed_over(open_source: Open) -> None:
    with JetstreamServer() as gone:
        pass
    with JetstreamServer() as server:
        server.publish(_post(0))
        source = open_source(gone.url, server, position={"cursor": START, "endpoint": ""})
        assert len(_events(source, 1).events) == 1
        assert _reconnects(source, "refused") >= 1


@pytest.mark.parametrize(
    ("status", "cause"), [(503, "unavailable"), (429, "limited"), (404, "refused")]
)
def test_a_refused_handshake_is_tried_again(open_source: Open, status: int, cause: str) -> None:
    with JetstreamServer(scripts=[[Refuse(status)], [Refuse(status)]]) as server:
        server.publish(_post(0))
        source = open_source(server, position={"cursor": START, "endpoint": ""})
        assert len(_events(source, 1).events) == 1
        assert server.fired == [f"refuse {status}"] * 2
        assert _reconnects(source, cause) == 2


def test_endpoints_that_all_refuse_for_good_need_a_person(open_source: Open) -> None:
    with JetstreamServer(scripts=[[Refuse(404)]] * 10) as server:
        source = open_source(server)
        with pytest.raises(SourceError, match=r"404.*TOCSIN_INGEST_BLUESKY_URLS"):
            _events(source, 1)
        assert server.fired == ["refuse 404"] * 3


def test_a_handshake_that_never_ends_does_not_hold_next_batch(open_source: Open) -> None:
    with JetstreamServer(scripts=[[Mute()]]) as server:
        server.publish(_post(0))
        source = open_source(
            server, position={"cursor": START, "endpoint": ""}, connect_timeout_s=1.5
        )
        assert not source.next_batch().events, "it returns while the attempt goes on"
        assert len(server.asked) == 1
        assert len(_events(source, 1).events) == 1
        assert server.fired == ["mute"]
        assert _reconnects(source, "refused") == 1


def test_nothing_is_asked_before_the_back_off_is_over(open_source: Open) -> None:
    clock = FakeTime()
    with JetstreamServer(scripts=[[Step.RESET]]) as server:
        server.publish(_post(0))
        source = open_source(
            server,
            position={"cursor": START, "endpoint": ""},
            retry_first_s=100.0,
            retry_most_s=100.0,
            random=lambda: 1.0,
            monotonic=clock,
        )
        _until(source, lambda _: server.fired == ["reset"] and _metric(source, "connected") == 0)
        clock.now += 98.9
        source.next_batch()
        assert len(server.asked) == 1
        clock.now += 1.2
        assert len(_events(source, 1).events) == 1


def test_history_that_the_endpoint_no_longer_has_is_a_gap(open_source: Open) -> None:
    with JetstreamServer(history=5) as server:
        server.publish(*map(_post, range(1_000)))
        position = {"cursor": START + 100 * SECOND + 2, "endpoint": server.url}
        source = open_source(server, position=position)
        batch = _events(source, 5)
        assert server.fired == ["history lost"]
        assert [event.id for event in batch.events] == _ids(*range(995, 1_000))
        assert _metric(source, "gaps_total") == 1
        assert _metric(source, "gap_seconds_total") == 895


def test_a_cursor_is_never_in_the_future(open_source: Open) -> None:
    """An endpoint whose clock is ahead: believing it would mean live tail, and a gap."""
    ahead = microseconds(NOW) + 3600 * SECOND
    with JetstreamServer(scripts=[[Log(1), Step.RESET]]) as server:
        server.publish(post(DID, "3k", tid(START), ahead, "x"))
        source = open_source(server, position={"cursor": START, "endpoint": server.url})
        batch = _until(source, lambda _: len(server.asked) == 2)
        assert server.fired == ["reset"]
        assert batch.position == {"cursor": microseconds(NOW), "endpoint": server.url}
        assert server.asked[1].cursor == microseconds(NOW) - 3 * SECOND


def test_duplicates_are_equal(open_source: Open) -> None:
    with JetstreamServer(repeat=2) as server:
        server.publish(*map(_post, range(3)))
        source = open_source(server, position={"cursor": START, "endpoint": server.url})
        batch = _until(source, lambda batch: len(batch.events) == 6)
        assert server.sent == 6
        assert [event.id for event in batch.events] == _ids(0, 0, 1, 1, 2, 2)
        assert batch.events[0] == batch.events[1]


@pytest.mark.parametrize("payload", [b"{", b"\xff\xff", b'{"time_us": "soon"}', b""])
@pytest.mark.parametrize("text", [True, False])
def test_garbage_is_handed_over_and_does_not_end_the_stream(
    open_source: Open, payload: bytes, text: bool
) -> None:
    with JetstreamServer(scripts=[[Log(1), Raw(payload, text), Step.LIVE]]) as server:
        server.publish(_post(0), _post(1))
        source = open_source(server, position={"cursor": START, "endpoint": server.url})
        batch = _events(source, 2)
        assert server.fired == ["raw"]
        assert [item.payload for item in batch.unreadable] == [payload]
        assert [event.id for event in batch.events] == _ids(0, 1)
        assert len(server.asked) == 1


def test_an_account_that_is_deleted(open_source: Open) -> None:
    with JetstreamServer() as server:
        server.publish(_post(0), account(DID, START + SECOND, active=False, status="deleted"))
        source = open_source(server, position={"cursor": START, "endpoint": server.url})
        batch = _events(source, 2)
        assert [event.op for event in batch.events] == ["upsert", "erase_author"]
        assert batch.events[1].version > batch.events[0].version


def test_a_batch_is_bounded(open_source: Open) -> None:
    with JetstreamServer() as server:
        server.publish(*map(_post, range(120)))
        source = open_source(
            server, position={"cursor": START, "endpoint": server.url}, batch_events=50
        )
        sizes: list[int] = []
        while sum(sizes) < 120:
            sizes.append(len(source.next_batch().events))
        assert max(sizes) <= 50


def test_what_is_not_kept_moves_the_position(open_source: Open) -> None:
    with JetstreamServer() as server:
        server.publish(*map(_post, range(4)))
        source = open_source(
            server,
            position={"cursor": START, "endpoint": server.url},
            keep=lambda event: event.id == _ids(1)[0],
        )
        end = START + 3 * SECOND + 2
        batch = _until(source, lambda batch: (batch.position or {}).get("cursor") == end)
        assert [event.id for event in batch.events] == _ids(1)


def test_while_nobody_asks_nothing_is_read_beyond_the_buffers(open_source: Open) -> None:
    total = 1_500
    with JetstreamServer(deflate=False) as server:
        source = open_source(server)
        source.next_batch()
        server.wait_asked(1)
        server.publish(*(_post(number, text="x" * 20_000) for number in range(total)))
        assert server.blocked.wait(30), "the server could send everything"
        assert server.sent < total
        batch = _events(source, total)
        assert [event.id for event in batch.events] == _ids(*range(total))
        assert len(server.asked) == 1


# --- compression -----------------------------------------------------------------------------

Samples = list[bytes | bytearray | memoryview]


@pytest.fixture(scope="module")
def dictionary() -> bytes:
    samples: Samples = [
        json.dumps(_post(n, text=f"text {n * 37 % 101}")).encode() for n in range(600)
    ]
    return zstandard.train_dictionary(4_096, samples).as_bytes()


def test_zstd_with_a_dictionary(open_source: Open, dictionary: bytes, tmp_path: Path) -> None:
    path = tmp_path / "zstd_dictionary"
    path.write_bytes(dictionary)
    with JetstreamServer(dictionary=dictionary) as server:
        server.publish(*map(_post, range(5)))
        position = {"cursor": START, "endpoint": server.url}
        source = open_source(server, position=position, zstd_dictionary=path)
        assert [event.id for event in _events(source, 5).events] == _ids(*range(5))
        assert server.asked[0].query["compress"] == ["true"]
        assert server.asked[0].extensions is None, "both compressions at once are refused"


def test_another_dictionary_needs_a_person(
    open_source: Open, dictionary: bytes, tmp_path: Path
) -> None:
    samples: Samples = [f"{n} something else altogether {n * n}".encode() * 5 for n in range(600)]
    path = tmp_path / "zstd_dictionary"
    path.write_bytes(zstandard.train_dictionary(4_096, samples, dict_id=7).as_bytes())
    with JetstreamServer(dictionary=dictionary) as server:
        server.publish(_post(0))
        position = {"cursor": START, "endpoint": server.url}
        source = open_source(server, position=position, zstd_dictionary=path)
        with pytest.raises(SourceError, match="BLUESKY_ZSTD_DICTIONARY"):
            _events(source, 1)


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
        server.publish(_post(0))
        position = {"cursor": START, "endpoint": server.url}
        source = open_source(server, position=position, zstd_dictionary=path)
        batch = _events(source, 1)
        assert server.fired == ["raw"] * 3
        assert [item.payload for item in batch.unreadable] == [bomb, unsized, torn]


# --- mistakes of people ----------------------------------------------------------------------


@pytest.mark.parametrize("urls", [[], [""], ["https://example.com"], ["wss://"], ["jetstream"]])
def test_wrong_urls(urls: list[str]) -> None:
    with (
        closing(BlueskySource(urls)) as source,
        pytest.raises(SourceError, match="TOCSIN_INGEST_BLUESKY_URLS"),
    ):
        source.open(None)


def test_a_missing_dictionary(tmp_path: Path) -> None:
    source = BlueskySource(["ws://127.0.0.1:1/subscribe"], zstd_dictionary=tmp_path / "none")
    with pytest.raises(SourceError, match="BLUESKY_ZSTD_DICTIONARY"):
        source.open(None)


@pytest.mark.parametrize("position", [{}, {"cursor": "7"}, {"cursor": -1}, {"cursor": True}])
def test_a_checkpoint_that_is_none(position: Position) -> None:
    source = BlueskySource(["ws://127.0.0.1:1/subscribe"])
    with pytest.raises(SourceError, match="checkpoint"):
        source.open(position)
