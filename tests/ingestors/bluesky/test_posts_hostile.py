"""Bluesky's posts as events: whatever comes, nothing breaks, and everything is bounded."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestors.bluesky.posts import map_message, map_record, read_message
from schemas.bounds import MAX_TEXT
from tests.ingestors.bluesky.bluesky_feed import DID, NOW, START, post_of, read, uri_of
from tests.ingestors.hostile_json import JSON, TEXT, bounded_post, some_examples
from tests.servers.jetstream import commit, post, tid


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
    found = map_record({**record, "text": text}, DID, rkey, NOW, NOW)
    event = read(post(DID, rkey, tid(START), START, text, **record))
    assert bounded_post(event).id == found.id


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
    assert bounded_post(event).truncated
