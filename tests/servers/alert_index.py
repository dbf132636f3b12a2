"""As much of Elasticsearch as the index of alerts speaks to: one document at a time, by sequence
number, and searches by brand and severity."""

import json
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import unquote

from tests.servers.http_desk import Answer, HttpDesk, Received

HEADERS = {
    "X-Elastic-Product": "Elasticsearch",
    "Content-Type": "application/vnd.elasticsearch+json;compatible-with=9",
}


@dataclass
class AlertIndex:
    """Use as a context manager. ``answers`` are statuses for the next writes, used up in order."""

    documents: dict[str, dict[str, Any]] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    answers: list[int] = field(default_factory=list)
    reads_until_interference: int | None = None
    """After so many reads, somebody else changes the document that was read."""
    writes: int = 0

    def __enter__(self) -> Self:
        self._http = HttpDesk(decide=self._decide).__enter__()
        return self

    def __exit__(self, *details: object) -> None:
        self._http.__exit__(*details)

    @property
    def url(self) -> str:
        return self._http.url

    def _decide(self, request: Received) -> Answer:
        path, _, query = request.path.partition("?")
        _, action, *rest = path.strip("/").split("/")
        parameters = dict(pair.partition("=")[::2] for pair in query.split("&") if pair)
        if action == "_search":
            return _answer(200, self._search(json.loads(request.body)))
        id_ = unquote(rest[0])
        if request.method == "GET":
            return self._get(id_)
        if self.answers:
            status = self.answers.pop(0)
            return _answer(status, {"error": {"type": "told", "reason": f"told to say {status}"}})
        return self._put(id_, action, parameters, json.loads(request.body))

    def _get(self, id_: str) -> Answer:
        if id_ not in self.documents:
            return _answer(404, {"_id": id_, "found": False})
        found = {
            "_id": id_,
            "found": True,
            "_source": json.loads(json.dumps(self.documents[id_])),
            "_seq_no": self.numbers[id_],
            "_primary_term": 1,
        }
        if self.reads_until_interference is not None:
            self.reads_until_interference -= 1
            if self.reads_until_interference <= 0:
                self.reads_until_interference = None
                desk = {**self.documents[id_].get("desk", {}), "assignee": "ben"}
                self._keep(id_, {**self.documents[id_], "desk": desk})
        return _answer(200, found)

    def _put(
        self, id_: str, action: str, parameters: dict[str, str], source: dict[str, Any]
    ) -> Answer:
        creates = action == "_create" or parameters.get("op_type") == "create"
        wanted = parameters.get("if_seq_no")
        present = self.numbers.get(id_)
        if (creates and present is not None) or (wanted is not None and str(present) != wanted):
            kind = "version_conflict_engine_exception"
            return _answer(409, {"error": {"type": kind, "reason": "somebody else wrote it"}})
        self._keep(id_, source)
        return _answer(200, {"_id": id_, "result": "updated"})

    def _keep(self, id_: str, source: dict[str, Any]) -> None:
        self.writes += 1
        self.documents[id_], self.numbers[id_] = source, self.writes

    def _search(self, body: dict[str, Any]) -> dict[str, Any]:
        found = [
            {"_id": id_, "_source": source, "sort": [source["raised_at"], id_]}
            for id_, source in self.documents.items()
            if all(_fits(source, clause) for clause in body["query"]["bool"]["filter"])
        ]
        found.sort(key=lambda hit: hit["_id"])
        found.sort(key=lambda hit: str(hit["_source"]["raised_at"]), reverse=True)
        if "search_after" in body:
            places = [hit["sort"] for hit in found]
            found = found[places.index(body["search_after"]) + 1 :]
        return {"hits": {"hits": found[: body["size"]]}}


def _fits(source: dict[str, Any], clause: dict[str, Any]) -> bool:
    ((kind, inner),) = clause.items()
    ((name, wanted),) = inner.items()
    if kind == "term":
        return bool(source[name] == wanted)
    assert kind == "range"
    return bool(source[name] >= wanted["gte"])


def _answer(status: int, body: dict[str, Any]) -> Answer:
    return Answer(status, json.dumps(body).encode(), HEADERS)
