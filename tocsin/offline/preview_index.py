"""What a query finds in the Elasticsearch index, with searches and aggregations."""

import json
from collections import Counter
from datetime import UTC, datetime, tzinfo
from typing import Final

from elasticsearch import Elasticsearch

from queries.elasticsearch.index_compiler import Query, compile_query, refusal
from queries.language.ast import Node, Range
from queries.matching.document import Document
from queries.matching.predicates import Asked
from queries.matching.predicates import compile_query as question_of
from queries.tools.clause_effects import MAX_SHOWN_CLAUSES, WHOLE, Clauses
from runtime.settings import ElasticsearchSettings
from schemas.errors import ConfigurationError, ServiceUnavailable
from schemas.types import JsonObject
from sinks.elasticsearch.connection import elasticsearch_errors
from sinks.elasticsearch.documents import mention_of
from sinks.elasticsearch.indices.mappings import IndexNames
from tocsin.offline.preview import MAX_VALUES, Example, Preview, Volume, unit_of, volume_of

_MAX_BYTES: Final = 8 * 2**20
"""Limit for all clauses' queries together; the index takes 100 MiB in one request."""
_FIELDS: Final = (
    "id", "source", "author", "text", "title", "created_at", "url", "links", "mentions", "hashtags",
    "country", "reply_to", "repost_of", "quote_of", "metrics", "language", "brand_matches",
    "entities", "sentiment", "aspects", "intents", "emotion", "thread", "format", "community",
    "about", "about_name", "rating", "publisher",
)  # fmt: skip
_PARTS: Final = {
    "minute": "1m", "hour": "15m", "day": "15m", "week": "15m", "month": "1h", "year": "12h",
}  # fmt: skip
"""By bar, the parts of which bars of a zone are made here: not every engine knows zones. Every
zone is a multiple of 15 minutes from UTC; the parts stay below the 65,536 buckets of one answer."""
_TERMS: Final = {"languages": "language", "sources": "source", "sentiments": "sentiment.label"}


def preview_index(
    client: Elasticsearch,
    settings: ElasticsearchSettings,
    node: Node,
    *,
    sample: int,
    within: Range | None = None,
    zone: tzinfo = UTC,
) -> Preview:
    """What ``node`` finds in the index; raises ``QueryError`` where the index cannot answer.

    The first request asks when the matches begin and end, which gives the length of a bar. The
    second holds two searches: the matches, and the counts by clause over all documents, which are
    fastest on their own.
    """
    query = compile_query(node)
    parts = Clauses(node, min(MAX_SHOWN_CLAUSES, _MAX_BYTES // len(json.dumps(query))))
    compiled = {name: compile_query(each) for name, each in parts.queries.items()}
    time = [compile_query(within)] if within is not None else []
    filters = [*time, query]
    ends = {name: {name: {"field": "created_at"}} for name in ("min", "max")}
    ends_search = {"query": {"bool": {"filter": filters}}, "size": 0, "aggs": ends}
    (ends,) = _search(client, settings, ends_search)
    interval = _interval(ends, zone)
    matches, everything = _search(
        client,
        settings,
        _matches_search(filters, sample, interval, zone),
        _clauses_search(time, compiled),
    )
    return _preview(node, parts, matches, everything, interval, zone)


def _search(
    client: Elasticsearch, settings: ElasticsearchSettings, *bodies: JsonObject
) -> list[JsonObject]:
    names = IndexNames(settings)
    searches = [line for body in bodies for line in ({"index": names.mentions}, body)]
    with elasticsearch_errors(settings):
        answers: list[JsonObject] = client.msearch(searches=searches)["responses"]
    for answer in answers:
        _check(answer, settings, names)
    return answers


def _interval(ends: JsonObject, zone: tzinfo) -> str:
    """The length of a bar, which is also a calendar interval of Elasticsearch."""
    times = [ends["aggregations"][name]["value"] for name in ("min", "max")]
    if None in times:
        return "day"
    first, last = (datetime.fromtimestamp(time / 1000, UTC) for time in times)
    return unit_of(first, last, zone)


def _matches_search(filters: list[Query], sample: int, interval: str, zone: tzinfo) -> JsonObject:
    aggregations: JsonObject = {
        name: {"terms": {"field": path, "size": MAX_VALUES}} for name, path in _TERMS.items()
    }
    histogram: JsonObject = {"field": "created_at", "calendar_interval": interval}
    if zone is not UTC:
        histogram = {"field": "created_at", "fixed_interval": _PARTS[interval], "min_doc_count": 1}
    aggregations["volume"] = {"date_histogram": histogram}
    return {
        "query": {"bool": {"filter": filters}},
        "size": sample,
        "sort": [{"created_at": "desc"}],
        "track_total_hits": True,
        "_source": list(_FIELDS),
        "aggs": aggregations,
    }


def _clauses_search(time: list[Query], compiled: dict[str, Query]) -> JsonObject:
    return {
        "query": {"bool": {"filter": time}} if time else {"match_all": {}},
        "size": 0,
        "track_total_hits": True,
        "aggs": {"clauses": {"filters": {"filters": compiled}}},
    }


def _check(answer: JsonObject, settings: ElasticsearchSettings, names: IndexNames) -> None:
    error = answer.get("error")
    if error is None:
        return
    if answer.get("status") == 404:
        raise ConfigurationError(
            f"Elasticsearch at {settings.url} has no {names.mentions}: run 'tocsin index setup', "
            "or correct TOCSIN_ELASTICSEARCH_INDEX_PREFIX"
        )
    message = json.dumps(error)
    refused = refusal(message)
    if refused is not None:
        raise ConfigurationError(str(refused))
    reason = error.get("reason") if isinstance(error, dict) else message
    raise ServiceUnavailable(
        f"Elasticsearch at {settings.url} answered {answer.get('status')}: {reason}"
    )


def _preview(
    node: Node,
    parts: Clauses,
    matches: JsonObject,
    everything: JsonObject,
    interval: str,
    zone: tzinfo,
) -> Preview:
    aggregations = matches["aggregations"]
    clause_buckets = everything["aggregations"]["clauses"]["buckets"]
    counts = {name: bucket["doc_count"] for name, bucket in clause_buckets.items()}
    values = {
        name: [(str(value["key"]), int(value["doc_count"])) for value in terms["buckets"]]
        for name, terms in aggregations.items()
        if name in _TERMS
    }
    bars = [
        (datetime.fromtimestamp(bar["key"] / 1000, UTC), int(bar["doc_count"]))
        for bar in aggregations["volume"]["buckets"]
    ]
    volume = Volume(interval, bars)
    if zone is not UTC:
        volume = volume_of(Counter(dict(bars)), zone, interval)
    return Preview(
        everything["hits"]["total"]["value"],
        counts[WHOLE],
        volume,
        values["languages"],
        values["sources"],
        values["sentiments"],
        [_example(node, hit["_source"]) for hit in matches["hits"]["hits"]],
        parts.effects(counts),
        parts.left_out,
    )


def _example(node: Node, source: JsonObject) -> Example:
    mention = mention_of(source)
    return Example(mention, sorted(question_of(node).spans(Asked(Document(mention)))))
