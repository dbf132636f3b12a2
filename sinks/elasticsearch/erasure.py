"""Deletes everything that an author wrote, when the account is gone.

A post of the author may still be in Kafka, in another partition. So an erasure is recorded in an
index, and swept again until the topics hold nothing older.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from elasticsearch import Elasticsearch

from runtime.logs import get_logger
from schemas.ids import EPOCH, post_id
from schemas.types import JsonObject
from sinks.elasticsearch.bulk import write
from sinks.elasticsearch.connection import Hit, pages
from sinks.elasticsearch.documents import tombstone
from sinks.elasticsearch.mappings import NOT_DELETED, IndexNames
from sinks.elasticsearch.plan import refresh

log = get_logger("erasure")
_PAGE = 500


class Erasure(NamedTuple):
    """An author, and the last version of a post that the erasure covers."""

    source: str
    author_id: str
    version: int


class ErasureIncomplete(Exception):
    """The cluster did not take every tombstone; try again."""


class ErasureBlocked(ErasureIncomplete):
    """All but the posts in these indices are erased: the indices take no writes."""

    def __init__(self, erased: int, blocked: Mapping[str, str]) -> None:
        super().__init__("; ".join(blocked.values()))
        self.erased = erased
        self.indices = tuple(blocked)


def remember(client: Elasticsearch, names: IndexNames, erasure: Erasure, at: datetime) -> None:
    """Record the erasure, before it is carried out."""
    client.index(
        index=names.erasures,
        id=post_id(erasure.source, erasure.author_id),
        document={**erasure._asdict(), "erased_at": at.isoformat()},
    )


def erase(client: Elasticsearch, names: IndexNames, erasure: Erasure, at: datetime) -> int:
    """Replace the posts of the author by tombstones; returns how many.

    A tombstone that is refused for good is logged and skipped. Raises :class:`ErasureBlocked` at
    the end if posts stay in indices that take no writes.
    """
    source, _, version = erasure
    wanted = _of_author(erasure)
    erased, skipped, blocked = 0, list[str](), dict[str, str]()
    while True:
        unwanted = [*NOT_DELETED["bool"]["must_not"], {"ids": {"values": skipped}}]
        hits = _search(client, names, {"bool": {"filter": wanted, "must_not": unwanted}})
        if not hits and blocked:
            raise ErasureBlocked(erased, blocked)
        if not hits:
            return erased
        tombstones = [tombstone(hit["_id"], source, version, hit["_index"], at) for hit in hits]
        outcome = write(client, tombstones)
        for refused, why in outcome.rejected:
            log.error("tombstone refused; its post stays", id=refused.id, why=why)
            skipped.append(refused.id)
        if outcome.retry:
            raise ErasureIncomplete(outcome.why)
        for stays, why in outcome.blocked:
            blocked[stays.index] = why
            skipped.append(stays.id)
        skipped += [later.id for later in outcome.superseded]
        erased += len(outcome.written)


def count(client: Elasticsearch, names: IndexNames, erasure: Erasure) -> int:
    """The posts that ``erase`` would replace now."""
    refresh(client, names)
    query = {"bool": {"filter": _of_author(erasure), **NOT_DELETED["bool"]}}
    answer = client.count(index=names.mentions_pattern, query=query, ignore_unavailable=True)
    return int(answer["count"])


def _of_author(erasure: Erasure) -> list[JsonObject]:
    return [
        {"term": {"source": erasure.source}},
        {"term": {"author.id": erasure.author_id}},
        {"range": {"version": {"lte": erasure.version}}},
    ]


def sweep(client: Elasticsearch, names: IndexNames, now: datetime, keep_days: float) -> int:
    """Repeat the erasures of the last ``keep_days``, for late posts; returns how many posts."""
    since = now - timedelta(days=keep_days)
    recorded = pages(
        client.search,
        index=names.erasures,
        query={"range": {"erased_at": {"gte": since.isoformat()}}},
        sort=[{"erased_at": "asc"}, {"author_id": "asc"}],
        size=_PAGE,
    )
    return sum(
        erase(client, names, Erasure(*(hit["_source"][name] for name in Erasure._fields)), now)
        for page in recorded
        for hit in page
    )


def purge(client: Elasticsearch, names: IndexNames, now: datetime, keep_days: float) -> int:
    """Delete tombstones older than ``keep_days`` for good; returns how many.

    By then the topics hold no older state that a replay could bring back. A document that replaced
    its tombstone since the search is left alone.
    """
    before = max(EPOCH, now - timedelta(days=keep_days)).isoformat()
    old = {"range": {"deleted_at": {"lt": before}}}
    purged = 0
    while hits := _search(client, names, old, seq_no_primary_term=True):
        answer = client.bulk(operations=[{"delete": _as_searched(hit)} for hit in hits])
        statuses = [item["delete"]["status"] for item in answer["items"]]
        if not {200, 404, 409}.issuperset(statuses):
            raise ErasureIncomplete("old tombstones were not deleted; try again later")
        purged += statuses.count(200)
    return purged


def _search(
    client: Elasticsearch, names: IndexNames, query: JsonObject, **options: bool
) -> list[Hit]:
    """A page of the mentions that match now, without their sources."""
    refresh(client, names)
    answer = client.search(
        index=names.mentions_pattern,
        query=query,
        size=_PAGE,
        source=False,
        ignore_unavailable=True,
        **options,  # type: ignore[arg-type]
    )
    hits: list[Hit] = answer["hits"]["hits"]
    return hits


def _as_searched(hit: Hit) -> dict[str, object]:
    """The document of a hit in the state that the search saw; any other state is a conflict."""
    return {
        "_index": hit["_index"],
        "_id": hit["_id"],
        "if_seq_no": hit["_seq_no"],
        "if_primary_term": hit["_primary_term"],
    }
