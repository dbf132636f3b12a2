"""Finds what the indices hold of the posts and authors of a batch.

A search misses what was written in the last second. So the lookup remembers what this process
wrote since the last refresh, and refreshes when it starts, when it takes over partitions, and when
it remembers too much. Of what waits for a blocked index it forgets nothing.

A search passes months that are closed or lack a shard without a word: see :func:`unsearchable`.
"""

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime
from typing import Any

from elastic_transport import TransportError
from elasticsearch import Elasticsearch

from schemas.ids import microseconds
from schemas.mention import MentionDelete, MentionUpsert
from schemas.types import JsonObject
from sinks.elasticsearch.connection import Hit
from sinks.elasticsearch.documents import removal_key
from sinks.elasticsearch.indices.mappings import IndexNames
from sinks.elasticsearch.placement import (
    NEVER_REUSED,
    UNKNOWN,
    Copy,
    Erased,
    Event,
    Known,
    authors_of,
    is_located,
)

MAX_REMEMBERED = 20_000
"""Posts: some six megabytes, and a refresh of the indices each time."""
_CHUNK = 1_000
"""Ids in one request."""
_MAX_HITS = 10_000
"""Elasticsearch returns no more in one answer."""
_STATE = ["version", "ingested_at", "deleted_at"]
_FOUND = ["docs._id", "docs._source", "docs.error"]
"""Of most ids there is no document, so an answer is little more than the ids."""
_UNSEARCHABLE_S = 15.0
"""How long an answer to :func:`unsearchable` counts."""


