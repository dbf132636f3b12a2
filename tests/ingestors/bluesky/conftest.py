"""A Jetstream, and sources with short waits that read it."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from ingestors.bluesky.source import BlueskySource, JetstreamOptions
from ingestors.source import Position
from tests.ingestors.bluesky.bluesky_feed import NOW, Open
from tests.servers.jetstream import Jetstream

SHORT = {"wait_s": 0.1, "retry_first_s": 0.002, "retry_max_s": 0.01, "batch_within_s": 0.02}
INJECTED = {"keep", "monotonic", "random"}


@pytest.fixture
def open_source(request: pytest.FixtureRequest) -> Iterator[Open]:
    """Opens sources and closes them twice; ``since`` is a cursor of the first server."""
    with ExitStack() as opened:

        def open_(
            *servers: Jetstream | str,
            position: Position | None = None,
            since: int | None = None,
            **given: Any,
        ) -> BlueskySource:
            urls = [server if isinstance(server, str) else server.url for server in servers]
            injected = {name: given.pop(name) for name in INJECTED & given.keys()}
            options = JetstreamOptions(urls=urls, **(SHORT | given))
            source = BlueskySource(
                options, source_id=request.node.name, clock=lambda: NOW, **injected
            )
            opened.callback(source.close)
            opened.callback(source.close)
            source.open(position if since is None else {"cursor": since, "endpoint": urls[0]})
            return source

        yield open_


@pytest.fixture
def server() -> Iterator[Jetstream]:
    with Jetstream() as running:
        yield running
