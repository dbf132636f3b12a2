"""The mapping of Bluesky's posts, also on hostile input."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestors.bluesky.posts import MAX_REV_AHEAD_US, map_message, map_record, read_message
from schemas.bounds import MAX_TEXT
from schemas.ids import EPOCH, microseconds
from schemas.post import Media, PostUpsert
from tests import make
from tests.ingestors.bluesky.bluesky_feed import (
    DID,
    NOW,
    OTHER,
    SECOND,
    START,
    ids,
    post_of,
    read,
    read_event,
    record_of,
    uri_of,
)
from tests.ingestors.hostile_json import JSON, TEXT, bounded_post, some_examples
from tests.servers.jetstream import Event, account, commit, identity, post, tid

AT_START = EPOCH + timedelta(microseconds=START)
EMBED = "app.bsky.embed"
QUOTE = {"$type": f"{EMBED}.record", "record": {"uri": uri_of()}}
PAGE = "https://example.com/a"


def test_a_post() -> None:
    event = read_event(post_of(0, createdAt="2026-01-02T02:04:00.123Z", langs=["en-GB", "fr"]))
    expected = make.post(
        "hello",
        author=DID,
        id=ids(0)[0],
        created_at=NOW.replace(hour=2, second=0, microsecond=123_000),
        url=f"https://bsky.app/profile/{DID}/post/{tid(START)}",
        language="en-GB",
    )
    assert event == make.upsert(expected, START + 1, NOW)


@pytest.mark.parametrize("time_us", [START + 10, START + 999_999])
def test_the_version_is_the_same_on_every_endpoint(time_us: int) -> None:
    assert read_event(post(DID, tid(START), tid(START + 5), time_us, "x")).version == START + 5


@pytest.mark.parametrize("rev", [None, 7, "", "not a tid"])
def test_a_rev_that_cannot_be_is_replaced_by_the_time(rev: Any) -> None:
    assert read_event(post(DID, tid(START), rev, START, "x")).version == START


@pytest.mark.parametrize("ahead_s", [1, 2, 3600, 23 * 3600, 26 * 3600])
def test_a_rev_ahead_outlives_neither_the_deletion_nor_the_erasure(ahead_s: int) -> None:
    rev = tid(START + ahead_s * SECOND)
    created = read_event(post(DID, tid(START), rev, START, "x"))
    assert created.version <= START + MAX_REV_AHEAD_US
    later: list[Any] = [rev, tid(START), None, tid(START + 30 * 3600 * SECOND)]
    for later_rev in later:
        deleted = read_event(commit("delete", DID, tid(START), later_rev, START + 1))
        assert deleted.version >= created.version
    erased = read_event(account(DID, START + 1, active=False, status="deleted"))
    assert erased.version >= created.version


def test_a_server_whose_clock_is_ahead_makes_no_version_ahead() -> None:
    ahead = START + 10 * 3600 * SECOND
    now_us = microseconds(NOW)
    for event in (
        post(DID, tid(START), tid(ahead), ahead, "x"),
        commit("delete", DID, tid(START), tid(ahead), ahead),
        account(DID, ahead, active=False, status="deleted"),
    ):
        assert read_event(event).version == now_us + MAX_REV_AHEAD_US


def test_the_date_of_a_live_post_is_never_after_its_reading() -> None:
    ahead = record_of(createdAt=(NOW + timedelta(hours=23)).isoformat())
    assert (ahead.created_at, ahead.claimed_at) == (NOW, NOW + timedelta(hours=23))
    a_little = record_of(createdAt=(NOW + timedelta(seconds=5)).isoformat())
    assert (a_little.created_at, a_little.claimed_at) == (NOW, None)


def test_an_update_has_a_higher_version_and_the_same_id() -> None:
    record = {"text": "edited"}
    created = read_event(post_of(0))
    updated = read_event(commit("update", DID, tid(START), tid(START + 99), START + 99, record))
    assert updated.id == created.id
    assert updated.version > created.version
    assert isinstance(updated, PostUpsert)
    assert updated.post.edited_at == EPOCH + timedelta(microseconds=START + 99)
    assert isinstance(created, PostUpsert)
    assert created.post.edited_at is None


def test_a_delete_knows_when_its_post_was_published() -> None:
    event = read_event(commit("delete", DID, tid(START), tid(START + 77), START + 80))
    assert event == make.delete(ids(0)[0], START + 80 + MAX_REV_AHEAD_US, AT_START)
    # A made-up key holds no time.
    assert read_event(commit("delete", DID, "self", tid(START), START)).created_at is None


@pytest.mark.parametrize("active", [True, False])
@pytest.mark.parametrize(
    "status",
    ["deleted", "takendown", "suspended", "deactivated", "throttled", "desynchronized", None],
)
def test_only_final_states_erase(status: str | None, active: bool) -> None:
    erased = status in ("deleted", "takendown") and not active
    event = read(account(DID, START, active=active, status=status))
    assert event == (make.erase(DID, START + MAX_REV_AHEAD_US, "bluesky") if erased else None)


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
        ("yesterday", tid(START), AT_START),
        ("2026-01-02T01:00:00", tid(START), AT_START),
        ("0001-01-01T00:00:00+14:00", tid(START), AT_START),
        (7, tid(START), AT_START),
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
    reply = {"parent": {"uri": uri_of()}, "root": {"uri": uri_of(DID)}}
    post_ = record_of(reply=reply, embed=QUOTE)
    assert post_.reply_to == post_.quote_of == f"bluesky:{OTHER}/3kabc"
    assert post_.thread == f"bluesky:{DID}/3kabc"
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
    assert record_of(embed={**QUOTE, "record": {"uri": uri}}).quote_of is None


CID = "bafkreidwaivazkwu67xztlmuobx35hs2lnfh3kolmgfmucldvhd3sgzcqi"
IMAGES = {
    "$type": f"{EMBED}.images",
    "images": [
        {"alt": "a cat", "image": {"$type": "blob", "ref": {"$link": CID}}},
        {"alt": "", "image": {"$type": "blob", "ref": {"$link": "../../etc"}}},
    ],
}
PHOTO = f"https://cdn.bsky.app/img/feed_fullsize/plain/{DID}/{CID}@jpeg"
PHOTOS = [Media(type="photo", url=PHOTO, alt="a cat"), Media(type="photo")]


@pytest.mark.parametrize(
    ("embed", "media", "fields"),
    [
        (IMAGES, PHOTOS, {}),
        (
            {"$type": f"{EMBED}.recordWithMedia", "record": QUOTE, "media": IMAGES},
            PHOTOS,
            {"quote_of": f"bluesky:{OTHER}/3kabc"},
        ),
        (
            {"$type": f"{EMBED}.video", "alt": "a dog", "video": {}},
            [Media(type="video", alt="a dog")],
            {},
        ),
        (
            {"$type": f"{EMBED}.external", "external": {"uri": PAGE, "title": "News"}},
            [Media(type="link", url=PAGE, alt="News")],
            {"links": [PAGE]},
        ),
    ],
)
def test_embeds(embed: Event, media: list[Media], fields: dict[str, Any]) -> None:
    post_ = record_of(embed=embed)
    assert post_.media == media
    assert {name: getattr(post_, name) for name in fields} == fields


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
    [f"{EMBED}.{k}" for k in ("images", "video", "external", "record", "recordWithMedia")]
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
    feature = {"$type": "app.bsky.richtext.facet#tag"}
    facets = [{"features": [{**feature, "tag": f"{n}"} for n in range(5_000)]}]
    text = "x" * (MAX_TEXT + 1)
    assert record_of(text=text, facets=facets, tags=["t" * 10_000]).truncated
