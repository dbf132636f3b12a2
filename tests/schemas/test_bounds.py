"""Hostile posts come out harmless, and ugly but honest ones come out as they were."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.bounds import (
    EARLIEST,
    FUTURE,
    MAX_ITEMS,
    MAX_SHORT,
    MAX_TEXT,
    REPLACEMENT,
    bound_post,
    clean_text,
    plausible,
)
from schemas.codec import POST_EVENT
from schemas.post import Author, Media, Post, PostUpsert
from tests.strategies import ANY_TEXT, HOSTILE_POSTS

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Bounded:
    """A post that went through, and what came of writing and reading it."""

    post: Post
    size: int


def through(post: Post) -> Bounded:
    """Bound a post, write it and read it again, as it travels."""
    bounded = bound_post(post, NOW)
    event = PostUpsert(
        id=bounded.id,
        source=bounded.source,
        version=0,
        ingested_at=NOW,
        post=bounded,
    )
    data = POST_EVENT.encode(event)
    assert POST_EVENT.decode(data) == event
    return Bounded(bounded, len(data))


def post(**fields: object) -> Post:
    given_fields = {
        "id": "file:1",
        "source": "file",
        "author": Author(id="1"),
        "text": "hello",
        "created_at": NOW,
        **fields,
    }
    return Post(**given_fields)  # type: ignore[arg-type]


@given(HOSTILE_POSTS)
@settings(max_examples=150)
def test_a_hostile_post_can_always_be_written_and_read(hostile: Post) -> None:
    found = through(hostile).post
    assert len(found.text) <= MAX_TEXT
    assert plausible(found.created_at, NOW)
    assert found.edited_at is None or plausible(found.edited_at, NOW)
    for items in (found.mentions, found.hashtags, found.links, found.media, found.labels):
        assert len(items) <= MAX_ITEMS
    shorts = [found.title, found.url, found.place, found.author.name, *found.mentions]
    assert all(len(short) <= MAX_SHORT for short in shorts if short is not None)


@given(HOSTILE_POSTS)
def test_bounding_twice_changes_nothing_more(hostile: Post) -> None:
    once = bound_post(hostile, NOW)
    assert bound_post(once, NOW) == msgspec.structs.replace(once)


@given(ANY_TEXT)
def test_offsets_stay_true(text: str) -> None:
    cleaned = clean_text(text)
    assert len(cleaned) == len(text)
    for before, after in zip(text, cleaned, strict=True):
        held = before != "\x00" and not "\ud800" <= before <= "\udfff"
        assert after == (before if held else REPLACEMENT)
    found = bound_post(post(text=text), NOW)
    assert (found.text, found.truncated) == (cleaned, False)


@pytest.mark.parametrize(
    "text",
    [
        "\u202eright to left\u202c \u2066isolated\u2069 \u200e\u200f\u061c",
        "zero\u200bwidth\u200djoiner\ufeff",
        "👩‍👩‍👧‍👦 🇫🇷 👍🏽 ❤️",
        "नमस्ते दुनिया, مرحبا بالعالم, 日本語, 𝒇𝒂𝒏𝒄𝒚",
        "Z̷̢a̸l̶g̵o̴" + "\u0301" * 50,
        "\x01\x1b[31mred\x1b[0m\x7f\x85",
        "tab\tnewline\r\n\u2028\u2029",
        "",
        " ",
    ],
)
def test_ugly_text_is_kept_as_it_is(text: str) -> None:
    found = through(post(text=text, title=text, author=Author(id="1", name=text))).post
    assert (found.text, found.title, found.author.name) == (text, text, text)


def test_a_megabyte_of_emoji_is_cut_and_says_so() -> None:
    bounded = through(post(text="😡" * 262_144))
    assert bounded.post.text == "😡" * MAX_TEXT
    assert bounded.post.truncated
    assert bounded.size < 2 * 2**20


def test_text_at_the_bound_is_whole() -> None:
    found = bound_post(post(text="é" * MAX_TEXT), NOW)
    assert (len(found.text), found.truncated) == (MAX_TEXT, False)


def test_what_the_source_cut_stays_marked() -> None:
    assert bound_post(post(truncated=True), NOW).truncated


@pytest.mark.parametrize(
    "claimed",
    [
        datetime(1970, 1, 1, tzinfo=UTC),
        datetime(2090, 1, 1, tzinfo=UTC),
        datetime.min.replace(tzinfo=UTC),
        datetime.max.replace(tzinfo=UTC),
        datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14))),
        datetime(9999, 12, 31, 23, 59, tzinfo=timezone(timedelta(hours=-12))),
        EARLIEST - timedelta(microseconds=1),
        NOW + FUTURE + timedelta(microseconds=1),
    ],
)
def test_a_date_that_cannot_be_is_replaced_and_kept_beside(claimed: datetime) -> None:
    found = through(post(created_at=claimed, edited_at=claimed)).post
    assert (found.created_at, found.claimed_at, found.edited_at) == (NOW, claimed, None)


@pytest.mark.parametrize("when", [EARLIEST, NOW, NOW + FUTURE])
def test_a_date_that_can_be_is_kept(when: datetime) -> None:
    found = bound_post(post(created_at=when, edited_at=when), NOW)
    assert (found.created_at, found.claimed_at, found.edited_at) == (when, None, when)


def test_long_lists_and_fields_are_cut() -> None:
    found = through(
        post(
            title="t" * 5_000,
            country="FRA",
            language="x" * 100,
            hashtags=[str(number) for number in range(500)],
            media=[Media(type="photo" * 50, alt="a" * 5_000)] * 200,
            labels={str(number): "v" * 5_000 for number in range(500)},
        )
    ).post
    assert found.title == "t" * MAX_SHORT
    assert (found.country, found.language) == ("FR", "x" * 35)
    assert found.hashtags == [str(number) for number in range(MAX_ITEMS)]
    assert len(found.media) == len(found.labels) == MAX_ITEMS
    assert len(found.media[0].type) == 64
    assert set(map(len, found.labels.values())) == {MAX_SHORT}


@given(st.text(max_size=200))
def test_clean_text_keeps_what_json_holds(text: str) -> None:
    assert clean_text(text) == text.replace("\x00", REPLACEMENT)
