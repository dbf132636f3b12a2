"""The mapping of X's posts, also on hostile input."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestors.source import Unreadable
from ingestors.x.posts import map_post, read_line
from schemas.ids import microseconds
from schemas.post import Media, Metrics, Post, PostEvent, PostUpsert
from tests.ingestors.hostile_json import JSON, TEXT, bounded_post, some_examples
from tests.ingestors.x.x_feed import ID, MADE, NOW, id_of
from tests.servers.x_api import line, tweet

USER = {
    "id": "7",
    "username": "alice",
    "name": "Alice",
    "verified": True,
    "created_at": "2010-05-01T00:00:00.000Z",
    "public_metrics": {"followers_count": 12, "following_count": 3},
}
URL = f"https://x.com/alice/status/{ID}"
COUNTS = ["like_count", "retweet_count", "reply_count", "quote_count", "impression_count"]
MEDIA = [
    {"media_key": "3_1", "type": "photo", "url": "https://img.example/1", "alt_text": "a cat"},
    {"media_key": "13_2", "type": "animated_gif", "preview_image_url": "https://img.example/2"},
]


def _event(data: dict[str, Any], **includes: Any) -> PostEvent:
    return map_post({"data": data, "includes": includes}, NOW)


def _post(data: dict[str, Any], **includes: Any) -> Post:
    return bounded_post(_event(data, **includes))


def test_a_post() -> None:
    data = tweet(
        ID,
        "Hello @bob &amp; all: #news &lt;3 https://t.co/a https://t.co/b",
        lang="in",
        public_metrics={name: n for n, name in enumerate(COUNTS, 1)},
        entities={
            "mentions": [{"username": "bob", "start": 6, "end": 10}],
            "hashtags": [{"tag": "news"}],
            "urls": [
                {"url": "https://t.co/a", "expanded_url": "https://example.com/a"},
                {"url": "https://t.co/b", "expanded_url": f"{URL}/photo/1", "media_key": "3_1"},
            ],
        },
        attachments={"media_keys": ["3_1", "13_2", "missing"]},
        geo={"place_id": "p1"},
        conversation_id=ID,
    )
    places = [{"id": "p1", "full_name": "Lyon, France", "country_code": "FR"}]
    event = _event(data, users=[USER], media=MEDIA, places=places)
    assert (event.op, event.id, event.version) == ("upsert", f"x:{ID}", microseconds(MADE))
    post = bounded_post(event)
    assert post.text == "Hello @bob & all: #news <3 https://t.co/a https://t.co/b"
    assert (post.author.handle, post.author.name) == ("alice", "Alice")
    assert (post.author.followers, post.author.verified) == (12, True)
    assert post.author.created_at == datetime(2010, 5, 1, tzinfo=UTC)
    assert (post.created_at, post.edited_at, post.language) == (MADE, None, "id")
    assert post.url == URL
    assert post.thread == f"x:{ID}"
    assert (post.mentions, post.hashtags) == (["bob"], ["news"])
    assert post.links == ["https://example.com/a"]
    assert post.media == [
        Media(type="photo", url="https://img.example/1", alt="a cat"),
        Media(type="animation", url="https://img.example/2"),
    ]
    assert (post.place, post.country) == ("Lyon, France", "FR")
    assert post.metrics == Metrics(likes=1, reposts=2, replies=3, quotes=4, views=5)


def test_only_x_s_own_escapes_are_undone() -> None:
    assert _post(tweet(ID, "&amp;lt; &copy; &amp;amp;")).text == "&lt; &copy; &amp;"


def test_a_long_post_is_taken_in_full() -> None:
    note = {"text": "long " * 200, "entities": {"hashtags": [{"tag": "late"}]}}
    post = _post(tweet(ID, "long long…", note_tweet=note, entities={"hashtags": []}))
    assert post.text == "long " * 200
    assert post.hashtags == ["late"]


def test_an_edit_is_a_newer_version_of_the_same_post() -> None:
    later = id_of(60_000)
    first = _event(tweet(ID, "Helo"))
    second = _event(tweet(later, "Hello", edit_history_tweet_ids=[ID, later]))
    assert second.id == first.id == f"x:{ID}"
    assert second.version == first.version + 60_000_000
    edited = bounded_post(second)
    assert (edited.created_at, edited.edited_at) == (MADE, MADE + timedelta(minutes=1))
    assert edited.url == f"https://x.com/i/status/{later}"
    # Backfill may repeat the older one with the whole history in it.
    assert _event(tweet(ID, "Helo", edit_history_tweet_ids=[ID, later])).version == first.version


def test_a_repost_has_the_whole_text_of_the_original() -> None:
    original = tweet(
        id_of(-5),
        "a long original",
        entities={"hashtags": [{"tag": "tail"}]},
        attachments={"media_keys": ["3_1"]},
        author="9",
    )
    references = [{"type": "retweeted", "id": original["id"]}]
    repost = tweet(ID, "RT @bob: a lo…", referenced_tweets=references)
    post = _post(repost, tweets=[original], media=MEDIA, users=[USER])
    assert (post.text, post.hashtags) == ("a long original", ["tail"])
    assert (len(post.media), post.author.handle) == (1, "alice")
    assert (post.kind, post.repost_of) == ("repost", f"x:{original['id']}")
    alone = _post(repost)
    assert (alone.text, alone.repost_of) == ("RT @bob: a lo…", post.repost_of)


def test_replies_and_quotes_point_at_the_first_id() -> None:
    quoted = {"id": id_of(-1), "text": "q", "edit_history_tweet_ids": [id_of(-9), id_of(-1)]}
    references = [
        {"type": "replied_to", "id": id_of(-3)},
        {"type": "quoted", "id": id_of(-1)},
        {"type": "somehow", "id": "5"},
        {"type": "quoted", "id": "nope"},
    ]
    post = _post(tweet(ID, "x", referenced_tweets=references), tweets=[quoted])
    assert (post.reply_to, post.quote_of) == (f"x:{id_of(-3)}", f"x:{id_of(-9)}")


@pytest.mark.parametrize("code", ["und", "qme", "zxx", "", None, 7])
def test_no_language(code: Any) -> None:
    assert _post(tweet(ID, "x", lang=code)).language is None


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xff",
        b"[]",
        b"{",
        b"[" * 100_000,
        b'{"data": []}',
        b'{"data": {"id": "x", "text": "a", "author_id": "7"}}',
        b'{"data": {"id": "5", "author_id": "7"}}',
        b'{"data": {"id": "5", "text": "a"}}',
    ],
)
def test_garbage_is_unreadable(payload: bytes) -> None:
    read = read_line(payload, NOW)
    assert isinstance(read, Unreadable)
    assert read.payload == payload
    assert read.detail


def test_an_error_line_says_what_x_says() -> None:
    read = read_line(b'{"errors": [{"title": "Odd", "detail": "why"}]}', NOW)
    assert isinstance(read, Unreadable)
    assert "Odd; why" in read.detail


def test_a_lone_surrogate_does_not_cost_the_post() -> None:
    read = read_line(json.dumps({"data": tweet(ID, "a\ud800b")}).encode(), NOW)
    assert isinstance(read, PostEvent)
    assert bounded_post(read).text == "a\N{REPLACEMENT CHARACTER}b"


KEYS = st.sampled_from(
    ["attachments", "created_at", "edit_history_tweet_ids", "entities", "geo", "hashtags", "id"]
    + ["media_key", "media_keys", "mentions", "note_tweet", "public_metrics", "place_id", "type"]
    + ["like_count", "referenced_tweets", "tag", "text", "urls", "username", "expanded_url"]
)
HOSTILE = st.recursive(
    st.none() | st.integers(-(2**70), 2**70) | TEXT | st.sampled_from([ID, "1", "retweeted"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=12,
)


@some_examples
@given(JSON)
def test_any_json_is_survived(value: Any) -> None:
    """Any object becomes an event, or ValueError; never anything else."""
    data = value if isinstance(value, dict) else {"data": value}
    with pytest.raises(ValueError):
        map_post(data, NOW)


@some_examples
@given(
    TEXT,
    st.dictionaries(KEYS.filter(lambda key: key not in ("id", "text")), HOSTILE),
    st.dictionaries(st.sampled_from(["users", "tweets", "media", "places"]), HOSTILE),
    st.from_regex(r"[0-9]{1,20}", fullmatch=True),
)
def test_hostile_posts_are_bounded(text: str, fields: Any, includes: Any, native: str) -> None:
    _post({"author_id": "7", **fields, "id": native, "text": text}, **includes)


WORDS = "Velmora leaked my address, I live at the harbour"


@pytest.mark.parametrize(
    ("kind", "text", "includes", "copied"),
    [
        ("retweeted", f"RT @b: {WORDS[:20]}…", True, ["9"]),
        ("retweeted", f"RT @b: {WORDS[:20]}…", False, ["8"]),
        ("retweeted", f"RT @nobody: {WORDS[:20]}…", False, []),
        ("quoted", f"Look: {WORDS}", True, ["9"]),
        ("quoted", "I cannot believe it", True, []),
        ("replied_to", WORDS, True, []),
    ],
)
def test_copied_words_name_their_author(
    kind: str, text: str, includes: bool, copied: list[str]
) -> None:
    data = tweet(
        ID,
        text,
        referenced_tweets=[{"type": kind, "id": "5"}],
        entities={"mentions": [{"username": "a", "id": "3"}, {"username": "b", "id": "8"}]},
    )
    tweets = [tweet("5", WORDS, author="9")] if includes else []
    event = read_line(line(data, tweets=tweets), NOW)
    assert isinstance(event, PostUpsert)
    assert event.post.copied_from == copied
