"""As much of Elasticsearch as the sink speaks to, on this machine; misbehaves on command.

Bulk writes with ``external_gte`` versions kept in memory, searches by the few clauses that tocsin
asks with, refresh, count, index. A search sees what a refresh has made visible, as in the real
one, so a test notices a refresh that is missing.

Faults come from ``faults``: one is used up a bulk request, in order. Every body of a bulk request
that arrived is in ``bulks``.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.servers.http import HANG_UP, RESET, Answer, HttpServer, Received

HEADERS = {
    "X-Elastic-Product": "Elasticsearch",
    "Content-Type": "application/vnd.elasticsearch+json;compatible-with=9",
}


def answered(status: int, body: Mapping[str, Any]) -> Answer:
    """An answer of Elasticsearch."""
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


@dataclass
class Document:
    """What is kept of one document."""

    source: dict[str, Any]
    version: int
    visible: bool = False
    seq_no: int = 0


@dataclass
class ElasticsearchServer(HttpServer):
    """Use as a context manager.

    ``most_bytes``: larger requests are answered 413. ``most_id_bytes``: as in the real one, an id
    that is longer fails the whole request with 400.
    """

    faults: list[Fault] = field(default_factory=list)
    most_bytes: int = 100 * 2**20
    most_id_bytes: int = 512
    documents: dict[tuple[str, str], Document] = field(default_factory=dict)
    bulks: list[list[dict[str, Any]]] = field(default_factory=list)
    """The actions of each bulk request that arrived whole."""
    refreshes: int = 0
    searches: int = 0
    writes: int = 0
    """Documents written, over all indices; the last one is the sequence number of a document."""

    def sources(self, index: str) -> dict[str, dict[str, Any]]:
        """The documents of an index by id, visible or not."""
        return {key[1]: found.source for key, found in self.documents.items() if key[0] == index}

    # --- what it answers -------------------------------------------------------------------

    def answer(self, request: Received) -> Answer:
        match request.parts:
            case ["_bulk"]:
                return self._bulk(request.body)
            case [_, "_doc", id_] if len(id_.encode()) > self.most_id_bytes:
                return answered(400, _failure(400, "action_request_validation_exception"))
            case [index, "_doc", id_]:
                with self.lock:
                    self.documents[index, id_] = Document(request.json, 1)
                return answered(201, {"result": "created"})
            case [_, "_refresh"]:
                with self.lock:
                    self.refresh()
                return answered(200, {})
            case [index, "_search" | "_count"]:
                with self.lock:
                    return answered(200, self.search(index, request.json))
        return answered(404, _failure(404, "no_such_path"))

    def _bulk(self, body: bytes) -> Answer:
        fault = self.faults.pop(0) if self.faults else None
        if isinstance(fault, Reset):
            return RESET
        if isinstance(fault, Stall):
            self.closing.wait()
            return HANG_UP
        if isinstance(fault, Failure):
            return answered(fault.status, _failure(fault.status, fault.type))
        if len(body) > self.most_bytes:
            return answered(413, _failure(413, "content_too_long_exception"))
        lines = body.splitlines()
        ids = [
            action["_id"]
            for line in lines
            for verb, action in json.loads(line).items()
            if verb in ("index", "delete") and isinstance(action, dict)
        ]
        if any(len(id_.encode()) > self.most_id_bytes for id_ in ids):
            return answered(400, _failure(400, "action_request_validation_exception"))
        with self.lock:
            return answered(200, self.bulk(lines, fault))

    def bulk(self, lines: Sequence[bytes], fault: Items | None) -> dict[str, Any]:
        items, errors = [], False
        rest = iter(lines)
        actions = []
        for line in rest:
            ((verb, action),) = json.loads(line).items()
            actions.append(action)
            source = None if verb == "delete" else json.loads(next(rest))
            told = fault.statuses.get(action["_id"]) if fault else None
            result = _failure(*told) if told else self._one(verb, action, source)
            errors |= "error" in result
            items.append({verb: result})
        self.bulks.append(actions)
        return {"took": 1, "errors": errors, "items": items}

    def _one(
        self, verb: str, action: dict[str, Any], source: dict[str, Any] | None
    ) -> dict[str, Any]:
        key = action["_index"], action["_id"]
        present, version = self.documents.get(key), action.get("version", 0)
        if "if_seq_no" in action and (present is None or present.seq_no != action["if_seq_no"]):
            return _failure(409, "version_conflict_engine_exception")
        if verb == "delete" or source is None:
            return {"status": 200 if self.documents.pop(key, None) else 404}
        if present is not None and version < present.version:
            return _failure(409, "version_conflict_engine_exception")
        self.writes += 1
        self.documents[key] = Document(source, version, seq_no=self.writes)
        return {"status": 200 if present else 201}

    def refresh(self) -> None:
        self.refreshes += 1
        for found in self.documents.values():
            found.visible = True

    def search(self, pattern: str, body: dict[str, Any]) -> dict[str, Any]:
        self.searches += 1
        asked = body.get("seq_no_primary_term", False)
        found = [
            {"_index": index, "_id": id_, "_source": document.source}
            | ({"_seq_no": document.seq_no, "_primary_term": 1} if asked else {})
            for (index, id_), document in self.documents.items()
            if document.visible
            and _named(index, pattern)
            and _holds(body.get("query", {"bool": {}}), id_, document.source)
        ]
        names = [name for clause in body.get("sort", []) for name in clause]
        for hit in found:
            hit["sort"] = [hit["_source"].get(name) for name in names]
        found.sort(key=lambda hit: [str(value) for value in hit["sort"]])
        if "search_after" in body:
            found = [hit for hit in found if hit["sort"] > body["search_after"]]
        return {
            "hits": {"total": {"value": len(found)}, "hits": found[: body.get("size", 10)]},
            "count": len(found),
        }


def _failure(status: int, kind: str, reason: str = "") -> dict[str, Any]:
    error: dict[str, Any] = {"type": kind, "reason": reason or f"told to answer {status}"}
    if status == 400:
        error["caused_by"] = {"type": "cause", "reason": "the cause"}
    return {"status": status, "error": error}


def _named(index: str, pattern: str) -> bool:
    return index == pattern or (pattern.endswith("*") and index.startswith(pattern[:-1]))


def _holds(query: dict[str, Any], id_: str, source: dict[str, Any]) -> bool:
    """Whether a document fits a query; a clause that tocsin does not use is an error."""
    ((kind, clause),) = query.items()
    if kind == "bool":
        return all(_holds(inner, id_, source) for inner in clause.get("filter", [])) and not any(
            _holds(inner, id_, source) for inner in clause.get("must_not", [])
        )
    if kind == "ids":
        return id_ in clause["values"]
    if kind == "exists":
        return _value(source, clause["field"]) is not None
    ((name, wanted),) = clause.items()
    value = _value(source, name)
    if kind == "term":
        return bool(value == wanted)
    if kind == "range":
        compare = {
            "lt": lambda bound: value < bound,
            "lte": lambda bound: value <= bound,
            "gte": lambda bound: value >= bound,
        }
        return value is not None and all(compare[key](bound) for key, bound in wanted.items())
    raise AssertionError(f"the server does not know {kind} queries")


def _value(source: dict[str, Any], name: str) -> Any:
    value: Any = source
    for part in name.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value
