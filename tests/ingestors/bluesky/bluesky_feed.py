"""Numbered posts of Bluesky, and sources that read them with short waits."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from ingestors.bluesky.posts import map_message
from ingestors.bluesky.source import BlueskySource
from ingestors.source import Position
from schemas.ids import microseconds
from schemas.post import Post, PostEvent, PostUpsert
from tests.servers.jetstream import Event, JetstreamServer, post, tid

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
    """Our ids of these posts."""
    return [f"bluesky:{DID}/{tid(START + number * SECOND)}" for number in numbers]


def read(event: Event) -> PostEvent | None:
    """What the mapping makes of a message that is in order."""
    message = map_message(event, NOW)
    assert message.fault is None
    return message.event


def record_of(**record: Any) -> Post:
    """The post that a record with these fields becomes."""
    event = read(post_of(0, **record))
    assert event is not None
    assert isinstance(event, PostUpsert)
    return event.post


def uri_of(did: str = OTHER, collection: str = "app.bsky.feed.post") -> str:
    """An address that records use for others."""
    return f"at://{did}/{collection}/3kabc"


class FakeTime:
    """A monotonic clock that only the test moves."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


class Failures:
    """A back-off's luck: always the longest wait; counts how often one was asked for."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> float:
        self.count += 1
        return 1.0


@contextmanager
def opening(source_id: str) -> Iterator[Open]:
    """Opens sources with short waits, and closes them."""
    opened: list[BlueskySource] = []

    def open_(
        *servers: JetstreamServer | str, position: Position | None = None, **options: Any
    ) -> BlueskySource:
        urls = [server if isinstance(server, str) else server.url for server in servers]
        defaults: dict[str, Any] = {
            "source_id": source_id,
            "wait_s": 0.1,
            "retry_first_s": 0.002,
            "retry_max_s": 0.01,
            "batch_within_s": 0.02,
            "clock": lambda: NOW,
        }
        source = BlueskySource(urls, **(defaults | options))
        opened.append(source)
        source.open(position)
        return source

    yield open_
    for source in opened:
        source.close()
        source.close()
