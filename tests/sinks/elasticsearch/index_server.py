"""As much of Elasticsearch's index API as set-up speaks to: templates, indices, mappings.

A mapping is put as the real one does it: fields are added at any depth, ``_meta`` is replaced, and
a field that is there keeps all its parameters or the whole request is refused with 400. A new
index takes the mapping of the template whose pattern fits.
"""

import copy
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from tests.servers.elasticsearch import answered, simulated
from tests.servers.http import Answer, HttpServer, Received


@dataclass
class IndexServer(HttpServer):
    """Use as a context manager."""

    templates: dict[str, dict[str, Any]] = field(default_factory=dict)
    indices: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Index to its mapping."""
    aliases: dict[str, dict[str, Any]] = field(default_factory=dict)
    writes: list[str] = field(default_factory=list)
    """Paths of the requests that changed something."""

    def create(self, index: str) -> None:
        made = copy.deepcopy(simulated(self.templates, index))
        self.indices[index] = made["mappings"]
        self.aliases[index] = made["aliases"]

    def answer(self, request: Received) -> Answer:
        if request.method == "PUT":
            self.writes.append("/".join(request.parts))
        body = request.json
        match request.method, request.parts:
            case "PUT", ["_index_template", name]:
                self.templates[name] = body
            case "GET", ["_index_template", name]:
                if name not in self.templates:
                    return answered(404, _error("resource_not_found_exception", name))
                found = {"name": name, "index_template": self.templates[name]}
                return answered(200, {"index_templates": [found]})
            case "GET", ["_index_template"]:
                listed = [
                    {"name": name, "index_template": template}
                    for name, template in self.templates.items()
                ]
                return answered(200, {"index_templates": listed})
            case "POST", ["_index_template", "_simulate_index", index]:
                return answered(200, {"template": simulated(self.templates, index)})
            case "GET", [pattern]:
                named = [name for name in self.indices if fnmatchcase(name, pattern)]
                if not named and "*" not in pattern:
                    return answered(404, _error("index_not_found_exception", pattern))
                bodies = {
                    name: {"mappings": self.indices[name], "aliases": self.aliases.get(name, {})}
                    for name in named
                }
                return answered(200, bodies)
            case "HEAD", [index]:
                return answered(200 if index in self.indices else 404, {})
            case "PUT", [index]:
                self.create(index)
            case "GET", [pattern, "_mapping"]:
                named = [name for name in self.indices if fnmatchcase(name, pattern)]
                if not named and "*" not in pattern:
                    return answered(404, _error("index_not_found_exception", pattern))
                return answered(200, {name: {"mappings": self.indices[name]} for name in named})
            case "PUT", [index, "_mapping"]:
                mapping = copy.deepcopy(self.indices[index])
                try:
                    _merge(mapping, body)
                except ValueError as error:
                    return answered(400, _error("illegal_argument_exception", str(error)))
                self.indices[index] = mapping
            case _:
                raise AssertionError(f"the server does not know {request.method} {request.path}")
        return answered(200, {"acknowledged": True})


def _merge(mapping: dict[str, Any], added: dict[str, Any]) -> None:
    mapping |= {name: value for name, value in added.items() if name != "properties"}
    _merge_fields(mapping.setdefault("properties", {}), added["properties"], "")


def _merge_fields(present: dict[str, Any], added: dict[str, Any], path: str) -> None:
    for name, new in added.items():
        old = present.setdefault(name, new)
        for key in (old.keys() | new.keys()) - {"properties"}:
            if old.get(key) != new.get(key):
                raise ValueError(f"mapper [{path}{name}]: [{key}] cannot be changed")
        if ("properties" in old) != ("properties" in new):
            raise ValueError(f"mapper [{path}{name}] cannot be changed to or from an object")
        if "properties" in old:
            _merge_fields(old["properties"], new["properties"], f"{path}{name}.")


def _error(kind: str, reason: str) -> dict[str, Any]:
    return {"error": {"type": kind, "reason": reason}}