class Lookup:
    """One for each sink; not thread-safe. ``waiting``: the ids of posts whose writes wait."""

    def __init__(
        self,
        client: Elasticsearch,
        names: IndexNames,
        max_remembered: int = MAX_REMEMBERED,
        *,
        waiting: Callable[[], Collection[str]] = tuple,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._names = names
        self._max_remembered = max_remembered
        self._waiting = waiting
        self._monotonic = monotonic
        self._unsearchable: list[str] = []
        self._asked_at: float | None = None
        self._written: dict[str, list[Copy]] = {}
        self._is_fresh = False

    def forget(self) -> None:
        """Other processes may have written posts of our partitions: refresh before a search."""
        self._is_fresh = False

    def known(self, events: Sequence[Event]) -> Known:
        """What is known of the posts and authors of the events. May be repeated."""
        upserts = [event for event in events if isinstance(event, MentionUpsert)]
        deletes = [event for event in events if isinstance(event, MentionDelete)]
        ids = dict.fromkeys(event.id for event in events)
        originals = {
            post.repost_of
            for post in (event.mention.post for event in upserts)
            if post.copied_from and post.repost_of is not None
        }
        uncertain = {event.id for event in events if is_located(event, self._names)} | originals
        removed, erased = self._records(
            [*ids, *originals], {author for event in upserts for author in authors_of(event)}
        )
        copies = self._copies([*ids, *originals], uncertain)
        missing = any(event.id not in copies and event.version for event in deletes)
        hidden = self._hidden() if missing else ()
        return Known(copies, removed, erased, self._reposts(deletes), hidden)

    def wrote(self, known: Known) -> None:
        """Remember the state after a batch."""
        self._written.update(known.copies)
        if len(self._written) > self._max_remembered:
            self._clear()
            self._is_fresh = False

    def _clear(self) -> None:
        # No refresh makes searchable what is not written yet.
        kept = [id_ for id_ in self._waiting() if id_ in self._written]
        self._written = {id_: self._written[id_] for id_ in kept}

    def _hidden(self) -> Sequence[str]:
        now = self._monotonic()
        if self._asked_at is None or now - self._asked_at >= _UNSEARCHABLE_S:
            self._unsearchable = unsearchable(self._client, self._names)
            self._asked_at = now
        return self._unsearchable

    def _copies(self, ids: Sequence[str], uncertain: set[str]) -> dict[str, list[Copy]]:
        if uncertain and not self._is_fresh:
            refresh(self._client, self._names)
            self._clear()
            self._is_fresh = True
        found = locate(self._client, self._names, list(uncertain))
        # What this process wrote is newer than what a search finds.
        return found | {id_: self._written[id_] for id_ in ids if id_ in self._written}

    def _records(
        self, ids: Sequence[str], authors: set[str]
    ) -> tuple[dict[str, int], dict[str, Erased]]:
        """Recorded deletes by post id, and erasures by the hash of the author; in real time."""
        keys = {removal_key(id_): id_ for id_ in ids}
        removed: dict[str, int] = {}
        erased: dict[str, Erased] = {}
        wanted = [(self._names.removals, key) for key in keys]
        wanted += [(self._names.erasures, author) for author in authors]
        for document in documents(self._client, wanted):
            source = document["_source"]
            if document["_id"] in keys:
                removed[keys[document["_id"]]] = source["version"]
            else:
                erased[document["_id"]] = erased_of(source)
        return removed, erased

    def _reposts(self, deletes: Sequence[MentionDelete]) -> dict[str, list[Copy]]:
        """The reposts of the deleted posts, where a source copies the words into the repost."""
        ids = [
            event.id
            for event in deletes
            if not event.unmatched and event.version and event.source not in NEVER_REUSED
        ]
        reposts: dict[str, list[Copy]] = {}
        fields = [*_STATE, "repost_of", "copied_from"]
        for hit in _hits(self._client, self._names, "repost_of", ids, fields):
            # One without copied_from has words of its own, and may come after the delete as well.
            if "deleted_at" not in hit["_source"] and hit["_source"].get("copied_from"):
                reposts.setdefault(hit["_source"]["repost_of"], []).append(copy_of(hit))
        return reposts


def documents(client: Elasticsearch, wanted: Sequence[tuple[str, str]]) -> Iterator[Any]:
    """The documents of pairs of index and id that exist, in real time.

    Raises TransportError where an index or a shard cannot be read: the answer as a whole is 200,
    and what is not known would pass for what is not there.
    """
    by_index: dict[str, list[str]] = {}
    for index, id_ in wanted:
        by_index.setdefault(index, []).append(id_)
    for index, ids in by_index.items():
        for first in range(0, len(ids), _CHUNK):
            chunk = ids[first : first + _CHUNK]
            answer = client.mget(index=index, ids=chunk, filter_path=_FOUND)
            found = answer.get("docs", ())
            for document in found:
                if "error" in document:
                    raise TransportError(
                        f"{index}: {document['error'].get('reason', 'unreadable')}"
                    )
            yield from (document for document in found if "_source" in document)


def erased_of(source: JsonObject) -> Erased:
    return Erased(source["version"], microseconds(datetime.fromisoformat(source["erased_at"])))


def locate(client: Elasticsearch, names: IndexNames, ids: Sequence[str]) -> dict[str, list[Copy]]:
    """The copies of each post; unknown ids are left out.

    A search misses the last second unless :func:`refresh` comes first.
    """
    copies: dict[str, list[Copy]] = {}
    for hit in _hits(client, names, None, ids, _STATE):
        copies.setdefault(hit["_id"], []).append(copy_of(hit))
    return copies


def _hits(
    client: Elasticsearch,
    names: IndexNames,
    field: str | None,
    values: Sequence[str],
    fields: list[str],
) -> Iterator[Hit]:
    """The documents with these ids, or with these values of a field."""
    chunks = [values[first : first + _CHUNK] for first in range(0, len(values), _CHUNK)]
    while chunks:
        chunk = list(chunks.pop())
        hits: list[Hit] = client.search(
            index=names.mentions_pattern,
            query={"terms": {field: chunk}} if field else {"ids": {"values": chunk}},
            size=_MAX_HITS,
            source={"includes": fields},
            ignore_unavailable=True,
        )["hits"]["hits"]
        if len(hits) == _MAX_HITS and len(chunk) > 1:
            middle = len(chunk) // 2
            chunks += [chunk[:middle], chunk[middle:]]
            continue
        yield from hits


def copy_of(hit: Hit) -> Copy:
    source = hit["_source"]
    read = source.get("ingested_at")
    ingested = UNKNOWN if read is None else microseconds(datetime.fromisoformat(read))
    dead = "deleted_at" in source
    return Copy(hit["_index"], source.get("version", 0), ingested, dead, hit["_id"])


def unsearchable(client: Elasticsearch, names: IndexNames) -> list[str]:
    """The months that a search passes: closed ones, and those without all of their shards."""
    pattern = names.mentions_pattern
    closed = client.indices.get(index=pattern, features=["aliases"], expand_wildcards="closed")
    health = client.cluster.health(index=pattern, level="indices", filter_path="indices.*.status")
    red = {name for name, one in health.get("indices", {}).items() if one["status"] == "red"}
    return sorted({*closed, *red})


def refresh(client: Elasticsearch, names: IndexNames) -> None:
    """Make all writes searchable; a burden on the whole cluster, so not once a batch."""
    client.indices.refresh(index=names.mentions_pattern, ignore_unavailable=True)
