"""Deletes for good: expired posts, tombstones, old records of all kinds, and their last bytes.

A deleted document stays in its segment until Elasticsearch merges it. :func:`expunge` merges the
segments that hold deleted documents, at most once a stated time.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice

from elasticsearch import Elasticsearch

from schemas.ids import EPOCH
from schemas.types import JsonObject
from sinks.elasticsearch.connection import Hit
from sinks.elasticsearch.erasure import ErasureIncomplete
from sinks.elasticsearch.indices.mappings import IndexNames

_PAGE = 500
MAX_EXPIRED_PAGES = 20
"""Pages of expired posts that one round deletes, so a round is done in seconds."""
_GONE = (200, 404, 409)
"""Answers to a delete: it is gone, or replaced since the search."""
_EXPUNGE_ALL = {"index.merge.policy.expunge_deletes_allowed": 0}
"""Percent of deleted documents that a merge may leave in a segment; Elasticsearch leaves 10."""


def purge(client: Elasticsearch, names: IndexNames, now: datetime, keep_days: float) -> int:
    """Delete tombstones and recorded deletes older than ``keep_days``; returns how many.

    By then the topics hold no older state that a replay could bring back. A document that was
    replaced since the search is left alone. Raises :class:`ErasureIncomplete`, after the others
    are deleted, if an index does not take its deletes.
    """
    old = {"range": {"deleted_at": {"lt": _before(now, keep_days)}}}
    return _delete(client, (names.mentions_pattern, names.removals), old)


def purge_erasures(
    client: Elasticsearch, names: IndexNames, now: datetime, keep_days: float
) -> int:
    """Delete records of erasures that were done ``keep_days`` ago; returns how many."""
    done = {"range": {"done_at": {"lt": _before(now, keep_days)}}}
    return _delete(client, (names.erasures,), done)


def purge_expired(
    client: Elasticsearch, names: IndexNames, now: datetime, pages: int | None = MAX_EXPIRED_PAGES
) -> int:
    """Delete mentions that their source lets nobody keep any longer; returns how many.

    Ends after so many ``pages`` in each pattern, or with the last one. Raises as :func:`purge`
    does. A replay of the post writes it again, and the next round deletes it again.
    """
    expired = {"range": {"keep_until": {"lt": now.isoformat()}}}
    return _delete(client, (names.mentions_pattern,), expired, pages)


def purge_coverage(
    client: Elasticsearch, names: IndexNames, now: datetime, keep_days: float
) -> int:
    """Delete records of coverage that were last told ``keep_days`` ago; returns how many."""
    old = {"range": {"told_at": {"lt": _before(now, keep_days)}}}
    return _delete(client, (names.coverage,), old)


def _before(now: datetime, days: float) -> str:
    return max(EPOCH, now - timedelta(days=days)).isoformat()


def _delete(
    client: Elasticsearch, indices: Sequence[str], query: JsonObject, pages: int | None = None
) -> int:
    """Delete what matches in each index; one that takes no deletes does not stop the others."""
    deleted, refusing = 0, set[str]()
    for index in indices:
        gone, refuse = _delete_in(client, index, query, pages)
        deleted, refusing = deleted + gone, refusing | refuse
    if refusing:
        names = ", ".join(sorted(refusing))
        raise ErasureIncomplete(f"not deleted yet in {names[:300]}; it is tried again", deleted)
    return deleted


def _delete_in(
    client: Elasticsearch, index: str, query: JsonObject, pages: int | None
) -> tuple[int, set[str]]:
    """Returns how many are deleted, and the indices that take no deletes."""
    deleted, refusing = 0, set[str]()
    for hits in islice(_found(client, index, query, refusing), pages):
        answer = client.bulk(operations=[{"delete": _as_searched(hit)} for hit in hits])
        statuses = [item["delete"]["status"] for item in answer["items"]]
        refusing |= {
            hit["_index"] for hit, status in zip(hits, statuses, strict=True) if status not in _GONE
        }
        deleted += statuses.count(200)
    return deleted, refusing


def _found(
    client: Elasticsearch, index: str, query: JsonObject, refusing: set[str]
) -> Iterator[list[Hit]]:
    """Pages of what matches now, until nothing does; without the indices that are ``refusing``."""
    while True:
        client.indices.refresh(index=index, ignore_unavailable=True)
        others = {"must_not": [{"terms": {"_index": sorted(refusing)}}]}
        hits: list[Hit] = client.search(
            index=index,
            query={"bool": {"filter": [query], **others}},
            size=_PAGE,
            source=False,
            ignore_unavailable=True,
            seq_no_primary_term=True,
        )["hits"]["hits"]
        if not hits:
            return
        yield hits


def _as_searched(hit: Hit) -> dict[str, object]:
    """The document of a hit in the state that the search saw; any other state is a conflict."""
    return {
        "_index": hit["_index"],
        "_id": hit["_id"],
        "if_seq_no": hit["_seq_no"],
        "if_primary_term": hit["_primary_term"],
    }


def expunge(client: Elasticsearch, names: IndexNames) -> list[str]:
    """Merge the segments that hold deleted documents; returns the indices.

    Returns when the cluster has taken the task; the merge goes on behind it.
    """
    patterns = [names.mentions_pattern, *(f"{index}*" for index in names.fixed)]
    statistics = client.indices.stats(index=patterns, metric=["docs"])
    months = names.mentions_pattern.removesuffix("*")
    indices = sorted(
        index
        for index, each in statistics.get("indices", {}).items()
        if (index.startswith(months) or index in names.fixed)
        and each["primaries"].get("docs", {}).get("deleted", 0)
    )
    for index in indices:
        client.indices.put_settings(index=index, settings=_EXPUNGE_ALL)
        client.indices.forcemerge(index=index, only_expunge_deletes=True, wait_for_completion=False)
    return indices
