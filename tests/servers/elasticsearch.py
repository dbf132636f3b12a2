"""The part of Elasticsearch that the sink uses, in memory, with scripted faults.

Bulk writes with ``external_gte`` versions, the query clauses that tocsin uses, refresh, count and
index. A search sees only refreshed documents, so a test notices a missing refresh.
"""

import json
import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from tests.servers.http import HANG_UP, RESET, Answer, HttpServer, Received

HEADERS = {
    "X-Elastic-Product": "Elasticsearch",
    "Content-Type": "application/vnd.elasticsearch+json;compatible-with=9",
}


COMPARE = {"lt": operator.lt, "lte": operator.le, "gte": operator.ge}


def answered(status: int, body: Mapping[str, Any]) -> Answer:
    return Answer(status, json.dumps(body).encode(), HEADERS)


@dataclass(frozen=True, slots=True)
class Failure:
    """Answer the whole request with an error."""

    status: int
    type: str = "some_exception"


@dataclass(frozen=True, slots=True)
class Items:
    """Answer single items with errors: document id to status, the error's type, and its reason."""

    statuses: Mapping[str, tuple[int, str] | tuple[int, str, str]]


class Reset:
    """Vanish without an answer: a TCP reset."""


class Stall:
    """Read the request and answer nothing until the server is closed."""


Fault = Failure | Items | Reset | Stall
Operation = tuple[str, dict[str, Any], dict[str, Any] | None]
"""Verb, action, and the document unless the verb is ``delete``."""


@dataclass
class Document:
    source: dict[str, Any]
    version: int
    visible: bool = False
    seq_no: int = 0


