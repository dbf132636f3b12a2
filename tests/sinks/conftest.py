"""A server that speaks Elasticsearch's protocol, and the sink's own client of it.

A module that needs another server overrides ``server``; ``client`` is then of that one.
"""

from collections.abc import Iterator

import pytest
from elasticsearch import Elasticsearch as Client

from runtime.settings import ElasticsearchSettings
from sinks.elasticsearch.connection import connect
from tests.servers.elasticsearch import ElasticsearchServer as Server
from tests.servers.http import HttpServer


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        yield server


@pytest.fixture
def client(server: HttpServer) -> Iterator[Client]:
    with connect(ElasticsearchSettings(url=server.url, request_timeout_s=20)) as client:
        yield client
