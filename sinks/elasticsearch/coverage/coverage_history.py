"""Asks the index of coverage for the records of a time; :mod:`.timeline` makes a line of them."""

from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

import msgspec
from elasticsearch import Elasticsearch

from schemas.coverage import CoverageInterval
from schemas.types import JsonObject
from sinks.elasticsearch.connection import pages
from sinks.elasticsearch.coverage.timeline import MAX_EXPECTED, Timeline, timelines
from sinks.elasticsearch.indices.mappings import IndexNames

MAX_RECORDS: Final = 20_000
"""Read for one question; of more, the newest."""
_PAGE: Final = 1_000


class CoverageHistory(NamedTuple):
    """``is_whole`` is false where a window has more than ``MAX_RECORDS`` records."""

    timelines: list[Timeline]
    is_whole: bool


def coverage_query(
    since: datetime, until: datetime, source: str | None = None, part: str | None = None
) -> JsonObject:
    """The query for records that overlap the window; uses what both engines have.

    A record without an end is looked for as long as its source is expected.
    """
    lasts = {
        "bool": {
            "filter": [{"range": {"told_at": {"gte": _written(since, -MAX_EXPECTED)}}}],
            "must_not": [{"exists": {"field": "to"}}],
        }
    }
    ends = {"range": {"to": {"gte": _written(since)}}}
    filters: list[JsonObject] = [
        {"range": {"from": {"lt": _written(until)}}},
        {"bool": {"should": [ends, lasts], "minimum_should_match": 1}},
    ]
    if source is not None:
        filters.append({"term": {"source": source}})
    if part:
        filters.append({"term": {"part": part}})
    return {"bool": {"filter": filters}}


def _written(at: datetime, later: timedelta = timedelta(0)) -> str:
    try:
        return (at + later).isoformat()
    except OverflowError:
        return at.isoformat()


def coverage_history(
    client: Elasticsearch,
    names: IndexNames,
    since: datetime,
    until: datetime,
    now: datetime,
    *,
    source: str | None = None,
    part: str | None = None,
    max_records: int = MAX_RECORDS,
) -> CoverageHistory:
    """The timelines of a window from the index. Raises the client's errors."""
    records: list[CoverageInterval] = []
    is_whole = True
    for hits in pages(
        client.search,
        size=min(_PAGE, max_records),
        sort=[{"from": "desc"}, {"id": "asc"}],
        index=names.coverage,
        query=coverage_query(since, until, source, part),
    ):
        records += [found for hit in hits if (found := _record_of(hit["_source"])) is not None]
        if len(records) >= max_records:
            is_whole = False
            break
    return CoverageHistory(timelines(records, since, until, now), is_whole)


def _record_of(source: Any) -> CoverageInterval | None:
    """The record of a document; one of a later version may be of another kind."""
    try:
        return msgspec.convert(source, CoverageInterval)
    except msgspec.ValidationError:
        return None
