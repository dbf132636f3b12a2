"""The connection to Elasticsearch, and its errors as sentences."""

import contextlib
from collections.abc import Iterator
from typing import Any

from elastic_transport import TransportError
from elasticsearch import ApiError, AuthenticationException, AuthorizationException, Elasticsearch

from runtime.settings import ElasticsearchSettings
from schemas.errors import ConfigurationError, ServiceUnavailable


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
