"""One invented day for all tests of the generator: it is only read."""

from datetime import UTC, datetime

import pytest

from ingestors.generator.source import generate
from schemas.post import Post, PostEvent, PostUpsert

START = datetime(2026, 3, 2, tzinfo=UTC)
POSTS = 20_000


@pytest.fixture(scope="session")
def day() -> list[PostEvent]:
    return list(generate(7, POSTS, START))


@pytest.fixture(scope="session")
def posts(day: list[PostEvent]) -> list[Post]:
    """Every post as it was first published."""
    upserts = (event for event in day if isinstance(event, PostUpsert))
    return [event.post for event in upserts if event.post.edited_at is None]


@pytest.fixture(scope="session")
def by_id(posts: list[Post]) -> dict[str, Post]:
    return {post.id: post for post in posts}
