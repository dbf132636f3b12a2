"""Whether an index has our shape, or would get it: asked of Elasticsearch by effect.

A template of ours that exists may still lose: only the one with the highest priority is used. An
index made from another has guessed types, which cannot be changed in place, and no alias.
"""

from collections.abc import Mapping
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any

from elasticsearch import AuthorizationException, Elasticsearch, NotFoundError

from runtime.clock import utc_now
from runtime.logs import get_logger
from schemas.errors import ConfigurationError
from schemas.types import JsonObject
from sinks.elasticsearch.indices.mappings import PRIORITY, VERSION, IndexNames

log = get_logger("setup")


def check_shapes(client: Elasticsearch, names: IndexNames) -> None:
    """Raise :class:`ConfigurationError` unless the next and the newest indices have our shape.

    Of mentions and of every fixed index. Raises the errors of the client, too.
    """
    check_templates(client, names)
    for pattern in (names.mentions_pattern, *names.fixed):
        found = _found(client, pattern)
        if found:
            # Not the index of the old times, whose name sorts last.
            newest = max(found, key=lambda index: ("-before-" not in index, index))
            _check_body(names, newest, found[newest])


def check_templates(client: Elasticsearch, names: IndexNames) -> None:
    """The same for the next indices only."""
    for index in _next_indices(names, utc_now()):
        _check_next(client, names, index)


def check_index(
    client: Elasticsearch, names: IndexNames, index: str, *, existing: bool = True
) -> None:
    """The same for one index: its own shape if it exists, otherwise that of the template.

    ``existing=False`` passes an index that exists.
    """
    found = _found(client, index)
    if not found:
        _check_next(client, names, index)
    elif existing and index in found:
        _check_body(names, index, found[index])


def _next_indices(names: IndexNames, now: datetime) -> tuple[str, ...]:
    # A month that is there already says nothing of the template; a far one never is.
    return (names.mentions_of(now.replace(year=2099, month=1, day=1)), *names.fixed)


def _found(client: Elasticsearch, pattern: str) -> Mapping[str, JsonObject]:
    try:
        answer = client.indices.get(
            index=pattern,
            features=["aliases", "mappings"],
            filter_path=["*.aliases", "*.mappings._meta", "*.mappings.dynamic"],
        )
    except NotFoundError:
        return {}
    return dict(answer)


def _check_next(client: Elasticsearch, names: IndexNames, index: str) -> None:
    try:
        answer = client.indices.simulate_index_template(name=index)
        template = answer.get("template", {})
        if (fault := _fault(names, index, template)) is None:
            return
        winner = _winning_name(client, index)
    except AuthorizationException as error:
        log.warning("index templates cannot be simulated; grant manage_index_templates", why=error)
        return
    if winner in names.templates:
        raise ConfigurationError(
            f"index template {winner} would not make {index} as it should ({fault}); run 'tocsin "
            "index setup'"
        )
    raise ConfigurationError(
        f"index template {winner} wins over ours for {index}, whose fields would be guessed; give "
        f"it a priority below {PRIORITY} or other index_patterns, then start again"
    )


def _winning_name(client: Elasticsearch, index: str) -> str:
    """The name of the template with the highest priority, which the simulation does not tell."""
    templates: list[Any] = client.indices.get_index_template()["index_templates"]
    matching = [
        (template["index_template"].get("priority", 0), template["name"])
        for template in templates
        if any(fnmatchcase(index, each) for each in _listed(template["index_template"]))
    ]
    return max(matching)[1] if matching else "(none)"


def _listed(template: JsonObject) -> list[str]:
    patterns = template.get("index_patterns", [])
    return [patterns] if isinstance(patterns, str) else list(patterns)


def _check_body(names: IndexNames, index: str, body: JsonObject) -> None:
    version, fault = _version(body), _fault(names, index, body)
    if fault is None:
        return
    if version is not None and version < VERSION:
        raise ConfigurationError(
            f"index {index} has mapping {version}, this tocsin needs {VERSION}; run 'tocsin index "
            "setup'"
        )
    raise ConfigurationError(
        f"index {index} was not made by our template ({fault}), so its fields are guessed; see "
        f"that no other template has a priority of {PRIORITY} or more, then delete the index and "
        "replay its month from Kafka"
    )


def _version(body: JsonObject) -> int | None:
    version = body.get("mappings", {}).get("_meta", {}).get("tocsin")
    return version if isinstance(version, int) else None


def _fault(names: IndexNames, index: str, body: JsonObject) -> str | None:
    """What is not ours in the mapping and the aliases of an index, or of a template.

    A newer version is ours, as a service runs on while its successor is set up.
    """
    version = _version(body)
    if version is None:
        return "its mapping is not tocsin's"
    if version < VERSION:
        return f"its mapping has version {version}, this tocsin needs {VERSION}"
    if str(body.get("mappings", {}).get("dynamic")).lower() != "false":
        return "its mapping takes fields that nobody defined"
    is_month = index.startswith(f"{names.mentions}-")
    if is_month and names.mentions not in body.get("aliases", {}):
        return f"it lacks the alias {names.mentions}"
    return None
