"""A server that is no Elasticsearch of our version is a sentence about versions, status 2."""

import json
from dataclasses import dataclass

import pytest

from runtime.settings import ElasticsearchSettings, load
from schemas.errors import ConfigurationError, ServiceUnavailable, TocsinError
from sinks.elasticsearch.connection import connect, elasticsearch_errors
from tests.servers.http import Answer, HttpServer, Received

PRODUCT = {"X-Elastic-Product": "Elasticsearch"}
JSON = {"Content-Type": "application/json"}
REFUSED = {
    "error": {
        "type": "media_type_header_exception",
        "reason": "Invalid media-type value on headers [Accept, Content-Type]",
    },
    "status": 400,
}
"""What a real Elasticsearch 8 and OpenSearch 2 answer to the header of client 9."""


@dataclass
class Fixed(HttpServer):
    given: Answer

    def answer(self, request: Received) -> Answer:
        return self.given


def error_of(given: Answer) -> TocsinError:
    with Fixed(given) as server:
        settings = load(ElasticsearchSettings, url=server.url, request_timeout_s=10)
        with (
            pytest.raises(TocsinError) as caught,
            connect(settings) as client,
            elasticsearch_errors(settings),
        ):
            client.cluster.health()
    assert "\n" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize(
    "given",
    [
        Answer(400, json.dumps(REFUSED).encode(), {**JSON, **PRODUCT}),
        Answer(400, json.dumps(REFUSED).encode(), JSON),
        Answer(406, json.dumps(REFUSED).encode(), JSON),
        Answer(200, b'{"version": {"distribution": "opensearch"}}', JSON),
    ],
    ids=["elasticsearch 8", "opensearch", "opensearch 406", "no product header"],
)
def test_another_version_or_product_is_told_as_such(given: Answer) -> None:
    error = error_of(given)
    assert isinstance(error, ConfigurationError) and error.exit_status == 2
    assert "is no Elasticsearch 9" in str(error) and "client" in str(error)


@pytest.mark.parametrize(
    "given",
    [
        Answer(400, b'{"error": {"type": "illegal_argument_exception"}}', {**JSON, **PRODUCT}),
        Answer(502, b"<html>Bad gateway</html>", {"Content-Type": "text/html", **PRODUCT}),
        Answer(200, b"{ not json", {**JSON, **PRODUCT}),
    ],
)
def test_anything_else_is_one_sentence_too(given: Answer) -> None:
    error = error_of(given)
    assert isinstance(error, ServiceUnavailable) and error.exit_status == 3


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("index_closed_exception", "index t-2026.10 is closed; open it, or take it out of its"),
        ("index_not_found_exception", "answered 400: index_not_found_exception of index t-2026.10"),
    ],
)
def test_an_error_of_one_index_names_it(kind: str, says: str) -> None:
    body = {"error": {"type": kind, "reason": "closed", "index": "t-2026.10"}, "status": 400}
    error = error_of(Answer(400, json.dumps(body).encode(), {**JSON, **PRODUCT}))
    assert says in str(error)
