"""Influence inputs: the facts of the platform, or unknown."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from msgspec.structs import replace

from processors.enrichment.annotators.influence import InfluenceAnnotator
from schemas.mention import Influence, Mention
from schemas.post import Author, Metrics, Post
from tests import make
from tests.make import AT
from tests.strategies import HOSTILE_POSTS, posts

POST = make.post("")


def influence(post: Post) -> Influence:
    mention = Mention(post=post)
    InfluenceAnnotator().annotate([mention])
    assert mention.influence is not None
    return mention.influence


def test_facts_are_gathered_and_absent_ones_are_zero_or_unknown() -> None:
    assert influence(POST) == Influence()
    post = replace(
        POST,
        author=Author(id="1", followers=1200, created_at=AT - timedelta(days=30, hours=5)),
        metrics=Metrics(likes=1, reposts=20, replies=300, quotes=4000, views=50_000),
    )
    assert influence(post) == Influence(reach=1200, engagement=4321, account_age_days=30)


@pytest.mark.parametrize(
    ("links", "amplified"),
    [
        ({}, False),
        ({"repost_of": "x:0"}, True),
        ({"repost_of": "x:0", "quote_of": "x:0"}, False),  # words of its own
        ({"quote_of": "x:0"}, False),
        ({"reply_to": "x:0"}, False),
    ],
)
def test_a_repost_amplifies(links: dict[str, str], amplified: bool) -> None:
    assert influence(replace(POST, **links)).amplified is amplified


@pytest.mark.parametrize(
    ("opened", "days"),
    [
        (AT, 0),
        (AT - timedelta(hours=47), 1),
        (datetime(2009, 1, 2, tzinfo=UTC), 6209),
        (AT + timedelta(seconds=1), None),
        (datetime(1970, 1, 1, tzinfo=UTC), None),
        (datetime.min.replace(tzinfo=UTC), None),
        (datetime.max.replace(tzinfo=UTC), None),
        (None, None),
    ],
)
def test_an_age_is_known_or_none(opened: datetime | None, days: int | None) -> None:
    post = replace(POST, author=Author(id="1", created_at=opened))
    assert influence(post).account_age_days == days


@given(posts() | HOSTILE_POSTS)
def test_any_post_has_influence_that_the_schema_allows(post: Post) -> None:
    read = influence(post)
    assert msgspec.json.decode(msgspec.json.encode(read), type=Influence) == read
