"""Bluesky's posts as events: whatever comes, nothing breaks, and everything is bounded."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestors.bluesky.posts import map_message, map_record, read_message
from schemas.bounds import MAX_ITEMS, MAX_SHORT, MAX_TEXT
from schemas.codec import POST_EVENT
from schemas.post import PostEvent, PostUpsert
from tests.ingestors.bluesky.bluesky_feed import DID, NOW, START, post_of, read, uri_of
from tests.ingestors.hostile_json import JSON, TEXT
from tests.servers.jetstream import commit, post, tid

some_examples = settings(max_examples=60)


def _assert_bounded(event: PostEvent) -> None:
    assert POST_EVENT.decode(POST_EVENT.encode(event)).id == event.id
    assert len(event.id.encode()) <= 512
    if not isinstance(event, PostUpsert):
        return
    found = event.post
    assert len(found.text) <= MAX_TEXT
    lists = [found.mentions, found.hashtags, found.links, [m.alt or "" for m in found.media]]
    assert all(len(items) <= MAX_ITEMS for items in lists)
    assert all(len(item) <= MAX_SHORT for items in lists for item in items)


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
    event = read_message(payload, NOW).event
    assert event is not None
    assert isinstance(event, PostUpsert)
    assert event.post.text == "a\N{REPLACEMENT CHARACTER}b"


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
    found = map_record({**record, "text": text}, DID, rkey, NOW, NOW)
    event = read(post(DID, rkey, tid(START), START, text, **record))
    assert event is not None
    assert isinstance(event, PostUpsert)
    assert event.post.id == found.id
    _assert_bounded(event)


def test_lists_without_end_are_cut() -> None:
    feature = {"$type": "app.bsky.richtext.facet#tag", "tag": "t" * 10_000}
    event = read(
        post_of(
            0,
            text="x" * (MAX_TEXT + 1),
            facets=[{"features": [{**feature, "tag": f"{n}"} for n in range(5_000)]}],
            tags=["t" * 10_000],
        )
    )
    assert event is not None
    _assert_bounded(event)
    assert isinstance(event, PostUpsert)
    assert event.post.truncated
