"""Taking away all that an author wrote, when the account is gone.

A post of that author may still be on its way through Kafka in another partition, so the erasure
is written down in the index of erasures and swept again until the topics keep nothing older.
"""

from datetime import datetime, timedelta

from elasticsearch import Elasticsearch

from runtime.logs import get_logger
from schemas.ids import EPOCH, post_id
from sinks.elasticsearch.bulk import write
from sinks.elasticsearch.connection import Hit, pages
from sinks.elasticsearch.documents import tombstone
from sinks.elasticsearch.mappings import NOT_DELETED, IndexNames

log = get_logger("erasure")
_PAGE = 500


class ErasureIncomplete(Exception):
    """The cluster did not take every tombstone; to be tried again."""


def remember(
    client: Elasticsearch,
    names: IndexNames,
    source: str,
    author_id: str,
    version: int,
    at: datetime,
) -> None:
    """Write the erasure down, before it is done."""
    client.index(
        index=names.erasures,
        id=post_id(source, author_id),
        document={
            "source": source,
            "author_id": author_id,
            "version": version,
            "erased_at": at.isoformat(),
        },
    )


def erase(
    client: Elasticsearch,
    names: IndexNames,
    source: str,
    author_id: str,
    version: int,
    at: datetime,
) -> int:
    """Replace the author's posts up to ``version`` by tombstones; returns how many.

    A tombstone that is refused for good is said, and keeps nobody from the others.
    """
    wanted = [
        {"term": {"source": source}},
        {"term": {"author.id": author_id}},
        {"range": {"version": {"lte": version}}},
    ]
    erased, skipped = 0, list[str]()
    while True:
        unwanted = [*NOT_DELETED["bool"]["must_not"], {"ids": {"values": skipped}}]
        client.indices.refresh(index=names.mentions_pattern, ignore_unavailable=True)
        found = client.search(
            index=names.mentions_pattern,
            query={"bool": {"filter": wanted, "must_not": unwanted}},
            size=_PAGE,
            source=False,
            ignore_unavailable=True,
        )["hits"]["hits"]
        if not found:
            return erased
        outcome = write(
            client,
            [tombstone(hit["_id"], source, version, hit["_index"], at) for hit in found],
        )
        for refused, why in outcome.rejected:
            log.error("tombstone refused; its post stays", id=refused.id, why=why)
            skipped.append(refused.id)
        if outcome.retry:
            raise ErasureIncomplete(outcome.why)
        skipped += [later.id for later in outcome.superseded]
        erased += len(outcome.written)


def sweep(client: Elasticsearch, names: IndexNames, now: datetime, keep_days: float) -> int:
    """Do again every erasure that a post under way could have slipped past; returns how many."""
    since = now - timedelta(days=keep_days)
    erased = 0
    for page in pages(
        client.search,
        index=names.erasures,
        query={"range": {"erased_at": {"gte": since.isoformat()}}},
        sort=[{"erased_at": "asc"}, {"author_id": "asc"}],
        size=_PAGE,
    ):
        for hit in page:
            entry = hit["_source"]
            erased += erase(
                client, names, entry["source"], entry["author_id"], entry["version"], now
            )
    return erased


def purge(client: Elasticsearch, names: IndexNames, now: datetime, keep_days: float) -> int:
    """Delete tombstones older than ``keep_days`` for good; returns how many.

    By then the topics hold no older state of those posts that a replay could bring back. What was
    written over a tombstone since it was found is left alone.
    """
    before = max(EPOCH, now - timedelta(days=keep_days)).isoformat()
    purged = 0
    while True:
        client.indices.refresh(index=names.mentions_pattern, ignore_unavailable=True)
        found = client.search(
            index=names.mentions_pattern,
            query={"range": {"deleted_at": {"lt": before}}},
            size=_PAGE,
            source=False,
            seq_no_primary_term=True,
            ignore_unavailable=True,
        )["hits"]["hits"]
        if not found:
            return purged
        answer = client.bulk(operations=[{"delete": _as_found(hit)} for hit in found])
        statuses = [item["delete"]["status"] for item in answer["items"]]
        if not {200, 404, 409}.issuperset(statuses):
            raise ErasureIncomplete("old tombstones were not deleted; trying again later")
        purged += statuses.count(200)


def _as_found(hit: Hit) -> dict[str, object]:
    """The document of a hit, in the state that the search saw; in any other it is a conflict."""
    return {
        "_index": hit["_index"],
        "_id": hit["_id"],
        "if_seq_no": hit["_seq_no"],
        "if_primary_term": hit["_primary_term"],
    }
