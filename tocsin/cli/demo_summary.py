"""The summary at the end of the demo: searches that an analyst would send to the index."""

from collections import Counter
from typing import Final

from elasticsearch import Elasticsearch
from rich.console import Console
from rich.table import Table
from rich.text import Text

from schemas.types import JsonObject
from text.terminal import sparkline

_WIDTH = 48
"""Columns of the chart by hour."""


def _top(field: str, size: int) -> JsonObject:
    return {"terms": {"field": field, "size": size}}


_AGGREGATIONS: Final[JsonObject] = {
    "sentiment": _top("sentiment.label", 3),
    "mean": {"avg": {"field": "sentiment.score"}},
    "entities": _top("entities.text", 6),
    "reasons": {
        "filter": {"term": {"sentiment.label": "negative"}},
        "aggs": {"about": _top("aspects.label", 5)},
    },
    "hours": {
        "date_histogram": {"field": "created_at", "fixed_interval": "1h"},
        "aggs": {"sentiment": _top("sentiment.label", 3)},
    },
}


def show(client: Elasticsearch, index: str, console: Console) -> None:
    aggregations = {"brands": {**_top("brands", 20), "aggs": _AGGREGATIONS}}
    answer = client.search(index=index, size=0, aggs=aggregations)
    brands = answer["aggregations"]["brands"]["buckets"]
    console.print(_brand_table(brands))
    console.print()
    for brand in brands[:5]:
        name, reasons = brand["key"], _listed(brand["reasons"]["about"])
        console.print(Text(f"{name}: top entities: {_listed(brand['entities'])}"))
        console.print(Text(f"{name}: negative mentions are about: {reasons}"))
    console.print()
    console.print("Loudest authors", style="italic")
    for post in _loudest(client, index):
        author, brand_ids = post["author"], ", ".join(post.get("brands", []))
        followers = f"{author.get('followers', 0):>9} followers"
        name = author.get("handle") or author["id"]
        console.print(Text(f"  {followers}  @{name} on {post['source']}: {brand_ids}"))
    hours = [
        (_counts(hour["sentiment"])["negative"], hour["key_as_string"], hour, brand["key"])
        for brand in brands
        for hour in brand["hours"]["buckets"]
    ]
    if not hours:
        return
    negative, start, hour, name = max(hours, key=lambda worst: worst[0])
    console.print()
    console.print(
        f"The worst hour: {name}, {start[:16]}Z, {negative} negative of {hour['doc_count']}",
        style="italic",
    )
    for post in _worst_posts(client, index, name, start):
        text = " ".join(post["text"].split())
        console.print(Text(f"  {post['sentiment']['score']:+.2f} [{post['source']}] {text[:150]}"))


def _counts(terms: JsonObject) -> Counter[str]:
    return Counter({str(bucket["key"]): bucket["doc_count"] for bucket in terms["buckets"]})


def _listed(terms: JsonObject) -> str:
    return ", ".join(f"{name} ({count})" for name, count in _counts(terms).items()) or "none"


def _brand_table(brands: list[JsonObject]) -> Table:
    table = Table(title="Mentions by brand", title_justify="left", show_edge=False)
    for column in ("brand", "mentions", "negative", "positive", "mean", "by hour"):
        table.add_column(column, justify="left" if column in ("brand", "by hour") else "right")
    for brand in brands:
        count, mean, sentiments = brand["doc_count"], brand["mean"], _counts(brand["sentiment"])
        table.add_row(
            brand["key"],
            f"{count}",
            f"{sentiments['negative'] / count:.0%}",
            f"{sentiments['positive'] / count:.0%}",
            "" if mean["value"] is None else f"{mean['value']:+.2f}",
            _hours_line([hour["doc_count"] for hour in brand["hours"]["buckets"]]),
        )
    return table


def _hours_line(counts: list[int]) -> str:
    """Counts as bars, one per hour; long periods are summed to fit."""
    step = max(1, -(-len(counts) // _WIDTH))
    sums = [sum(counts[at : at + step]) for at in range(0, len(counts), step)]
    return sparkline(sums, max(sums, default=0) or 1)


def _loudest(client: Elasticsearch, index: str) -> list[JsonObject]:
    hits = client.search(
        index=index,
        size=100,
        sort=[{"author.followers": {"order": "desc", "missing": "_last"}}],
        source_includes=["author", "brands", "source"],
    )["hits"]["hits"]
    authors: dict[str, JsonObject] = {}
    for hit in hits:
        authors.setdefault(hit["_source"]["author"]["id"], hit["_source"])
    return list(authors.values())[:5]


def _worst_posts(client: Elasticsearch, index: str, brand: str, start: str) -> list[JsonObject]:
    filters = [
        {"term": {"brands": brand}},
        {"term": {"sentiment.label": "negative"}},
        {"range": {"created_at": {"gte": start, "lt": f"{start}||+1h"}}},
    ]
    hits = client.search(
        index=index,
        size=3,
        query={"bool": {"filter": filters}},
        sort=[{"sentiment.score": "asc"}],
    )["hits"]["hits"]
    return [hit["_source"] for hit in hits]
