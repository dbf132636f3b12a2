"""A search that counts what it is asked and answers as an index would, without one."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from schemas.errors import ServiceUnavailable
from schemas.mention import MentionUpsert
from schemas.types import JsonObject
from sinks.elasticsearch.documents import to_document
from tower.questions.question import Search


@dataclass
class FakeSearch:
    """Every search finds ``mentions`` or ``alerts``, whatever its query is.

    Counts of an aggregation are plausible and not consistent. ``gate``: each request waits for it.
    """

    mentions: Sequence[MentionUpsert] = ()
    alerts: Sequence[JsonObject] = ()
    requests: list[list[Search]] = field(default_factory=list)
    away: str | None = None
    """The index does not answer, for this reason."""
    broken: set[str] = field(default_factory=set)
    """Indices whose searches fail, each for itself."""
    partial: bool = False
    gate: asyncio.Event | None = None
    change: Callable[[list[Any]], list[Any]] = lambda responses: responses
    """What becomes of the responses."""

    @property
    def searches(self) -> list[Search]:
        return [search for request in self.requests for search in request]

    async def __call__(self, searches: Sequence[Search]) -> list[Any]:
        self.requests.append(list(searches))
        if self.gate is not None:
            await self.gate.wait()
        if self.away is not None:
            raise ServiceUnavailable(self.away)
        return self.change([self._response(search) for search in searches])

    def _response(self, search: Search) -> JsonObject:
        if search.index in self.broken:
            cause = {"type": "parsing_exception", "reason": "no such thing"}
            return {"error": {"root_cause": [cause]}, "status": 400}
        sources = self._sources(search)
        size = search.body.get("size", 10)
        hits = [{"_source": source, "sort": _sort(search, source)} for source in sources[:size]]
        return {
            "took": 3,
            "timed_out": self.partial,
            "_shards": {"total": 1, "failed": 0},
            "hits": {"total": {"value": len(sources), "relation": "eq"}, "hits": hits},
            "aggregations": self._aggregations(search.body.get("aggs", {}), sources),
        }

    def _sources(self, search: Search) -> list[JsonObject]:
        if search.index == "alerts":
            return list(self.alerts)
        if search.index != "mentions":
            return []
        documents = [to_document(event) for event in self.mentions]
        return [msgspec.json.decode(msgspec.json.encode(document)) for document in documents]

    def _aggregations(self, wanted: JsonObject, sources: list[JsonObject]) -> JsonObject:
        return {name: self._aggregation(each, sources) for name, each in wanted.items()}

    def _aggregation(self, wanted: JsonObject, sources: list[JsonObject]) -> JsonObject:
        (kind,) = wanted.keys() - {"aggs"}
        count = len(sources)
        inner = self._aggregations(wanted.get("aggs", {}), sources)
        bucket = {"doc_count": count, **inner}
        if kind == "filters":
            return {"buckets": dict.fromkeys(wanted[kind]["filters"], bucket)}
        if kind == "terms":
            keys = _values(wanted[kind]["field"], sources) if count else []
            return {"buckets": [{"key": key, **bucket} for key in keys[: wanted[kind]["size"]]]}
        if kind == "date_histogram":
            width = int(wanted[kind]["fixed_interval"].removesuffix("s")) * 1000
            times = {_ms(source["created_at"]) // width * width for source in sources}
            return {"buckets": [{"key": time, **bucket} for time in sorted(times)]}
        if kind == "top_hits":
            return {"hits": {"hits": [{"_source": source} for source in sources[:1]]}}
        if kind in ("filter", "missing"):
            return bucket
        assert kind in ("cardinality", "sum", "max", "min", "avg", "value_count"), kind
        return {"value": count if kind == "cardinality" else float(count)}


def _values(path: str, sources: list[JsonObject]) -> list[Any]:
    """The values of a field, each once."""
    found: dict[Any, None] = {}
    for source in sources:
        value: Any = source
        for name in path.split("."):
            value = value.get(name) if isinstance(value, dict) else None
        found |= dict.fromkeys(value if isinstance(value, list) else [value])
    return [value for value in found if isinstance(value, str | int | float)]


def _ms(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


def _sort(search: Search, source: JsonObject) -> list[Any]:
    if search.index == "alerts":
        return [_ms(source["raised_at"]), source["id"]]
    return [_ms(source["created_at"]), source["id"]]
