"""JSON of other software: what is wrong costs only itself, but for id, text, time and source."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestors.files.cells import NotAPost, Tally
from ingestors.files.post_line import read_post_line
from schemas.codec import POST_EVENT
from schemas.post import Community, Post, PostUpsert, Publisher, Rating
from tests.ingestors.hostile_json import JSON

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def read(line: str, tally: Tally | None = None) -> Post:
    event = read_post_line(line.encode(), NOW, "file", tally)
    assert isinstance(event, PostUpsert)
    return event.post


@pytest.mark.parametrize(
    ("fields", "left_out"),
    [
        (r'"text":"down \ud83d"', []),
        ('"text":"a","likes":NaN', []),
        ('"text":"a","in_reply_to_status_id":NaN', []),
        ('"text":"a","reply_to":1.445880548472328e18', ["reply_to"]),
        ('"text":"a","hashtags":"[\'a\']","reply_to":NaN', ["hashtags"]),
        ('"text":"a","likes":"many","metrics":{"views":-1}', ["likes", "metrics.views"]),
        ('"text":"a","verified":"perhaps","country":"Oz"', ["country", "verified"]),
        ('"text":"a","labels":{"a":[1]},"author":[1]', []),
        ('"text":"a","rating":9', ["rating"]),
        ('"text":"a","rating":{"value":NaN,"best":10}', ["rating"]),
        ('"text":"a","rating":{"value":3,"best":1}', ["rating"]),
        ('"text":"a","rating":"good"', ["rating"]),
        ('"text":"a","format":"poem"', ["format"]),
        ('"text":"a","community":{"id":7,"members":"lots"}', ["community.members"]),
        ('"text":"a","publisher":{"name":"J","country":"Oz"}', ["publisher.country"]),
        ('"text":"a","keep_until":"soon","score":"-x"', ["keep_until", "score"]),
        ('"text":"a","thread":1.445880548472328e18', ["thread"]),
    ],
)
def test_one_wrong_value_costs_only_itself(fields: str, left_out: list[str]) -> None:
    tally = Tally()
    post = read(f'{{"id":"1",{fields}}}', tally)
    assert post.id == "file:1"
    assert sorted(tally.counts) == left_out


@pytest.mark.parametrize(
    ("written", "rating"),
    [
        ("4", Rating(value=4)),
        ("4.5", Rating(value=4.5)),
        ('"4,5"', Rating(value=4.5)),
        ('"8/10"', Rating(value=8, best=10)),
        ('{"value":3,"best":10,"worst":0}', Rating(value=3, best=10, worst=0)),
        ('{"value":"3","best":"20","worst":"0"}', Rating(value=3, best=20, worst=0)),
        ("NaN", None),
        ('""', None),
    ],
)
def test_a_rating_is_a_mark_on_a_scale(written: str, rating: Rating | None) -> None:
    assert read(f'{{"id":"1","text":"a","rating":{written}}}').rating == rating


@pytest.mark.parametrize("half", ["", r'"title":"\ud83d",'])
def test_where_a_post_stands_is_read_strictly_and_loosely(half: str) -> None:
    """A half emoji makes the line one that is read loosely."""
    post = read(
        "{" + half + '"id":"1","text":"a","thread":7,"format":"review","about":"app:1",'
        '"about_name":"Velmora","community":"r/velmora","publisher":"Le Journal","bot":true,'
        '"keep_until":"2026-04-01T00:00:00Z","score":-3,"dislikes":4,"saves":1,'
        '"author":{"id":"9","url":"https://f.example/9"}}'
    )
    assert (post.thread, post.format, post.about, post.about_name) == (
        "file:7", "review", "app:1", "Velmora",
    )  # fmt: skip
    assert post.community == Community(id="r/velmora")
    assert post.publisher == Publisher(name="Le Journal")
    assert post.keep_until == datetime(2026, 4, 1, tzinfo=UTC)
    assert (post.metrics.score, post.metrics.dislikes, post.metrics.saves) == (-3, 4, 1)
    assert (post.author.bot, post.author.url) == (True, "https://f.example/9")


def test_a_community_without_an_id_is_known_by_its_name() -> None:
    post = read('{"id":"1","text":"a","community":{"name":"Le Café","members":"1.2K"}}')
    assert post.community == Community(id="Le Café", name="Le Café", members=1200)
    assert read('{"id":"1","text":"a","community":{"members":3}}').community is None


def test_half_an_emoji_is_replaced_and_a_whole_one_kept() -> None:
    assert read(r'{"id":"1","text":"down \ud83d"}').text == "down \ufffd"
    assert read(r'{"id":"1","text":"down \ud83d\ude21","likes":NaN}').text == "down 😡"


@pytest.mark.parametrize(
    ("written", "when"),
    [
        ("2021-03-01 10:00:00", "2021-03-01T10:00:00Z"),
        ("Mon Mar 01 10:00:00 +0000 2021", "2021-03-01T10:00:00Z"),
        ("2021-03-01 10:00:00 EST", "2021-03-01T15:00:00Z"),
        ("1612113012", "2021-01-31T17:10:12Z"),
        ("1612113012345", "2021-01-31T17:10:12.345Z"),
    ],
)
def test_times_that_can_be_told_for_certain(written: str, when: str) -> None:
    post = read(json.dumps({"id": "1", "text": "a", "created_at": written}))
    assert post.created_at == datetime.fromisoformat(when)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('{"id":"1","text":"a","created_at":"yesterday"}', "created_at is 'yesterday', which is"),
        ('{"id":1.5e18,"text":"a"}', "was rounded"),
        ('{"id":"1.37E+18","text":"a"}', "was rounded"),
        ('{"id":NaN,"text":"a"}', "it has no id"),
        ('{"id":"1","text":NaN}', "it has no text"),
        ('{"id":"1","text":"a","source":1}', "the source of the post is not text"),
        ('{"data":[{"id":"1","text":"a"}],"meta":{}}', "a page of 1 posts .* 'twarc2 flatten'"),
        ('{"posts":[{"id":"1"},{}]}', r"a page of 2 posts .* jq -c '.posts\[\]'"),
        ('["a"]', "not a JSON object"),
        ("{'id': '1'}", "not JSON: expecting property name"),
    ],
)
def test_what_is_no_post_is_a_sentence(line: str, says: str) -> None:
    with pytest.raises(NotAPost, match=says) as refused:
        read_post_line(line.encode(), NOW, "file")
    assert "Expected" not in str(refused.value)
    assert "$." not in str(refused.value)


@given(st.dictionaries(st.sampled_from(["likes", "author", "metrics", "labels", "media", "links",
                                        "edited_at", "reply_to", "country", "verified", "rating",
                                        "community", "publisher", "format", "thread", "about",
                                        "keep_until", "score", "bot"]), JSON),
       st.sampled_from(["", r"\ud83d"]))  # fmt: skip
def test_a_post_with_id_and_text_is_read_whatever_else_it_holds(
    row: dict[str, Any], half: str
) -> None:
    line = json.dumps({"id": "1", "text": "@", **row}).replace("@", half or "a", 1)
    event = read_post_line(line.encode(), NOW, "file")
    assert POST_EVENT.decode(POST_EVENT.encode(event)) == event


def test_a_repost_by_its_words_is_a_repost() -> None:
    first = read('{"id":"1","text":"RT @velmora: our network is down"}')
    again = read('{"id":"2","text":"RT @velmora: our network is down"}')
    other = read('{"id":"3","text":"RT @velmora: all is well"}')
    assert (first.kind, again.repost_of) == ("repost", first.repost_of)
    assert other.repost_of != first.repost_of
    assert read('{"id":"4","text":"START @velmora: no"}').kind == "original"
    assert read('{"id":"5","text":"RT @v: a","repost_of":"9"}').repost_of == "file:9"


def test_entities_are_text() -> None:
    assert read('{"id":"1","text":"D&amp;F","title":"R&amp;D"}').title == "R&D"
