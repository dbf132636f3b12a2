"""Saved objects as Kibana exports them: one JSON object a line, with what each refers to.

Kibana keeps ids out of the attributes: these name a reference, and the list of references says what
the name stands for. Versions are those that Kibana 9.0 writes. A later Kibana migrates them when it
imports them; an earlier one refuses them.

Source: the saved-object types and model versions of https://github.com/elastic/kibana.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from schemas.types import JsonObject

CORE_VERSION: Final = "8.8.0"
TYPE_VERSIONS: Final = {"index-pattern": "8.0.0", "search": "10.5.0", "dashboard": "10.2.0"}
"""Type to the version of its attributes."""
KQL: Final = "kuery"


@dataclass(frozen=True, slots=True)
class Reference:
    """What a name in the attributes stands for."""

    name: str
    type: str
    id: str

    def within(self, panel: str) -> "Reference":
        """The same reference, of a panel that is stored in a dashboard."""
        return Reference(f"{panel}:{self.name}", self.type, self.id)

    def json(self) -> JsonObject:
        return {"id": self.id, "name": self.name, "type": self.type}


@dataclass(frozen=True, slots=True)
class SavedObject:
    """One line of the file."""

    type: str
    id: str
    attributes: JsonObject
    references: tuple[Reference, ...] = ()

    def line(self) -> str:
        """Sorted, so that the same object is always the same line."""
        return json.dumps(
            {
                "attributes": self.attributes,
                "coreMigrationVersion": CORE_VERSION,
                "id": self.id,
                "managed": False,
                "references": [each.json() for each in sorted(self.references, key=_name)],
                "type": self.type,
                "typeMigrationVersion": TYPE_VERSIONS[self.type],
            },
            sort_keys=True,
            ensure_ascii=False,
        )


def _name(reference: Reference) -> str:
    return reference.name


def ndjson(objects: Iterable[SavedObject]) -> str:
    """The file that Kibana imports."""
    return "".join(f"{each.line()}\n" for each in objects)


def packed(value: object) -> str:
    """JSON within JSON, as attributes named ``…JSON`` hold it."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def search_source(kql: str = "", index: str | None = None) -> JsonObject:
    """The query of an object; ``index`` is the name of its reference to a data view."""
    source: JsonObject = {"filter": [], "query": {"language": KQL, "query": kql}}
    if index is not None:
        source["indexRefName"] = index
    return {"searchSourceJSON": packed(source)}
