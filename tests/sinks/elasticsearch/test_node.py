"""Requests to Elasticsearch have an end, carry their secret nowhere else, and keep connections."""

import ssl
from pathlib import Path
from typing import Self

import pytest
from elastic_transport import ConnectionTimeout, TransportError
from elasticsearch import ApiError

from runtime.settings import ElasticsearchSettings
from sinks.elasticsearch.connection import connect
from tests.servers.elasticsearch import HEADERS
from tests.servers.endless import Endless
from tests.servers.http import Answer, FakeHttp

SECRET = "c2VjcmV0OnNlY3JldA=="
FOUND = Answer(200, b'{"count": 1}', HEADERS)


class Encrypted(FakeHttp):
    """The same over TLS, with a certificate for 127.0.0.1."""

    certificate: Path

    def __enter__(self) -> Self:
        super().__enter__()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate)
        self._http.socket = context.wrap_socket(self._http.socket, server_side=True)
        return self


def settings(url: str, **more: object) -> ElasticsearchSettings:
    return ElasticsearchSettings.model_validate({"url": url, "request_timeout_s": 20, **more})


def test_a_certificate_is_verified_and_the_connection_is_kept(certificate: Path) -> None:
    server = Encrypted(answers=[FOUND, FOUND])
    server.certificate = certificate
    with server:
        url = server.url.replace("http:", "https:")
        with connect(settings(url, ca_certs=certificate, api_key=SECRET)) as client:
            assert client.count()["count"] == client.count()["count"] == 1
        assert [each.headers["authorization"] for each in server.received] == [
            f"ApiKey {SECRET}",
            f"ApiKey {SECRET}",
        ]
        with connect(settings(url)) as client, pytest.raises(TransportError, match="TLS"):
            client.count()


def test_a_redirect_carries_no_secret_elsewhere() -> None:
    with FakeHttp() as elsewhere:
        moved = Answer(307, b"", {**HEADERS, "Location": f"{elsewhere.url}/_count"})
        with FakeHttp(answers=[moved]) as server:
            with (
                connect(settings(server.url, api_key=SECRET)) as client,
                pytest.raises((ApiError, TransportError)),
            ):
                client.count()
            assert server.received
        assert elsewhere.received == []


@pytest.mark.parametrize("length", ["Content-Length: 99999\r\n", ""])
def test_a_kept_connection_that_goes_bad_ends_too(length: str) -> None:
    """The second answer comes in drops; without a length, its end looks like a whole answer."""
    head = (
        "HTTP/1.1 200 OK\r\nX-Elastic-Product: Elasticsearch\r\nContent-Type: application/json\r\n"
    )
    whole = f'{head}Content-Length: 11\r\n\r\n{{"count":1}}'
    first = whole + f'{head}{length}\r\n{{"count":2}}'
    with Endless(fault="drops", first=first.encode(), again=b" ") as server:
        url = f"http://127.0.0.1:{server.port}"
        with connect(settings(url, request_timeout_s=0.3)) as client:
            # The fake has both answers ready, as a server that answers before it is asked.
            assert client.count()["count"] == 1
            with pytest.raises((ConnectionTimeout, TransportError)):
                client.count()
        assert "drops" in server.fired
