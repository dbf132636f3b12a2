"""One line of JSON becomes a post or an error."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestors.files.cells import NotAPost, Tally
from ingestors.files.post_line import read_post_line
from schemas.bounds import MAX_ITEMS, MAX_SHORT, MAX_TEXT
from schemas.codec import POST_EVENT
from schemas.ids import microseconds
from schemas.post import PostUpsert
from tests import make
from tests.ingestors.hostile_json import json_with

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def read(**fields: Any) -> PostUpsert:
    line = json.dumps({"id": "1", "text": "hello", **fields}).encode()
    event = read_post_line(line, NOW, "file")
    assert isinstance(event, PostUpsert)
    return event


def test_id_and_text_are_enough() -> None:
    event = read()
    assert (event.id, event.source, event.op) == ("file:1", "file", "upsert")
    assert event.post.created_at == event.ingested_at == NOW
    assert event.version == microseconds(NOW)
    assert event.post.author.id == "unknown-file:1", "posts without author do not share one"


@pytest.mark.parametrize(
    "written",
    [
        "2026-03-01T10:00:00Z",
        "2026-03-01T11:00:00+01:00",
        "2026-03-01T10:00:00",
        "2026-03-01 10:00:00",
        1772359200,
        1772359200.0,
        1772359200000,
    ],
)
def test_times_are_read_as_files_write_them(written: Any) -> None:
    post = read(created_at=written).post
    assert post.created_at == datetime(2026, 3, 1, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("author", "id_", "handle"),
    [
        ("@renard", "@renard", "renard"),
        (17, "17", None),
        ({"handle": "@renard"}, "renard", "renard"),
        ({"id": 17, "handle": "renard"}, "17", "renard"),
        ({"name": "R."}, "R.", None),
    ],
)
def test_authors_are_read_as_files_write_them(author: Any, id_: str, handle: str | None) -> None:
    post = read(author=author).post
    assert (post.author.id, post.author.handle) == (id_, handle)


def test_ids_that_carry_their_source_keep_it_once() -> None:
    event = read(id="x:99", source="x", reply_to="98", quote_of="x:97")
    assert event.id == "x:99"
    assert (event.post.reply_to, event.post.quote_of) == ("x:98", "x:97")


@pytest.mark.parametrize("id_", ["x:1.37014E+18", "1.37014E+18", " x:1,37014E+18 ", "x:N/A"])
def test_a_rounded_id_is_refused_behind_its_source_too(id_: str) -> None:
    line = json.dumps({"id": id_, "source": "x", "text": "a"}).encode()
    with pytest.raises(NotAPost, match=r"was rounded|is empty"):
        read_post_line(line, NOW, "file")


def test_a_rounded_id_of_an_author_or_of_another_post_costs_only_itself() -> None:
    tally = Tally()
    ids = {"reply_to": "1.3E+18", "repost_of": "x:1.3E+18", "quote_of": "1,3E+18"}
    post = {"id": "1", "source": "x", "text": "a", "author": {"id": "7.8E+17", "handle": "ana"}}
    event = read_post_line(json.dumps(post | ids).encode(), NOW, "file", tally)
    assert isinstance(event, PostUpsert)
    assert (event.post.kind, event.post.author.id) == ("original", "ana")
    alone = read_post_line(json.dumps(post | {"author": "7.8E+17"}).encode(), NOW, "file", tally)
    assert isinstance(alone, PostUpsert)
    assert alone.post.author.id == "unknown-x:1"
    assert tally.counts == {"author.id": 2, "reply_to": 1, "repost_of": 1, "quote_of": 1}


def test_version_is_the_edit_where_there_is_one() -> None:
    event = read(created_at="2026-03-01T10:00:00Z", edited_at="2026-03-01T10:05:00Z")
    assert event.version == microseconds(datetime(2026, 3, 1, 10, 5, tzinfo=UTC))


def test_an_unbelievable_time_is_kept_beside() -> None:
    event = read(created_at="2999-01-01T00:00:00Z")
    assert event.post.created_at == NOW
    assert event.post.claimed_at == datetime(2999, 1, 1, tzinfo=UTC)
    assert event.version == microseconds(NOW)


def test_markup_of_the_text_fills_absent_fields() -> None:
    text = "@velmora is down #VelmoraDown https://example.com/a#b"
    inferred = read(text=text).post
    given = read(text=text, mentions=[], hashtags=["x"], links=[]).post
    assert inferred.mentions == ["velmora"]
    assert inferred.hashtags == ["VelmoraDown"]
    assert inferred.links == ["https://example.com/a#b"]
    assert (given.mentions, given.hashtags, given.links) == ([], ["x"], [])


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"[]", "needs id and text"),
        (b'{"id":"1"}', "text"),
        (b'{"text":"a"}', "id"),
        (b'{"id":"","text":"a"}', "id of the post is empty"),
        (b'{"id":"1","text":3}', "text"),
        (b'{"id":"1","text":"a","created_at":"soon"}', "created_at"),
        (b'{"id":"1","text":"a","created_at":1e300}', "calendar"),
        (b'{"id":"1","text":"a","source":"a:b"}', "source"),
        (b'{"op":"upsert","id":"x:1"}', "PostEvent"),
        (b'{"op":"upsert"', "not JSON"),
        (b"[" * 9_000, "nested too deep"),
        (b"[" * 100_000, "more than 10000 values"),
    ],
)
def test_a_bad_line_says_why(line: bytes, message: str) -> None:
    with pytest.raises(NotAPost, match=message):
        read_post_line(line, NOW, "file")


def test_own_format_is_read_as_it_is() -> None:
    event = read(created_at="2026-03-01T10:00:00Z", labels={"brand": "velmora"})
    later = NOW + timedelta(hours=1)
    again = read_post_line(POST_EVENT.encode(event), later, "other")
    assert again.post == event.post
    assert (again.version, again.ingested_at) == (event.version, later)
    delete = read_post_line(POST_EVENT.encode(make.delete("x:1", 7)), NOW, "file")
    assert (delete.op, delete.id, delete.version, delete.ingested_at) == ("delete", "x:1", 7, NOW)


def test_the_word_op_in_a_post_changes_nothing() -> None:
    assert read(text='he said "op"', labels={"what": "op"}).op == "upsert"
    assert read(op=None).op == "upsert"


def test_labels_become_text() -> None:
    post = read(labels={"a": 1, "b": True, "c": None, "d": "x"}).post
    assert post.labels == {"a": "1", "b": "true", "d": "x"}


def test_bounds_hold_whichever_way_a_post_is_read() -> None:
    post = read(
        text="a" * (MAX_TEXT + 1),
        title="t" * 5000,
        hashtags=[str(n) for n in range(500)],
        place="a\x00b",
    ).post
    assert post.truncated and len(post.text) == MAX_TEXT
    assert post.title is not None and len(post.title) == MAX_SHORT
    assert len(post.hashtags) == MAX_ITEMS
    assert post.place == "a\N{REPLACEMENT CHARACTER}b"
    short = read(
        text="a\x00", language="l" * 99, country="fra", labels={str(n): "1" for n in range(150)}
    ).post
    assert short.text == "a\N{REPLACEMENT CHARACTER}"
    assert short.language is not None and len(short.language) == 35
    assert short.country == "FR"
    assert len(short.labels) == MAX_ITEMS


JSON = json_with(st.sampled_from(["id", "text", "handle", "a"]))
FIELDS = ["id", "text", "created_at", "edited_at", "author", "source", "labels", "op", "hashtags",
          "media", "metrics", "reply_to", "language", "truncated"]  # fmt: skip


@given(
    st.binary(max_size=200)
    | st.dictionaries(st.sampled_from(FIELDS), JSON).map(lambda row: json.dumps(row).encode())
    | st.fixed_dictionaries(
        {"id": st.text(min_size=1) | st.integers(), "text": st.text()},
        optional={"created_at": st.integers() | st.floats() | st.datetimes().map(str),
                  "author": st.text(), "source": st.text(), "links": st.lists(st.text())},
    ).map(lambda row: json.dumps(row).encode())
)  # fmt: skip
def test_any_line_is_a_valid_event_or_not_a_post(line: bytes) -> None:
    try:
        event = read_post_line(line, NOW, "file")
    except NotAPost as error:
        assert str(error)
    else:
        assert POST_EVENT.decode(POST_EVENT.encode(event)) == event
