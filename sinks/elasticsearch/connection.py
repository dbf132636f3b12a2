"""The Elasticsearch client, paged searches, and errors as sentences."""

import contextlib
import importlib.metadata
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypedDict

from elastic_transport import ObjectApiResponse, TransportError
from elasticsearch import (
    ApiError,
    AuthenticationException,
    AuthorizationException,
    Elasticsearch,
    UnsupportedProductError,
)

from runtime.settings import ElasticsearchSettings
from schemas.errors import ConfigurationError, ServiceUnavailable
from schemas.types import JsonObject
from sinks.elasticsearch.node import TimedNode


class Hit(TypedDict, total=False):
    _id: str
    _index: str
    _source: JsonObject
    _seq_no: int
    _primary_term: int
    sort: list[str | int]


def connect(settings: ElasticsearchSettings) -> Elasticsearch:
    """A client without a connection yet. It does not retry: the sink does."""
    options: JsonObject = {
        "request_timeout": settings.request_timeout_s,
        "max_retries": 0,
        "http_compress": False,
        "node_class": TimedNode,
    }
    if settings.ca_certs is not None:
        options["ca_certs"] = str(settings.ca_certs)
    if settings.api_key is not None:
        options["api_key"] = settings.api_key.get_secret_value()
    elif settings.username is not None and settings.password is not None:
        options["basic_auth"] = (settings.username, settings.password.get_secret_value())
    try:
        return Elasticsearch(settings.url.split(","), **options)
    except (ValueError, OSError) as error:
        raise ConfigurationError(
            f"TOCSIN_ELASTICSEARCH_URL or its TLS settings are wrong: {error}"
        ) from None


def pages(
    search: Callable[..., ObjectApiResponse[Any]],
    *,
    size: int,
    sort: Sequence[Mapping[str, str]],
    **request: Any,
) -> Iterator[list[Hit]]:
    """The hits of a search, ``size`` at a time.

    ``search`` is a method of the client. Each page begins after the last hit of the previous one,
    so ``sort`` must end with a field that is unique.
    """
    while True:
        hits: list[Hit] = search(size=size, sort=sort, **request)["hits"]["hits"]
        if hits:
            yield hits
        if len(hits) < size:
            return
        request["search_after"] = hits[-1]["sort"]


@contextlib.contextmanager
def elasticsearch_errors(settings: ElasticsearchSettings) -> Iterator[None]:
    """Turn the exceptions of the client into one sentence with a remedy."""
    try:
        yield
    except (AuthenticationException, AuthorizationException) as error:
        raise ConfigurationError(
            f"Elasticsearch at {settings.url} refuses the credentials ({error.message}); set "
            "TOCSIN_ELASTICSEARCH_API_KEY, or ..._USERNAME and ..._PASSWORD"
        ) from None
    except ApiError as error:
        if isinstance(error, UnsupportedProductError) or _is_other_version(error):
            raise ConfigurationError(other_server(settings.url)) from None
        raise ServiceUnavailable(
            f"Elasticsearch at {settings.url} answered {error.status_code}: {_answer(error)}"
        ) from None
    except TransportError as error:
        raise ServiceUnavailable(
            f"Elasticsearch at {settings.url} does not answer ({error.message}); check that it "
            "runs and that TOCSIN_ELASTICSEARCH_URL is right"
        ) from None


def _answer(error: ApiError) -> str:
    """The kind of the error, with the index that it is about."""
    body = error.body if isinstance(error.body, dict) else {}
    cause = body.get("error")
    index = cause.get("index") if isinstance(cause, dict) else None
    if not isinstance(index, str):
        return str(error.message)
    if error.message == "index_closed_exception":
        return f"index {index} is closed; open it, or take it out of its alias"
    return f"{error.message} of index {index}"


def _is_other_version(error: ApiError) -> bool:
    """An older Elasticsearch, or OpenSearch, refuses the header with our version."""
    return error.status_code in (400, 406) and "media_type_header" in str(error)


def other_server(url: str) -> str:
    """The sentence for a server that is no Elasticsearch of the client's major version."""
    client = importlib.metadata.version("elasticsearch")
    major = client.partition(".")[0]
    return (
        f"the server at {url} is no Elasticsearch {major}, and the client is {client}; run "
        f"Elasticsearch {major}, or install the client of the server's major version (OpenSearch "
        "is not supported)"
    )


def reason(error: ApiError) -> str:
    """The reason in the body, which is more precise than the message."""
    body = error.body
    if isinstance(body, dict) and isinstance(body.get("error"), dict):
        return str(body["error"].get("reason", error.message))
    return str(error.message)
