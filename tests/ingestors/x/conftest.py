"""X as a server, and sources that read it."""

from collections.abc import Iterator

import pytest

from tests.ingestors.x.x_feed import HELD, TOKEN, Open, opening
from tests.servers.x_api import XServer


@pytest.fixture
def open_source(request: pytest.FixtureRequest) -> Iterator[Open]:
    with opening(request.node.name) as open_:
        yield open_


@pytest.fixture
def server() -> Iterator[XServer]:
    with XServer(token=TOKEN, rules=[HELD]) as running:
        yield running