@dataclass
class ElasticsearchServer(HttpServer):
    faults: list[Fault] = field(default_factory=list)
    """One per bulk request, in order."""
    max_bytes: int = 100 * 2**20
    """Larger requests are answered 413."""
    max_id_bytes: int = 512
    """A longer id fails the whole request with 400, as in the real Elasticsearch."""
    blocked: dict[str, tuple[int, str, str]] = field(default_factory=dict)
    """Index to the answer for each of its items: status, the error's type, and its reason."""
    broken: set[str] = field(default_factory=set)
    """Ids of documents that fail with 500 at each attempt."""
    refused_searches: set[str] = field(default_factory=set)
    """A search that names one of these ids is answered 400."""
    templates: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Index templates by name; simulated only."""
    documents: dict[tuple[str, str], Document] = field(default_factory=dict)
    bulks: list[list[dict[str, Any]]] = field(default_factory=list)
    """The actions of each bulk request that arrived whole."""
    answered_faults: list[str] = field(default_factory=list)
    """The kind of each scripted fault that fired."""
    sizes: list[int] = field(default_factory=list)
    """Bytes of each bulk request."""
    too_large: int = 0
    """Requests that were answered 413."""
    refreshes: int = 0
    searches: int = 0
    deleted: set[str] = field(default_factory=set)
    """Indices whose segments still hold deleted documents."""
    expunged: list[str] = field(default_factory=list)
    writes: int = 0
    """Documents written, over all indices; also the sequence number of the last one."""

    def sources(self, index: str) -> dict[str, dict[str, Any]]:
        """The documents of an index by id, refreshed or not."""
        return {id_: kept.source for (name, id_), kept in self.documents.items() if name == index}

    def answer(self, request: Received) -> Answer:
        match request.parts:
            case ["_bulk"]:
                return self._bulk(request.body)
            case [_, "_doc", id_] if len(id_.encode()) > self.max_id_bytes:
                return _refused(400, "action_request_validation_exception")
            case ["_index_template"]:
                listed = [{"name": n, "index_template": t} for n, t in self.templates.items()]
                return answered(200, {"index_templates": listed})
            case ["_index_template", "_simulate_index", index]:
                return answered(200, {"template": simulated(self.templates, index)})
            case [pattern] if request.parameters.get("expand_wildcards") == "closed":
                with self.lock:
                    hidden = self._hidden(pattern, "index_closed_exception")
                return answered(200, {name: {"aliases": {}} for name in hidden})
            case [index] if request.method == "GET":
                return _refused(404, "index_not_found_exception")
            case [index, "_doc" | "_create", id_]:
                with self.lock:
                    return self._index(index, id_, request)
            case [index, "_mget"]:
                with self.lock:
                    docs = [self._get(index, id_) for id_ in request.json["ids"]]
                    return answered(200, {"docs": docs})
            case [*_, "_stats", "docs"]:
                with self.lock:
                    return answered(200, self._stats())
            case [index, "_settings"]:
                return answered(200, {"acknowledged": True})
            case [index, "_forcemerge"]:
                with self.lock:
                    self.expunged.append(index)
                    self.deleted.discard(index)
                return answered(200, {"task": "node:1"})
            case ["_cluster", "health", pattern]:
                with self.lock:
                    hidden = self._hidden(pattern, "unavailable_shards_exception")
                return answered(200, {"indices": {name: {"status": "red"} for name in hidden}})
            case [_, "_refresh"]:
                with self.lock:
                    self.refresh()
                return answered(200, {})
            case [_, "_search"] if any(
                id_.encode() in request.body for id_ in self.refused_searches
            ):
                return _refused(400, "search_phase_execution_exception")
            case [index, "_search" | "_count"]:
                with self.lock:
                    return answered(200, self.search(index, request.json))
        return _refused(404, "no_such_path")

    def _index(self, index: str, id_: str, request: Received) -> Answer:
        present = self.documents.get((index, id_))
        version = int(request.parameters.get("version", 1))
        wanted = request.parameters.get("if_seq_no")
        if index in self.blocked:
            return _refused(403, "cluster_block_exception")
        if present is not None and (
            ("version" in request.parameters and version < present.version)
            or (wanted is not None and present.seq_no != int(wanted))
        ):
            return _refused(409, "version_conflict_engine_exception")
        self.writes += 1
        self.documents[index, id_] = Document(request.json, version, seq_no=self.writes)
        if present is not None:
            self.deleted.add(index)
        return answered(201, {"result": "created"})

    def _get(self, index: str, id_: str) -> dict[str, Any]:
        """In real time, unlike a search."""
        present = self.documents.get((index, id_))
        return {"_id": id_} if present is None else {"_id": id_, "_source": present.source}

    def _is_hidden(self, index: str) -> bool:
        """Whether a search passes the index: it is closed, or has no shard."""
        kind = self.blocked.get(index, (0, "", ""))[1]
        return kind in ("index_closed_exception", "unavailable_shards_exception")

    def _hidden(self, pattern: str, kind: str) -> list[str]:
        return [
            name
            for name, answer in sorted(self.blocked.items())
            if answer[1] == kind and fnmatchcase(name, pattern)
        ]

    def _stats(self) -> dict[str, Any]:
        names = {index for index, _ in self.documents} | self.deleted
        return {
            "indices": {
                name: {"primaries": {"docs": {"deleted": int(name in self.deleted)}}}
                for name in names
            }
        }

    def _bulk(self, body: bytes) -> Answer:
        fault = self.faults.pop(0) if self.faults else None
        if fault is not None:
            self.answered_faults.append(type(fault).__name__)
        if isinstance(fault, Reset):
            return RESET
        if isinstance(fault, Stall):
            self.closing.wait()
            return HANG_UP
        if isinstance(fault, Failure):
            return _refused(fault.status, fault.type)
        self.sizes.append(len(body))
        if len(body) > self.max_bytes:
            self.too_large += 1
            return _refused(413, "content_too_long_exception")
        operations = _operations(body)
        if any(len(action["_id"].encode()) > self.max_id_bytes for _, action, _ in operations):
            return _refused(400, "action_request_validation_exception")
        with self.lock:
            return answered(200, self.bulk(operations, fault))

    def bulk(self, operations: Sequence[Operation], fault: Items | None) -> dict[str, Any]:
        items = []
        for verb, action, source in operations:
            scripted = fault.statuses.get(action["_id"]) if fault else None
            result = _failure(*scripted) if scripted else self._write(verb, action, source)
            items.append({verb: result})
        self.bulks.append([action for _, action, _ in operations])
        errors = any("error" in result for item in items for result in item.values())
        return {"took": 1, "errors": errors, "items": items}

    def _write(
        self, verb: str, action: dict[str, Any], source: dict[str, Any] | None
    ) -> dict[str, Any]:
        key = action["_index"], action["_id"]
        present, version = self.documents.get(key), action.get("version", 0)
        if key[0] in self.blocked:
            return _failure(*self.blocked[key[0]])
        if key[1] in self.broken:
            return _failure(500, "null_pointer_exception")
        if "if_seq_no" in action and (present is None or present.seq_no != action["if_seq_no"]):
            return _failure(409, "version_conflict_engine_exception")
        if present is not None and "version" in action and version < present.version:
            return _failure(409, "version_conflict_engine_exception")
        if present is not None:
            self.deleted.add(key[0])
        if verb == "delete" or source is None:
            return {"status": 200 if self.documents.pop(key, None) else 404}
        self.writes += 1
        self.documents[key] = Document(source, version, seq_no=self.writes)
        return {"status": 200 if present else 201}

    def refresh(self) -> None:
        self.refreshes += 1
        for document in self.documents.values():
            document.visible = True

    def search(self, pattern: str, body: dict[str, Any]) -> dict[str, Any]:
        self.searches += 1
        with_seq_no = body.get("seq_no_primary_term", False)
        hits = [
            {"_index": index, "_id": id_, "_source": document.source}
            | ({"_seq_no": document.seq_no, "_primary_term": 1} if with_seq_no else {})
            for (index, id_), document in self.documents.items()
            if document.visible
            and not self._is_hidden(index)
            and fnmatchcase(index, pattern)
            and matches(body.get("query", {"bool": {}}), id_, {**document.source, "_index": index})
        ]
        names = [name for clause in body.get("sort", []) for name in clause]
        for hit in hits:
            hit["sort"] = [hit["_source"].get(name) for name in names]
        hits.sort(key=lambda hit: [str(value) for value in hit["sort"]])
        if "search_after" in body:
            hits = [hit for hit in hits if hit["sort"] > body["search_after"]]
        page = {"total": {"value": len(hits)}, "hits": hits[: body.get("size", 10)]}
        return {"hits": page, "count": len(hits)}


def simulated(templates: Mapping[str, dict[str, Any]], index: str) -> dict[str, Any]:
    """What an index would be made of: the template that fits with the highest priority."""
    fitting = [
        template
        for template in templates.values()
        if any(fnmatchcase(index, pattern) for pattern in template["index_patterns"])
    ]
    best = max(fitting, key=lambda template: template.get("priority", 0), default={})
    return {"mappings": {}, "aliases": {}, **best.get("template", {})}


def _operations(body: bytes) -> list[Operation]:
    lines = iter(body.splitlines())
    operations: list[Operation] = []
    for line in lines:
        ((verb, action),) = json.loads(line).items()
        operations.append((verb, action, None if verb == "delete" else json.loads(next(lines))))
    return operations


def _refused(status: int, kind: str) -> Answer:
    return answered(status, _failure(status, kind))


def _failure(status: int, kind: str, reason: str = "") -> dict[str, Any]:
    error: dict[str, Any] = {"type": kind, "reason": reason or f"scripted {status}"}
    if status == 400:
        error["caused_by"] = {"type": "cause", "reason": "the cause"}
    return {"status": status, "error": error}


def matches(query: dict[str, Any], id_: str, source: dict[str, Any]) -> bool:
    """Whether a document matches a query; a clause that tocsin does not use is an error."""
    ((kind, clause),) = query.items()
    if kind == "match_all":
        return True
    if kind == "bool":
        either = clause.get("should", [])
        return (
            all(matches(inner, id_, source) for inner in clause.get("filter", []))
            and (not either or any(matches(inner, id_, source) for inner in either))
            and not any(matches(inner, id_, source) for inner in clause.get("must_not", []))
        )
    if kind == "ids":
        return id_ in clause["values"]
    if kind == "exists":
        return _value(source, clause["field"]) is not None
    ((name, wanted),) = clause.items()
    value = _value(source, name)
    if kind == "term":
        return bool(value == wanted or (isinstance(value, list) and wanted in value))
    if kind == "terms":
        return not set(value if isinstance(value, list) else [value]).isdisjoint(wanted)
    if kind == "range":
        return value is not None and all(COMPARE[key](value, b) for key, b in wanted.items())
    raise AssertionError(f"the server does not know {kind} queries")


def _value(source: dict[str, Any], name: str) -> Any:
    value: Any = source
    for part in name.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value
