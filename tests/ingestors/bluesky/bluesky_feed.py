"""Numbered posts of Bluesky, and sources with short waits."""

import random as randomness
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from ingestors.bluesky.posts import map_message
from ingestors.bluesky.source import BlueskySource, JetstreamOptions
from ingestors.source import Position
from schemas.ids import microseconds
from schemas.post import Post, PostEvent
from tests.ingestors.hostile_json import bounded_post
from tests.servers.jetstream import Event, Jetstream, post, tid

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
START = microseconds(NOW - timedelta(hours=1))
SECOND = 1_000_000
DID = "did:plc:eygmaihciaxprqvxpfvl6flk"
OTHER = "did:plc:wa7b35aakoll7hugkrjtf3xf"
SHORT = {"wait_s": 0.1, "retry_first_s": 0.002, "retry_max_s": 0.01, "batch_within_s": 0.02}
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


class Failures:
    """The random numbers of a back-off: always the longest wait; counts the calls."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> float:
        self.count += 1
        return 1.0


@contextmanager
def opening(source_id: str) -> Iterator[Open]:
    """Opens sources and closes them twice; ``since`` is a cursor of the first server."""
    with ExitStack() as opened:

        def open_(
            *servers: Jetstream | str,
            position: Position | None = None,
            since: int | None = None,
            keep: Callable[[PostEvent], bool] | None = None,
            monotonic: Callable[[], float] = time.monotonic,
            random: Callable[[], float] = randomness.random,
            **options: Any,
        ) -> BlueskySource:
            urls = [server if isinstance(server, str) else server.url for server in servers]
            source = BlueskySource(
                JetstreamOptions(urls=urls, **(SHORT | options)),
                keep=keep,
                source_id=source_id,
                clock=lambda: NOW,
                monotonic=monotonic,
                random=random,
            )
            opened.callback(source.close)
            opened.callback(source.close)
            source.open(position if since is None else {"cursor": since, "endpoint": urls[0]})
            return source

        yield open_
