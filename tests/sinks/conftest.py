"""A server that speaks Elasticsearch's protocol, and the sink's own client of it."""

from collections.abc import Iterator

import pytest
from elasticsearch import Elasticsearch

from runtime.settings import ElasticsearchSettings
from sinks.elasticsearch.connection import connect
from tests.servers.elasticsearch import ElasticsearchServer


@pytest.fixture
def server() -> Iterator[ElasticsearchServer]:
    with ElasticsearchServer() as server:
        yield server


@pytest.fixture
def client(server: ElasticsearchServer) -> Iterator[Elasticsearch]:
    with connect(ElasticsearchSettings(url=server.url, request_timeout_s=20)) as client:
        yield client
