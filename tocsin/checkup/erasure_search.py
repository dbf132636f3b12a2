"""Searches every index, topic and local file for what is left of an erased author."""

import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from elasticsearch import Elasticsearch

from runtime.kafka import client as kafka
from runtime.kafka.protocols import Consumer, StoredRecord
from runtime.kafka.reader import assign_all, partitions_of, read_until
from runtime.settings import KafkaSettings
from sinks.elasticsearch.connection import Hit, pages
from sinks.elasticsearch.indices.mappings import IndexNames
from sinks.elasticsearch.lookup import unsearchable
from tocsin.checkup.erasure_certificate import Finding, Needles, Place, finding, names_in

MAX_FILE_BYTES = 64 * 2**20
MAX_FILES = 10_000
_PAGE = 1_000
_REPORT_EVERY = 50_000
Say = Callable[[str], None]


class Limits(NamedTuple):
    """Of one place: the most documents or messages, and the most seconds."""

    max_items: int
    max_s: float
    monotonic: Callable[[], float] = time.monotonic

    def kept(self, items: Iterable[Any], unread: list[str], place: str, say: Say) -> Iterator[Any]:
        """The items up to the limits; ``unread`` gets the reason if that is not all."""
        deadline = self.monotonic() + self.max_s
        for number, item in enumerate(items):
            if number >= self.max_items:
                unread.append(f"only {self.max_items:,} were looked at (--limit)")
                return
            if self.monotonic() > deadline:
                unread.append(f"{self.max_s:,.0f} seconds were over (--seconds)")
                return
            if number and number % _REPORT_EVERY == 0:
                say(f"{place}: {number:,} looked at")
            yield item


class Search(NamedTuple):
    """What is looked for, as of when, within which limits; ``say`` takes the progress."""

    needles: Needles
    now: datetime
    limits: Limits
    say: Say

    def kept(self, items: Iterable[Any], unread: list[str], place: str) -> Iterator[Any]:
        return self.limits.kept(items, unread, place, self.say)

    def count(self, hit: Hit) -> int:
        text = f"{hit['_id']}\n".encode("utf-8", "replace") + msgspec.json.encode(hit["_source"])
        return self.needles.count(text)

    def gone_by(self, hit: Hit, since: str | None, place: Place) -> datetime | None:
        if since is None or place.kept is None:
            return None
        written = hit["_source"].get(since)
        return (datetime.fromisoformat(written) if written else self.now) + place.kept


def search_indices(
    client: Elasticsearch, names: IndexNames, times: dict[str, Place], search: Search
) -> Iterator[Finding]:
    """Every document as text, whether its fields are indexed or not."""
    yield from _search_mentions(client, names, times, search)
    for place, index, since, sort in (
        ("index alerts", names.alerts, None, "id"),
        ("index reports", names.reports, None, "id"),
        ("index erasures", names.erasures, "done_at", "author_id"),
        ("index removals", names.removals, "deleted_at", "key"),
    ):
        unread: list[str] = []
        looked_at, hits, by = 0, 0, None
        for hit in search.kept(_documents(client, index, sort), unread, place):
            looked_at += 1
            if found := search.count(hit):
                hits += found
                by = _latest(by, search.gone_by(hit, since, times[place]))
        yield finding(place, looked_at, hits, by, search.now, *unread)


def _search_mentions(
    client: Elasticsearch, names: IndexNames, times: dict[str, Place], search: Search
) -> Iterator[Finding]:
    hidden = unsearchable(client, names)
    unread = [f"closed, or without a shard: {', '.join(hidden)[:200]}"] if hidden else []
    looked_at, hits = {True: 0, False: 0}, {True: 0, False: 0}
    by: datetime | None = None
    documents = _documents(client, names.mentions_pattern, "id")
    for hit in search.kept(documents, unread, "index mentions"):
        dead = "deleted_at" in hit["_source"]
        looked_at[dead] += 1
        if found := search.count(hit):
            hits[dead] += found
            if dead:
                by = _latest(by, search.gone_by(hit, "deleted_at", times["tombstones"]))
    why = "; ".join(unread)
    yield finding("index mentions", looked_at[False], hits[False], None, search.now, why)
    yield finding("tombstones", looked_at[True], hits[True], by, search.now, why)


def _documents(client: Elasticsearch, index: str, sort: str) -> Iterator[Hit]:
    client.indices.refresh(index=index, ignore_unavailable=True)
    found = pages(
        client.search,
        index=index,
        query={"match_all": {}},
        size=_PAGE,
        sort=[{sort: "asc"}],
        ignore_unavailable=True,
    )
    for page in found:
        yield from page


def _latest(first: datetime | None, second: datetime | None) -> datetime | None:
    return second if first is None else first if second is None else max(first, second)


def search_topic(
    settings: KafkaSettings,
    name: str,
    place: Place,
    search: Search,
    known: set[str] | None = None,
) -> Finding:
    """Every message of a topic that Kafka still has: key, headers and value."""
    with kafka.open_consumer(settings, "erase-check") as consumer:
        topic = settings.topic_prefix + name
        if not partitions_of(consumer, topic):
            return finding(place.name, 0, 0, None, search.now, f"topic {topic} does not exist")
        records = _records(consumer, topic)
        return search_records(records, place, search, known)


def _records(consumer: Consumer, topic: str) -> Iterator[StoredRecord]:
    assigned = assign_all(consumer, topic)
    yield from read_until(consumer, consumer.end_offsets(assigned))


def search_records(
    records: Iterable[StoredRecord],
    place: Place,
    search: Search,
    known: set[str] | None = None,
) -> Finding:
    """``known``: takes the ids, URLs and handle of the author's posts that are found."""
    needles, unread = search.needles, list[str]()
    looked_at, hits, by = 0, 0, None
    for record in search.kept(records, unread, place.name):
        looked_at += 1
        headers = str(record.headers or "").encode("utf-8", "replace")
        found = sum(needles.count(part) for part in (record.key, record.value, headers) if part)
        if found:
            hits += found
            if known is not None:
                known |= set(names_in(record.value or b"", needles.author_id))
            written = datetime.fromtimestamp(max(0, record.timestamp) / 1000, UTC)
            by = _latest(by, written + (place.kept or timedelta()))
    return finding(place.name, looked_at, hits, by, search.now, *unread)


def search_files(paths: Iterable[Path], needles: Needles, now: datetime) -> Finding:
    """Files below folders, but for the data of the servers that run there."""
    looked_at, hits, unread = 0, 0, ""
    for path in _files(paths):
        if looked_at >= MAX_FILES:
            unread = f"only {MAX_FILES:,} files were looked at"
            break
        looked_at += 1
        try:
            if path.stat().st_size > MAX_FILE_BYTES:
                unread = f"{path} is larger than {MAX_FILE_BYTES >> 20} MiB"
                continue
            found = needles.count(path.read_bytes())
        except OSError as error:
            unread = f"{path}: {error.strerror}"
            continue
        if found:
            hits += found
            unread = unread or f"in {path}"
    return finding("local files", looked_at, hits, None, now, unread)


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_file():
            yield path
        for file in sorted(path.rglob("*")) if path.is_dir() else ():
            if "data" not in file.relative_to(path).parts[:-1] and file.is_file():
                yield file
