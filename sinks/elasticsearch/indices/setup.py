"""Creates templates and indices, and migrates older indices to the current mappings. Idempotent.

Fields are added in place. A field of another type is refused, with the remedy, since Elasticsearch
cannot change one in place. Whether a field is indexed stays as it was in an older index: queries
read it either way. Nothing is ever deleted here.
"""

from collections.abc import Callable, Mapping
from typing import Final

from elasticsearch import BadRequestError, Elasticsearch, NotFoundError

from runtime.settings import ElasticsearchSettings
from schemas.errors import ConfigurationError
from schemas.types import JsonObject
from sinks.elasticsearch.connection import elasticsearch_errors, reason
from sinks.elasticsearch.indices.index_shape import check_shapes, check_templates
from sinks.elasticsearch.indices.mappings import (
    ALERT_PROPERTIES,
    COVERAGE_PROPERTIES,
    ERASURE_PROPERTIES,
    MENTION_PROPERTIES,
    REMOVAL_PROPERTIES,
    REPORT_PROPERTIES,
    TAB_PROPERTIES,
    VERSION,
    IndexNames,
    mappings,
    templates,
)

_KEPT: Final = ("index", "doc_values")
"""Parameters of a field that an older index keeps."""


def setup(
    client: Elasticsearch, settings: ElasticsearchSettings, say: Callable[[str], None]
) -> None:
    """Create templates, aliases and fixed indices, then migrate every index."""
    names = IndexNames(settings)
    kinds = {
        names.mentions_pattern: MENTION_PROPERTIES,
        names.alerts: ALERT_PROPERTIES,
        names.erasures: ERASURE_PROPERTIES,
        names.removals: REMOVAL_PROPERTIES,
        names.coverage: COVERAGE_PROPERTIES,
        names.tabs: TAB_PROPERTIES,
        names.reports: REPORT_PROPERTIES,
    }
    with elasticsearch_errors(settings):
        # First, since an older tocsin must not overwrite newer templates.
        for pattern in kinds:
            _refuse_newer(_mappings(client, pattern))
        for name, template in templates(settings).items():
            client.indices.put_index_template(name=name, **template)
            say(f"template {name} is at version {VERSION}")
        check_templates(client, names)
        for index in names.fixed:
            if not client.indices.exists(index=index):
                client.indices.create(index=index)
                say(f"index {index} created")
        # Read again: a sink may have created an index from the old template meanwhile.
        for pattern, properties in kinds.items():
            _migrate(client, _mappings(client, pattern), properties, say)
        check_shapes(client, names)


def _mappings(client: Elasticsearch, pattern: str) -> dict[str, JsonObject]:
    """The mapping of each existing index."""
    try:
        indices = client.indices.get_mapping(index=pattern)
    except NotFoundError:
        return {}
    return {index: body["mappings"] for index, body in sorted(indices.items())}


def _version(mapping: JsonObject) -> int:
    version: int = mapping.get("_meta", {}).get("tocsin", 0)
    return version


def _refuse_newer(indices: Mapping[str, JsonObject]) -> None:
    for index, mapping in indices.items():
        if (version := _version(mapping)) > VERSION:
            raise ConfigurationError(
                f"index {index} has mapping {version} of a newer tocsin (this one has {VERSION}); "
                "upgrade tocsin"
            )


def _migrate(
    client: Elasticsearch,
    indices: Mapping[str, JsonObject],
    properties: JsonObject,
    say: Callable[[str], None],
) -> None:
    _refuse_newer(indices)
    for index, mapping in indices.items():
        if (version := _version(mapping)) == VERSION:
            continue
        wanted = _in_place(properties, mapping.get("properties", {}))
        try:
            client.indices.put_mapping(index=index, **mappings(wanted))
        except BadRequestError as error:
            raise ConfigurationError(
                f"index {index} cannot take mapping {VERSION} in place ({reason(error)}); delete "
                "it and replay its month from Kafka, or keep it under another prefix"
            ) from None
        say(f"index {index} migrated from mapping {version} to {VERSION}")


def _in_place(wanted: JsonObject, present: JsonObject) -> JsonObject:
    """The fields as they are wanted, but those that are there with the parameters they keep."""
    fields = {}
    for name, field in wanted.items():
        old = present.get(name)
        if old is not None and "properties" in field:
            field = {
                **field,
                "properties": _in_place(field["properties"], old.get("properties", {})),
            }
        elif old is not None:
            kept = {key: old[key] for key in _KEPT if key in old}
            field = {key: value for key, value in field.items() if key not in _KEPT} | kept
        fields[name] = field
    return fields


def check(client: Elasticsearch, settings: ElasticsearchSettings) -> None:
    """Raise unless every template exists at the current version, and is the one that is used.

    Without its template, the first write of a month would create an index with guessed types,
    which cannot be changed in place.
    """
    for name in IndexNames(settings).templates:
        with elasticsearch_errors(settings):
            try:
                answer = client.indices.get_index_template(name=name)
            except NotFoundError:
                raise ConfigurationError(
                    f"index template {name} is missing; run 'tocsin index setup'"
                ) from None
        meta = answer["index_templates"][0]["index_template"].get("_meta", {})
        if meta.get("tocsin") != VERSION:
            raise ConfigurationError(
                f"index template {name} is at version {meta.get('tocsin')}, this tocsin needs "
                f"{VERSION}; run 'tocsin index setup'"
            )
    with elasticsearch_errors(settings):
        check_shapes(client, IndexNames(settings))
