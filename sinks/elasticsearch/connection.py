"""The connection to Elasticsearch, a search page by page, and its errors as sentences."""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypedDict

from elastic_transport import ObjectApiResponse, TransportError
from elasticsearch import ApiError, AuthenticationException, AuthorizationException, Elasticsearch

from runtime.settings import ElasticsearchSettings
from schemas.errors import ConfigurationError, ServiceUnavailable


class Hit(TypedDict, total=False):
    """A document that a search found, as far as it asked for it."""

    _id: str
    _index: str
    _source: dict[str, Any]
    _seq_no: int
    _primary_term: int
    sort: list[str | int]


def connect(settings: ElasticsearchSettings) -> Elasticsearch:
    """A client; opens no connection yet. It retries nothing by itself: the sink does."""
    options: dict[str, Any] = {
        "request_timeout": settings.request_timeout_s,
        "max_retries": 0,
        "http_compress": False,
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
    """The hits of a search of any size, ``size`` at a time.

    ``search`` is the client's; the ``sort`` ends with a field that no two documents share, since
    each page begins after the last hit of the one before.
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
    """Turn the client's exceptions into one sentence with a remedy."""
    try:
        yield
    except (AuthenticationException, AuthorizationException) as error:
        raise ConfigurationError(
            f"Elasticsearch at {settings.url} refuses our credentials ({error.message}); set "
            "TOCSIN_ELASTICSEARCH_API_KEY, or ..._USERNAME and ..._PASSWORD"
        ) from None
    except ApiError as error:
        raise ServiceUnavailable(
            f"Elasticsearch at {settings.url} answered {error.status_code}: {error.message}"
        ) from None
    except TransportError as error:
        raise ServiceUnavailable(
            f"Elasticsearch at {settings.url} does not answer ({error.message}); is it running, "
            "and is TOCSIN_ELASTICSEARCH_URL right?"
        ) from None


def reason(error: ApiError) -> str:
    """The reason in the answer, which says more than its type."""
    body = error.body
    if isinstance(body, dict) and isinstance(body.get("error"), dict):
        return str(body["error"].get("reason", error.message))
    return str(error.message)
