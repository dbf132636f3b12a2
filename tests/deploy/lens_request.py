"""The requests that Kibana sends for what it has stored, written from its sources.

A bucket column is an aggregation within the one before it; the metrics are within the last. A
metric with a filter is within a ``filter`` aggregation. KQL becomes the query DSL that Kibana makes
of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from deploy.kibana.data_views import DataView
from schemas.types import JsonObject
from tests.deploy.kibana_file import LensPanel, source_of, view_of_session
from tests.queries.elasticsearch.test_kql import Reader

INTERVAL = "30m"
"""What Kibana chooses for a day."""
METRICS = {"unique_count": "cardinality", "max": "max", "average": "avg", "sum": "sum"}


@dataclass(frozen=True)
class Request:
    view: DataView
    body: JsonObject


@dataclass(frozen=True)
class Span:
    """The time range of the page."""

    since: datetime
    until: datetime

    def of(self, field: str) -> JsonObject:
        ends = {"gte": self.since.isoformat(), "lte": self.until.isoformat()}
        return {"range": {field: {**ends, "format": "strict_date_optional_time"}}}


def dsl(kql: str) -> JsonObject:
    return _dsl(Reader(kql).expression()) if kql else {"match_all": {}}


def _dsl(node: Any) -> JsonObject:
    if isinstance(node, dict):
        ((kind, inner),) = node.items()
        if kind == "not":
            return {"bool": {"must_not": [_dsl(inner)]}}
        if kind == "and":
            return {"bool": {"filter": [_dsl(part) for part in inner]}}
        return {"bool": {"should": [_dsl(part) for part in inner], "minimum_should_match": 1}}
    field, sign, value = node
    if sign != ":":
        return {"range": {field: {{">=": "gte", "<=": "lte"}[sign]: value}}}
    if value == "*":
        return {"exists": {"field": field}}
    if value.startswith("="):
        return {"match_phrase": {field: value[1:]}}
    if "*" in value:
        return {"wildcard": {field: {"value": value}}}
    return {"match": {field: value}}


def panel_requests(panel: LensPanel, span: Span) -> list[Request]:
    """One for each layer of columns, and one for each annotation that asks an index."""
    found = []
    for _, layer, view in panel.layers():
        columns = [(id_, layer["columns"][id_]) for id_ in layer["columnOrder"]]
        buckets = [each for each in columns if each[1]["isBucketed"]]
        metrics = [each for each in columns if not each[1]["isBucketed"]]
        body = _body(view, [panel.state["query"]["query"]], span)
        found.append(Request(view, {**body, "aggs": _aggregations(buckets, metrics, span)}))
    for annotation, view in panel.annotations():
        body = _body(view, [annotation["filter"]["query"]], span)
        bucket = _date_histogram(annotation["timeField"])
        found.append(Request(view, {**body, "aggs": {"time": bucket}}))
    return found


def session_request(saved: JsonObject, span: Span) -> Request:
    view = view_of_session(saved)
    attributes = saved["attributes"]
    histogram = _date_histogram(view.time)
    if field := attributes.get("breakdownField"):
        histogram["aggs"] = {"split": {"terms": {"field": field, "size": 3}}}
    return Request(
        view,
        {
            **_body(view, [source_of(saved)["query"]["query"]], span),
            "size": 500,
            "fields": attributes["columns"],
            "sort": [
                {field: {"order": order, "unmapped_type": "boolean"}}
                for field, order in attributes["sort"]
            ],
            "aggs": {"time": histogram},
        },
    )


def control_request(field: str, view: DataView, span: Span) -> Request:
    """The values of a list of options."""
    aggregations = {
        "suggestions": {"terms": {"field": field, "size": 10}},
        "count": {"cardinality": {"field": field}},
    }
    return Request(view, {**_body(view, [], span), "aggs": aggregations})


def _body(view: DataView, kql: Sequence[str], span: Span) -> JsonObject:
    filters = [span.of(view.time), *(dsl(each) for each in kql)]
    return {"size": 0, "track_total_hits": True, "query": {"bool": {"filter": filters}}}


def _date_histogram(field: str) -> JsonObject:
    bucket = {"field": field, "fixed_interval": INTERVAL, "min_doc_count": 1, "time_zone": "UTC"}
    return {"date_histogram": bucket}


def _aggregations(
    buckets: Sequence[tuple[str, Any]], metrics: Sequence[tuple[str, Any]], span: Span
) -> JsonObject:
    if not buckets:
        found: JsonObject = {}
        for id_, column in metrics:
            found |= _metric(id_, column)
        return found
    (id_, column), *rest = buckets
    within = _aggregations(rest, metrics, span)
    stored = column["params"]
    match column["operationType"]:
        case "date_histogram":
            bucket = _date_histogram(column["sourceField"])
            if stored["includeEmptyRows"]:
                bucket["date_histogram"] |= {
                    "min_doc_count": 0,
                    "extended_bounds": {
                        "min": int(span.since.timestamp() * 1000),
                        "max": int(span.until.timestamp() * 1000),
                    },
                }
        case "filters":
            inputs = {each["label"]: dsl(each["input"]["query"]) for each in stored["filters"]}
            bucket = {"filters": {"filters": inputs}}
        case "terms":
            by = stored["orderBy"]["columnId"]
            ordering = dict(metrics)[by]
            within = {**_metric(by, ordering), **within}
            order = {_path(by, ordering): stored["orderDirection"]}
            terms = {"field": column["sourceField"], "size": stored["size"], "order": order}
            if stored["size"] <= 10:
                terms["shard_size"] = 25
            bucket = {"terms": terms}
        case other:
            raise AssertionError(f"Kibana has no aggregation for {other}")
    return {id_: {**bucket, **({"aggs": within} if within else {})}}


def _metric(id_: str, column: Any) -> JsonObject:
    operation = column["operationType"]
    plain: JsonObject = (
        {}
        if operation == "count"
        else {f"{id_}-metric": {METRICS[operation]: {"field": column["sourceField"]}}}
    )
    if "filter" not in column:
        return plain
    inside = {"aggs": plain} if plain else {}
    return {f"{id_}-bucket": {"filter": dsl(column["filter"]["query"]), **inside}}


def _path(id_: str, column: Any) -> str:
    """The path by which a bucket is ordered."""
    is_count = column["operationType"] == "count"
    if "filter" not in column:
        return "_count" if is_count else f"{id_}-metric"
    return f"{id_}-bucket" if is_count else f"{id_}-bucket>{id_}-metric"
