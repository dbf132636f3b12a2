"""The data views: which indices Kibana reads, by which time, and what their fields hold."""

from dataclasses import dataclass
from typing import Any, Final

from deploy.kibana.saved_object import SavedObject, packed
from queries.elasticsearch.kibana_link import MENTIONS_VIEW
from runtime.settings import ElasticsearchSettings, load
from schemas.types import JsonObject
from sinks.elasticsearch.indices.mappings import (
    ALERT_PROPERTIES,
    COVERAGE_PROPERTIES,
    ERASURE_PROPERTIES,
    MENTION_PROPERTIES,
    REMOVAL_PROPERTIES,
    IndexNames,
)

INDEX_FIELD: Final = "_index"
"""The field that each document has without a mapping: the name of its index."""
_TYPES: Final = {
    "long": "number", "integer": "number", "byte": "number", "float": "number", "double": "number",
    "date": "date", "boolean": "boolean",
}  # fmt: skip
_LINKS: Final = {"url": {"id": "url"}, "links": {"id": "url"}}
_PREFIX: Final = ElasticsearchSettings.model_fields["index_prefix"].default
_NAMES: Final = IndexNames(load(ElasticsearchSettings, index_prefix=_PREFIX))


@dataclass(frozen=True, slots=True)
class DataView:
    """Indices with one mapping, or with several that agree on the fields in use."""

    id: str
    name: str
    pattern: str
    time: str
    properties: JsonObject

    def mapped(self, path: str) -> JsonObject:
        """The mapping of a field; KeyError if there is none."""
        if path == INDEX_FIELD:
            return {"type": "keyword"}
        mapping: Any = {"properties": self.properties}
        for name in path.split("."):
            mapping = mapping["properties" if "properties" in mapping else "fields"][name]
        return dict(mapping)

    def data_type(self, path: str) -> str:
        """What Kibana calls the type of a field: number, date, boolean or string."""
        return _TYPES.get(self.mapped(path)["type"], "string")

    def saved(self) -> SavedObject:
        formats = {name: form for name, form in _LINKS.items() if name in self.properties}
        attributes = {
            "fieldAttrs": "{}",
            "fieldFormatMap": packed(formats),
            "fields": "[]",
            "name": self.name,
            "runtimeFieldMap": "{}",
            "sourceFilters": "[]",
            "timeFieldName": self.time,
            "title": self.pattern,
        }
        return SavedObject("index-pattern", self.id, attributes)


MENTIONS: Final = DataView(
    MENTIONS_VIEW, "Tocsin mentions", _NAMES.mentions, "created_at", MENTION_PROPERTIES
)
"""The read alias: no tombstones, by event time."""
DELETIONS: Final = DataView(
    "tocsin-deletions",
    "Tocsin deletions",
    f"{_NAMES.mentions_pattern},{_NAMES.removals}",
    "deleted_at",
    {**MENTION_PROPERTIES, **REMOVAL_PROPERTIES},
)
"""Tombstones and removals alone: no other document has the time that this view goes by."""
ALERTS: Final = DataView(
    "tocsin-alerts", "Tocsin alerts", _NAMES.alerts, "began_at", ALERT_PROPERTIES
)
ERASURES: Final = DataView(
    "tocsin-erasures", "Tocsin erasures", _NAMES.erasures, "erased_at", ERASURE_PROPERTIES
)
COVERAGE: Final = DataView(
    "tocsin-coverage", "Tocsin coverage", _NAMES.coverage, "from", COVERAGE_PROPERTIES
)
"""When each source was heard, by the beginning of each interval."""
VIEWS: Final = (MENTIONS, DELETIONS, ALERTS, ERASURES, COVERAGE)
