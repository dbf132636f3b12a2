"""The part of Elasticsearch that keeps alerts: documents by sequence number, and searches.

It has the mentions that a test gives it, too.
"""

import json
from dataclasses import dataclass, field
from typing import Any

from tests.servers.elasticsearch import answered, matches
from tests.servers.http import Answer, HttpServer, Received


@dataclass
class AlertIndex(HttpServer):
    """``answers`` are statuses for the next writes, used up in order."""

    documents: dict[str, dict[str, Any]] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    answers: list[int] = field(default_factory=list)
    reads_until_interference: int | None = None
    """After so many reads, another client changes the document that was read."""
    writes: int = 0
    mentions: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Documents by id, which a search of ``tocsin-mentions`` finds."""
    others: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    """Documents of other indices, by index and id, for reads of several at once."""

    def answer(self, request: Received) -> Answer:
        index, action, *rest = request.parts
        if action == "_mget":
            docs = [self._one(index, id_) for id_ in request.json["ids"]]
            return answered(200, {"docs": docs})
        if index == "tocsin-mentions":
            return answered(200, self._mentions(request.json))
        if action == "_search":
            return answered(200, self._search(request.json))
        if request.method == "GET":
            return self._get(rest[0])
        if self.answers:
            status = self.answers.pop(0)
            return answered(status, {"error": {"type": "scripted", "reason": f"scripted {status}"}})
        creates = action == "_create" or request.parameters.get("op_type") == "create"
        return self._put(rest[0], creates, request.parameters.get("if_seq_no"), request.json)

    def _one(self, index: str, id_: str) -> dict[str, Any]:
        source = self.others.get((index, id_))
        return {"_id": id_} if source is None else {"_id": id_, "_source": source}

    def _get(self, id_: str) -> Answer:
        if id_ not in self.documents:
            return answered(404, {"_id": id_, "found": False})
        source = json.loads(json.dumps(self.documents[id_]))
        document = {"_id": id_, "found": True, "_source": source}
        document |= {"_seq_no": self.numbers[id_], "_primary_term": 1}
        if self.reads_until_interference is not None:
            self.reads_until_interference -= 1
            if self.reads_until_interference <= 0:
                self.reads_until_interference = None
                desk = {**self.documents[id_].get("desk", {}), "assignee": "ben"}
                self._keep(id_, {**self.documents[id_], "desk": desk})
        return answered(200, document)

    def _put(self, id_: str, creates: bool, wanted: str | None, source: dict[str, Any]) -> Answer:
        present = self.numbers.get(id_)
        if (creates and present is not None) or (wanted is not None and str(present) != wanted):
            kind = "version_conflict_engine_exception"
            return answered(409, {"error": {"type": kind, "reason": "another client wrote it"}})
        self._keep(id_, source)
        return answered(200, {"_id": id_, "result": "updated"})

    def _keep(self, id_: str, source: dict[str, Any]) -> None:
        self.writes += 1
        self.documents[id_], self.numbers[id_] = source, self.writes

    def _search(self, body: dict[str, Any]) -> dict[str, Any]:
        hits = [
            {"_id": id_, "_source": source, "sort": [source["raised_at"], id_]}
            for id_, source in sorted(self.documents.items())
            if matches(body["query"], id_, source)
        ]
        hits.sort(key=lambda hit: str(hit["_source"]["raised_at"]), reverse=True)
        if "search_after" in body:
            keys = [hit["sort"] for hit in hits]
            hits = hits[keys.index(body["search_after"]) + 1 :]
        return {"hits": {"hits": hits[: body["size"]]}}

    def _mentions(self, body: dict[str, Any]) -> dict[str, Any]:
        found = [
            {"_id": id_, "_source": source}
            for id_, source in self.mentions.items()
            if matches(body["query"], id_, source)
        ]
        found.sort(key=lambda hit: str(hit["_source"]["created_at"]), reverse=True)
        return {"hits": {"total": {"value": len(found)}, "hits": found[: body["size"]]}}
