"""A server that speaks Elasticsearch's protocol, and the sink's own client of it.

A module that needs another server overrides ``server``; ``client`` is then of that one. Servers
with TLS have the ``certificate``.
"""

import subprocess
from collections.abc import Iterator
from pathlib import Path

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


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1, and its key in the same file."""
    folder = tmp_path_factory.mktemp("tls")
    path = folder / "both.pem"
    command = (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
        f"-subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 -keyout {path} -out {folder}/c"
    )
    try:
        subprocess.run(command.split(), check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"openssl makes no certificate: {error}")
    with path.open("ab") as both:
        both.write((folder / "c").read_bytes())
    return path
