"""A Jetstream, and sources that read it."""

from collections.abc import Iterator

import pytest

from tests.ingestors.bluesky.bluesky_feed import Open, opening
from tests.servers.jetstream import Jetstream


@pytest.fixture
def open_source(request: pytest.FixtureRequest) -> Iterator[Open]:
    with opening(request.node.name) as open_:
        yield open_


@pytest.fixture
def server() -> Iterator[Jetstream]:
    with Jetstream() as running:
        yield running
