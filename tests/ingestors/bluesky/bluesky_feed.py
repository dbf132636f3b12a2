"""Numbered posts of Bluesky."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from ingestors.bluesky.posts import map_message
from ingestors.bluesky.source import BlueskySource
from schemas.ids import microseconds
from schemas.post import Post, PostEvent
from tests.ingestors.hostile_json import bounded_post
from tests.servers.jetstream import Event, post, tid

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
START = microseconds(NOW - timedelta(hours=1))
SECOND = 1_000_000
DID = "did:plc:eygmaihciaxprqvxpfvl6flk"
OTHER = "did:plc:wa7b35aakoll7hugkrjtf3xf"
Open = Callable[..., BlueskySource]


def post_of(number: int, text: str = "hello", did: str = DID, **record: Any) -> Event:
    """Post ``number``, published ``number`` seconds after START."""
    at = START + number * SECOND
    return post(did, tid(at), tid(at + 1), at + 2, text, **record)


def ids(*numbers: int) -> list[str]:
    return [f"bluesky:{DID}/{tid(START + number * SECOND)}" for number in numbers]


def read(event: Event) -> PostEvent | None:
    """Map a message that has no fault."""
    message = map_message(event, NOW)
    assert message.fault is None
    return message.event


def read_event(event: Event) -> PostEvent:
    mapped = read(event)
    assert mapped is not None
    return mapped


def record_of(**record: Any) -> Post:
    return bounded_post(read(post_of(0, **record)))


def uri_of(did: str = OTHER, collection: str = "app.bsky.feed.post") -> str:
    return f"at://{did}/{collection}/3kabc"
