"""Hostile posts become harmless; unusual but honest posts stay as they are."""

from datetime import UTC, datetime, timedelta, timezone
from functools import partial

import msgspec
import pytest
from hypothesis import given, settings

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
from schemas.post import Author, Media, Post, Publisher
from tests import make
from tests.strategies import ANY_TEXT, HOSTILE_POSTS

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def sent(post: Post) -> Post:
    """The bounded post, after it was written as an event and read again."""
    event = make.upsert(bound_post(post, NOW), 0, NOW)
    data = POST_EVENT.encode(event)
    assert POST_EVENT.decode(data) == event
    assert len(data) < 2 * 2**20
    return event.post


post = partial(make.post, created_at=NOW)


@given(HOSTILE_POSTS)
@settings(max_examples=150)
def test_a_hostile_post_can_always_be_written_and_read(hostile: Post) -> None:
    bounded = sent(hostile)
    assert len(bounded.text) <= MAX_TEXT
    assert plausible(bounded.created_at, NOW)
    assert bounded.edited_at is None or plausible(bounded.edited_at, NOW)
    lists = (bounded.mentions, bounded.hashtags, bounded.links, bounded.media, bounded.labels)
    assert max(map(len, lists)) <= MAX_ITEMS
    shorts = [bounded.title, bounded.url, bounded.place, bounded.author.name, *bounded.mentions]
    shorts += [bounded.thread, bounded.about, bounded.about_name, bounded.author.url]
    if bounded.community is not None:
        shorts += [bounded.community.id, bounded.community.name, bounded.community.url]
    if bounded.publisher is not None:
        shorts += [bounded.publisher.name, bounded.publisher.domain]
    assert all(len(short) <= MAX_SHORT for short in shorts if short is not None)
    assert bound_post(bounded, NOW) == msgspec.structs.replace(bounded), "once is enough"


@given(ANY_TEXT)
def test_offsets_stay_true(text: str) -> None:
    cleaned = clean_text(text)
    assert len(cleaned) == len(text)
    for before, after in zip(text, cleaned, strict=True):
        held = before != "\x00" and not "\ud800" <= before <= "\udfff"
        assert after == (before if held else REPLACEMENT)
    bounded = bound_post(post(text=text), NOW)
    assert (bounded.text, bounded.truncated) == (cleaned, False)


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
    bounded = sent(post(text=text, title=text, author=Author(id="1", name=text)))
    assert (bounded.text, bounded.title, bounded.author.name) == (text, text, text)


def test_long_text_is_cut_and_marked() -> None:
    megabyte = sent(post(text="😡" * 262_144))
    assert (megabyte.text, megabyte.truncated) == ("😡" * MAX_TEXT, True)
    whole = bound_post(post(text="é" * MAX_TEXT), NOW)
    assert (len(whole.text), whole.truncated) == (MAX_TEXT, False)
    assert bound_post(post(truncated=True), NOW).truncated, "cut by the source"


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
    bounded = sent(post(created_at=claimed, edited_at=claimed))
    assert (bounded.created_at, bounded.claimed_at, bounded.edited_at) == (NOW, claimed, None)


@pytest.mark.parametrize("when", [EARLIEST, NOW, NOW + FUTURE])
def test_a_date_that_can_be_is_kept(when: datetime) -> None:
    bounded = bound_post(post(created_at=when, edited_at=when), NOW)
    assert (bounded.created_at, bounded.claimed_at, bounded.edited_at) == (when, None, when)


@pytest.mark.parametrize(
    ("until", "kept"),
    [
        (NOW - FUTURE, True),
        (datetime(2099, 1, 1, tzinfo=UTC), True),
        (EARLIEST, True),
        (datetime(1970, 1, 1, tzinfo=UTC), False),
    ],
)
def test_the_end_of_keeping_may_be_ahead_but_is_no_default_value(
    until: datetime, kept: bool
) -> None:
    assert bound_post(post(keep_until=until), NOW).keep_until == (until if kept else None)


def test_a_publisher_of_whom_nothing_is_known_is_none() -> None:
    known = Publisher(name="Le Journal", country="France")
    assert bound_post(post(publisher=known), NOW).publisher == Publisher(
        name="Le Journal", country="FR"
    )
    assert bound_post(post(publisher=Publisher(country="Oz")), NOW).publisher is None


def test_long_lists_and_fields_are_cut() -> None:
    long = post(
        title="t" * 5_000,
        country="FRA",
        language="x" * 100,
        hashtags=[str(number) for number in range(500)],
        media=[Media(type="photo" * 50, alt="a" * 5_000)] * 200,
        labels={str(number): "v" * 5_000 for number in range(500)},
    )
    bounded = sent(long)
    assert bounded.title == "t" * MAX_SHORT
    assert (bounded.country, bounded.language) == ("FR", "x" * 35)
    assert bounded.hashtags == [str(number) for number in range(MAX_ITEMS)]
    assert len(bounded.media) == len(bounded.labels) == MAX_ITEMS
    assert len(bounded.media[0].type) == 64
    assert set(map(len, bounded.labels.values())) == {MAX_SHORT}
