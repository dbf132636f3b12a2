"""A client of an index of documents in memory: it keeps sequence numbers as Elasticsearch does."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import msgspec
from elastic_transport import ApiResponseMeta, HttpHeaders, NodeConfig
from elastic_transport import ConnectionError as TransportFault
from elasticsearch import ConflictError, NotFoundError

from runtime.settings import ElasticsearchSettings, load
from schemas.types import JsonObject
from sinks.elasticsearch.indices.mappings import IndexNames


@dataclass
class StoredDocuments:
    """What ``sinks.alerts.store.update`` and the stores of tabs and reports call.

    ``before_write``: runs once, between the next read and its write, as another writer would.
    """

    documents: dict[tuple[str, str], JsonObject] = field(default_factory=dict)
    numbers: dict[tuple[str, str], int] = field(default_factory=dict)
    before_write: Callable[[], None] | None = None
    away: bool = False
    conflicts: int = 0

    @property
    def indices(self) -> "StoredDocuments":
        return self

    def refresh(self, index: str, **options: Any) -> None:
        self._check()

    def of(self, index: str) -> list[JsonObject]:
        return [source for (place, _), source in self.documents.items() if place == index]

    def put(self, index: str, id_: str, source: JsonObject) -> None:
        """Writes it, as JSON: what a caller keeps is not what is stored."""
        self.documents[index, id_] = msgspec.json.decode(msgspec.json.encode(source))
        self.numbers[index, id_] = self.numbers.get((index, id_), -1) + 1

    def get(self, *, index: str, id: str) -> JsonObject:
        self._check()
        if (index, id) not in self.documents:
            raise NotFoundError("not found", _meta(404), {"found": False})
        place = (index, id)
        return {
            "_source": self.documents[place],
            "_seq_no": self.numbers[place],
            "_primary_term": 1,
        }

    def mget(self, *, index: str, ids: Sequence[str], filter_path: Sequence[str]) -> JsonObject:
        self._check()
        found = [(id_, self.documents.get((index, id_))) for id_ in ids]
        return {
            "docs": [
                {"_id": id_} if source is None else {"_id": id_, "_source": source}
                for id_, source in found
            ]
        }

    def index(self, *, index: str, id: str, document: JsonObject, **condition: Any) -> None:
        self._check()
        if self.before_write is not None:
            other, self.before_write = self.before_write, None
            other()
        number = self.numbers.get((index, id))
        if number != condition.get("if_seq_no"):
            self.conflicts += 1
            raise ConflictError("conflict", _meta(409), {})
        self.put(index, id, document)

    def search(self, *, index: str, query: JsonObject, size: int, **options: Any) -> JsonObject:
        self._check()
        found = self.of(index)
        if "term" in query:
            ((name, value),) = query["term"].items()
            found = [source for source in found if source.get(name) == value]
        return {"hits": {"hits": [{"_source": source} for source in found[:size]]}}

    def _check(self) -> None:
        if self.away:
            raise TransportFault("connection refused")


class StoredClient:
    """Stands where the application's client is: acts and tabs are written, searches are faked."""

    def __init__(self) -> None:
        self.settings = load(ElasticsearchSettings)
        self.names = IndexNames(self.settings)
        self.stored = StoredDocuments()
        self._threads = ThreadPoolExecutor(2)

    def in_thread(self) -> tuple[StoredDocuments, ThreadPoolExecutor]:
        return self.stored, self._threads

    def close(self) -> None:
        self._threads.shutdown()


def _meta(status: int) -> ApiResponseMeta:
    node = NodeConfig("http", "127.0.0.1", 9200)
    return ApiResponseMeta(status, "1.1", HttpHeaders(), 0.0, node)
