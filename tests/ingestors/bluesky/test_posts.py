"""The mapping of Bluesky's posts, also on hostile input."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestors.bluesky.posts import map_message, map_record, read_message
from schemas.bounds import MAX_TEXT
from schemas.ids import EPOCH
from schemas.post import Author, Media, Post, PostDelete, PostErasure, PostUpsert
from tests.ingestors.bluesky.bluesky_feed import (
    DID,
    NOW,
    OTHER,
    SECOND,
    START,
    post_of,
    read,
    read_event,
    record_of,
    uri_of,
)
from tests.ingestors.hostile_json import JSON, TEXT, bounded_post, some_examples
from tests.servers.jetstream import Event, account, commit, identity, post, tid


def test_a_post() -> None:
    event = read_event(post_of(0, createdAt="2026-01-02T02:04:00.123Z", langs=["en-GB", "fr"]))
    id_ = f"bluesky:{DID}/{tid(START)}"
    assert event == PostUpsert(
        id=id_,
        source="bluesky",
        version=START + 1,
        ingested_at=NOW,
        post=Post(
            id=id_,
            source="bluesky",
            author=Author(id=DID),
            text="hello",
            created_at=NOW.replace(hour=2, second=0, microsecond=123_000),
            url=f"https://bsky.app/profile/{DID}/post/{tid(START)}",
            language="en-GB",
        ),
    )


def test_the_version_is_the_same_on_every_endpoint() -> None:
    here = read_event(post(DID, tid(START), tid(START + 5), START + 10, "x"))
    there = read_event(post(DID, tid(START), tid(START + 5), START + 999_999, "x"))
    assert here.version == there.version == START + 5


@pytest.mark.parametrize("rev", [None, 7, "", "not a tid", tid(START + 25 * 3600 * SECOND)])
def test_a_rev_that_cannot_be_is_replaced_by_the_time(rev: Any) -> None:
    assert read_event(post(DID, tid(START), rev, START, "x")).version == START


def test_an_update_has_a_higher_version_and_the_same_id() -> None:
    record = {"text": "edited"}
    created = read_event(post_of(0))
    updated = read_event(commit("update", DID, tid(START), tid(START + 99), START + 99, record))
    assert updated.id == created.id
    assert updated.version > created.version


def test_a_delete_knows_when_its_post_was_published() -> None:
    event = read_event(commit("delete", DID, tid(START), tid(START + 77), START + 80))
    assert event == PostDelete(
        id=f"bluesky:{DID}/{tid(START)}",
        source="bluesky",
        version=START + 77,
        ingested_at=NOW,
        created_at=EPOCH + timedelta(microseconds=START),
    )


def test_a_delete_of_a_made_up_key_does_not_know() -> None:
    assert read_event(commit("delete", DID, "self", tid(START), START)).created_at is None


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
def test_only_final_states_erase(status: str | None, active: bool, erased: bool) -> None:
    event = read(account(DID, START, active=active, status=status))
    erasure = PostErasure(
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
    event = read_event(post(DID, rkey, tid(START), START + 9, "x", createdAt=created_at))
    assert bounded_post(event).created_at == expected


def test_an_unbelievable_date_is_kept_beside_the_time_of_reading() -> None:
    post_ = record_of(createdAt="2999-01-01T00:00:00Z")
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
    post_ = record_of(text=text, facets=facets, tags=["aside", "Käse"])
    assert post_.mentions == ["alice.bsky.social", OTHER]
    assert post_.hashtags == ["Käse", "aside"]
    assert post_.links == ["https://example.com/long"]


@pytest.mark.parametrize(
    "index", [{}, {"byteStart": -5, "byteEnd": 3}, {"byteStart": 0, "byteEnd": 10**9}, "x", None]
)
def test_a_mention_with_wrong_offsets_is_still_one(index: Any) -> None:
    feature = {"$type": "app.bsky.richtext.facet#mention", "did": OTHER}
    facets = [{"index": index, "features": [feature]}]
    assert record_of(text="@alice.bsky.social", facets=facets).mentions == [OTHER]


def test_replies_and_quotes() -> None:
    post_ = record_of(
        reply={"parent": {"uri": uri_of()}, "root": {"uri": uri_of(DID)}},
        embed={"$type": "app.bsky.embed.record", "record": {"uri": uri_of()}},
    )
    assert post_.reply_to == post_.quote_of == f"bluesky:{OTHER}/3kabc"
    assert post_.kind == "quote"


@pytest.mark.parametrize(
    "uri",
    [
        None,
        7,
        "",
        "https://example.com",
        uri_of("alice.example"),
        uri_of(collection="app.bsky.graph.list"),
        f"at://{OTHER}/app.bsky.feed.post/",
        f"at://{OTHER}/app.bsky.feed.post/a/b",
    ],
)
def test_only_posts_are_quoted(uri: Any) -> None:
    embed = {"$type": "app.bsky.embed.record", "record": {"uri": uri}}
    assert record_of(embed=embed).quote_of is None


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
    assert record_of(embed=IMAGES).media == PHOTOS


def test_a_quote_with_media() -> None:
    record = {"$type": "app.bsky.embed.record", "record": {"uri": uri_of()}}
    post_ = record_of(
        embed={"$type": "app.bsky.embed.recordWithMedia", "record": record, "media": IMAGES}
    )
    assert post_.quote_of == f"bluesky:{OTHER}/3kabc"
    assert post_.media == PHOTOS


def test_a_video_and_an_external_link() -> None:
    video = {"$type": "app.bsky.embed.video", "alt": "a dog", "video": {}}
    assert record_of(embed=video).media == [Media(type="video", alt="a dog")]
    external = {"uri": "https://example.com/a", "title": "News", "description": "d"}
    post_ = record_of(embed={"$type": "app.bsky.embed.external", "external": external})
    assert post_.links == ["https://example.com/a"]
    assert post_.media == [Media(type="link", url="https://example.com/a", alt="News")]


# --- whatever comes, nothing breaks, and everything is bounded ----------------------------------


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
        json.dumps({**post_of(0), "did": "did:plc:../.."}).encode(),
        json.dumps({**post_of(0), "time_us": 10**30}).encode(),
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
    payload = json.dumps(post_of(0, text="a\ud800b"), ensure_ascii=True).encode()
    assert bounded_post(read_message(payload, NOW).event).text == "a\N{REPLACEMENT CHARACTER}b"


@some_examples
@given(JSON)
def test_any_json_is_survived(value: Any) -> None:
    message = map_message(value, NOW)
    assert message.event is None or read(value) is not None


TYPES = st.sampled_from(
    [f"app.bsky.embed.{k}" for k in ("images", "video", "external", "record", "recordWithMedia")]
    + [f"app.bsky.richtext.facet#{k}" for k in ("mention", "tag", "link")]
)
KEYS = st.sampled_from(
    ["alt", "byteEnd", "byteStart", "did", "external", "facets", "features", "image", "images"]
    + ["index", "media", "parent", "record", "ref", "reply", "tag", "title", "uri", "$link"]
)
HOSTILE = st.recursive(
    st.none() | st.integers(-5, 300) | TEXT | st.just(uri_of()) | st.just(DID),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.builds(lambda kind, rest: {"$type": kind, **rest}, TYPES, st.dictionaries(KEYS, inner))
    ),
    max_leaves=12,
)


@some_examples
@given(
    TEXT,
    st.dictionaries(
        st.sampled_from(["createdAt", "embed", "facets", "langs", "reply", "tags", "$type"]),
        HOSTILE,
    ),
    st.from_regex(r"[A-Za-z0-9._:~-]{1,512}", fullmatch=True),
)
def test_hostile_records_become_bounded_posts(text: str, record: Any, rkey: str) -> None:
    post_ = map_record({**record, "text": text}, DID, rkey, NOW, NOW)
    event = read_event(post(DID, rkey, tid(START), START, text, **record))
    assert bounded_post(event).id == post_.id


def test_lists_without_end_are_cut() -> None:
    feature = {"$type": "app.bsky.richtext.facet#tag", "tag": "t" * 10_000}
    event = read_event(
        post_of(
            0,
            text="x" * (MAX_TEXT + 1),
            facets=[{"features": [{**feature, "tag": f"{n}"} for n in range(5_000)]}],
            tags=["t" * 10_000],
        )
    )
    assert bounded_post(event).truncated
