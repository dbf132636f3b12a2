"""Deletes everything that an author wrote, when the account is gone.

An erasure is recorded first, under the hash of the author. The sink holds every later upsert
against the record. The sweep repeats recent erasures for what slipped past, and finishes those
that an index did not take.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from elasticsearch import ConflictError, Elasticsearch

from runtime import metrics
from runtime.logs import get_logger
from schemas.ids import author_hash, microseconds
from schemas.types import JsonObject
from sinks.elasticsearch.alert_redaction import account_ids, redacted
from sinks.elasticsearch.connection import Hit, pages
from sinks.elasticsearch.documents import Operation, tombstone
from sinks.elasticsearch.indices.mappings import NOT_DELETED, IndexNames
from sinks.elasticsearch.lookup import copy_of, refresh, unsearchable
from sinks.elasticsearch.placement import Erased
from sinks.elasticsearch.report_redaction import redacted_report
from sinks.elasticsearch.writes.bulk import write

log = get_logger("erasure")
_PAGE = 500
_AUTHORS = 1_000
"""Authors in one query."""
MAX_PASSES = 1_000
"""Passes of one erasure, each of at most ``_PAGE`` posts and ``_AUTHORS`` authors."""


class Erasure(NamedTuple):
    """An author, and the last version of a post that the erasure covers."""

    source: str
    author_id: str
    version: int

    @property
    def hash(self) -> str:
        return author_hash(self.source, self.author_id)


class ErasureIncomplete(Exception):
    """The cluster did not take every tombstone; try again. ``erased``: the posts that went."""

    def __init__(self, why: str, erased: int = 0) -> None:
        super().__init__(why)
        self.erased = erased


def remember(
    client: Elasticsearch,
    names: IndexNames,
    erasure: Erasure,
    at: datetime,
    done_at: datetime | None = None,
) -> None:
    """Record the erasure, before it is carried out and after it is done.

    A later erasure of the same author stays.
    """
    document = {**erasure._asdict(), "erased_at": at.isoformat()}
    if done_at is not None:
        document["done_at"] = done_at.isoformat()
    try:
        client.index(
            index=names.erasures,
            id=erasure.hash,
            document=document,
            version=erasure.version,
            version_type="external_gte",
        )
    except ConflictError:
        return
    if done_at is not None:
        metrics.SINK_ERASURE_SECONDS.observe(max(0.0, (done_at - at).total_seconds()))


def carry_out(
    client: Elasticsearch, names: IndexNames, erasure: Erasure, since: datetime, now: datetime
) -> int:
    """Erase, redact alerts and reports, and record that it is done; returns how many posts.

    ``since``: the time of the erasure. Raises :class:`ErasureIncomplete`.
    """
    erased = erase(client, names, erasure, since, now)
    redact(client, names, [erasure])
    remember(client, names, erasure, since, now)
    return erased


def erase(
    client: Elasticsearch, names: IndexNames, erasure: Erasure, since: datetime, now: datetime
) -> int:
    """Replace the posts of the author, and the copies of their words, by tombstones.

    Returns how many. ``since``: the time of the erasure; what was read later may stay. A tombstone
    that is refused for good is logged and skipped.
    """
    refresh(client, names)
    return _erase_all(client, names, [(erasure, microseconds(since))], now)


Due = tuple[Erasure, int]
"""An erasure, and its time in microseconds since 1970."""


def _erase_all(client: Elasticsearch, names: IndexNames, due: Sequence[Due], at: datetime) -> int:
    """Erase many authors of one source; one search if none of them has a post."""
    source = due[0][0].source
    covers = {erasure.author_id: Erased(erasure.version, when) for erasure, when in due}
    left = list[str]()
    erased, why = 0, ""
    for _ in range(MAX_PASSES):
        hits = _living(client, names, source, list(covers), left)
        if not hits:
            break
        operations = list[Operation]()
        for hit in hits:
            copy, theirs = copy_of(hit), _authors(hit)
            found = [covers[author] for author in theirs if author in covers]
            if any(one.covers(source, copy.version, copy.ingested) for one in found):
                version = max(copy.version + 1, *(one.version for one in found))
                operations.append(tombstone(copy.id, source, version, copy.place, at))
            else:
                left.append(copy.id)
        outcome = write(client, operations)
        for refused, reason in outcome.rejected:
            log.error("tombstone refused; its post stays", id=refused.id, why=reason)
        why = outcome.why if outcome.retry else why
        for _, reason in outcome.blocked:
            why = reason
        kept = [operation for operation, _ in (*outcome.rejected, *outcome.blocked)]
        kept += [*outcome.retry, *outcome.superseded]
        left += [operation.id for operation in kept]
        erased += len(outcome.written)
        refresh(client, names)
    else:
        why = why or "the author has more posts than one erasure takes away"
    if not why and (hidden := unsearchable(client, names)):
        why = f"closed, or without a shard, so not searched: {', '.join(hidden)[:300]}; open them"
    if why:
        raise ErasureIncomplete(why, erased)
    return erased


def _authors(hit: Hit) -> list[str]:
    source = hit["_source"]
    return [source.get("author", {}).get("id", ""), *source.get("copied_from", ())]


def _living(
    client: Elasticsearch,
    names: IndexNames,
    source: str,
    authors: Sequence[str],
    left: Sequence[str] = (),
) -> list[Hit]:
    """A page of the posts of authors, and of the copies of their words."""
    query = _of_authors(source, authors)
    query["bool"]["must_not"] += [{"ids": {"values": list(left)}}]
    hits: list[Hit] = client.search(
        index=names.mentions_pattern,
        query=query,
        size=_PAGE,
        source={"includes": ["version", "ingested_at", "author.id", "copied_from"]},
        ignore_unavailable=True,
    )["hits"]["hits"]
    return hits


def _of_authors(source: str, authors: Sequence[str]) -> JsonObject:
    theirs = [{"terms": {name: list(authors)}} for name in ("author.id", "copied_from")]
    return {
        "bool": {
            "filter": [{"term": {"source": source}}, {"bool": {"should": theirs}}],
            "must_not": list(NOT_DELETED["bool"]["must_not"]),
        }
    }


def count(client: Elasticsearch, names: IndexNames, source: str, author_id: str) -> int:
    """The posts of an author, and the copies of their words, that the index has."""
    refresh(client, names)
    query = _of_authors(source, [author_id])
    answer = client.count(index=names.mentions_pattern, query=query, ignore_unavailable=True)
    return int(answer["count"])


class _Kept(NamedTuple):
    """Documents that name authors, in an index that erased posts leave."""

    place: str
    time: str
    """The field that they are read by."""
    redacted: Callable[[JsonObject, Collection[str], Collection[str]], JsonObject | None]


def _kept(names: IndexNames) -> Sequence[_Kept]:
    return (
        _Kept(names.alerts, "raised_at", redacted),
        _Kept(names.reports, "made_at", redacted_report),
    )


def redact(client: Elasticsearch, names: IndexNames, erasures: Sequence[Erasure]) -> int:
    """Take the authors out of the evidence of alerts and out of reports.

    Returns how many documents changed.
    """
    changed = 0
    for kept in _kept(names):
        client.indices.refresh(index=kept.place, ignore_unavailable=True)
        for first in range(0, len(erasures), _AUTHORS):
            some = erasures[first : first + _AUTHORS]
            hashes = {erasure.hash for erasure in some}
            query = {"terms": {"authors": sorted(hashes)}}
            ids = [erasure.author_id for erasure in some]
            for page in _documents(client, kept, query):
                changed += sum(_redact(client, kept, hit, hashes, ids) for hit in page)
    return changed


def redact_unlisted(client: Elasticsearch, names: IndexNames, erasure: Erasure) -> int:
    """The same for every document, also those without the field ``authors`` of older versions."""
    return sum(
        _redact(client, kept, hit, {erasure.hash}, [erasure.author_id])
        for kept in _kept(names)
        for page in _documents(client, kept, {"match_all": {}})
        for hit in page
    )


def _documents(client: Elasticsearch, kept: _Kept, query: JsonObject) -> Iterator[list[Hit]]:
    return pages(
        client.search,
        index=kept.place,
        query=query,
        size=_PAGE,
        sort=[{kept.time: "desc"}, {"id": "asc"}],
        seq_no_primary_term=True,
        ignore_unavailable=True,
    )


def _redact(
    client: Elasticsearch, kept: _Kept, hit: Hit, hashes: set[str], ids: Sequence[str]
) -> bool:
    document = kept.redacted(hit["_source"], hashes, account_ids(ids))
    if document is None:
        return False
    try:
        client.index(
            index=hit["_index"],
            id=hit["_id"],
            document=document,
            if_seq_no=hit["_seq_no"],
            if_primary_term=hit["_primary_term"],
        )
    except ConflictError:
        raise ErasureIncomplete(
            "an alert or a report changed meanwhile; it is redacted again"
        ) from None
    return True


def sweep(client: Elasticsearch, names: IndexNames, now: datetime, keep_days: float) -> int:
    """Repeat the erasures of the last ``keep_days``, for late posts; returns how many posts.

    One search for each thousand authors of a source, and one refresh in all.
    """
    since = now - timedelta(days=keep_days)
    return _sweep(client, names, {"range": {"erased_at": {"gte": since.isoformat()}}}, now)


def finish(client: Elasticsearch, names: IndexNames, now: datetime) -> int:
    """Carry out the erasures that are not done; returns how many posts.

    Raises :class:`ErasureIncomplete` after it tried all of them.
    """
    unfinished = {"bool": {"must_not": [{"exists": {"field": "done_at"}}]}}
    return _sweep(client, names, unfinished, now)


def _sweep(client: Elasticsearch, names: IndexNames, query: JsonObject, now: datetime) -> int:
    client.indices.refresh(index=names.erasures, ignore_unavailable=True)
    recorded = pages(
        client.search,
        index=names.erasures,
        query=query,
        sort=[{"erased_at": "asc"}, {"author_id": "asc"}],
        size=_AUTHORS,
        ignore_unavailable=True,
    )
    erased, why, fresh = 0, "", False
    for page in list(recorded):
        if not fresh:
            refresh(client, names)
            fresh = True
        for source in sorted({hit["_source"]["source"] for hit in page}):
            theirs = [hit for hit in page if hit["_source"]["source"] == source]
            try:
                erased += _sweep_source(client, names, theirs, now)
            except ErasureIncomplete as error:
                erased, why = erased + error.erased, str(error)
    if why:
        raise ErasureIncomplete(why, erased)
    return erased


def _sweep_source(
    client: Elasticsearch, names: IndexNames, recorded: Sequence[Hit], now: datetime
) -> int:
    due = [
        (_erasure(hit["_source"]), datetime.fromisoformat(hit["_source"]["erased_at"]))
        for hit in recorded
    ]
    erased = _erase_all(client, names, [(each, microseconds(at)) for each, at in due], now)
    redact(client, names, [each for each, _ in due])
    for hit, (erasure, at) in zip(recorded, due, strict=True):
        if "done_at" not in hit["_source"]:
            remember(client, names, erasure, at, now)
        if hit["_id"] != erasure.hash:  # recorded by an older version, under the account's id
            client.bulk(operations=[{"delete": {"_index": hit["_index"], "_id": hit["_id"]}}])
    return erased


def _erasure(record: JsonObject) -> Erasure:
    return Erasure(*(record[name] for name in Erasure._fields))


def oldest_unfinished(client: Elasticsearch, names: IndexNames) -> datetime | None:
    """The time of the oldest erasure that is not done."""
    hits = client.search(
        index=names.erasures,
        query={"bool": {"must_not": [{"exists": {"field": "done_at"}}]}},
        sort=[{"erased_at": "asc"}],
        size=1,
        ignore_unavailable=True,
    )["hits"]["hits"]
    return datetime.fromisoformat(hits[0]["_source"]["erased_at"]) if hits else None
