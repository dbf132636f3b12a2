"""The answers that the demo ends with, asked of the index like any analyst would."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from elasticsearch import Elasticsearch
from rich.console import Console
from rich.table import Table
from rich.text import Text

from text.terminal import sparkline

_SAD, _GLAD = "negative", "positive"


@dataclass(frozen=True)
class Hour:
    """One hour of one brand: when, how many, how many of them negative."""

    start: str
    count: int
    negative: int


@dataclass(frozen=True)
class BrandDay:
    """A brand over the whole period."""

    id: str
    count: int
    sentiments: dict[str, int]
    mean: float | None
    hours: list[Hour]
    entities: dict[str, int]
    reasons: dict[str, int]
    """What the negative mentions are about."""


def _top(field: str, size: int) -> dict[str, Any]:
    return {"terms": {"field": field, "size": size}}


_AGGREGATIONS: Final[dict[str, Any]] = {
    "sentiment": _top("sentiment.label", 3),
    "mean": {"avg": {"field": "sentiment.score"}},
    "entities": _top("entities.text", 12),
    "reasons": {
        "filter": {"term": {"sentiment.label": _SAD}},
        "aggs": {"about": _top("aspects.label", 5)},
    },
    "hours": {
        "date_histogram": {"field": "created_at", "fixed_interval": "1h"},
        "aggs": {"sentiment": _top("sentiment.label", 3)},
    },
}


def ask(client: Elasticsearch, index: str) -> list[BrandDay]:
    """Volume and sentiment by brand and hour, and the entities of each brand."""
    brands = {"brands": {**_top("brands", 20), "aggs": _AGGREGATIONS}}
    answer = client.search(index=index, size=0, aggs=brands)
    return [_brand(bucket) for bucket in answer["aggregations"]["brands"]["buckets"]]


def _counts(terms: dict[str, Any]) -> dict[str, int]:
    return {str(bucket["key"]): bucket["doc_count"] for bucket in terms["buckets"]}


def _brand(bucket: dict[str, Any]) -> BrandDay:
    hours = [
        Hour(hour["key_as_string"], hour["doc_count"], _counts(hour["sentiment"]).get(_SAD, 0))
        for hour in bucket["hours"]["buckets"]
    ]
    return BrandDay(
        bucket["key"],
        bucket["doc_count"],
        _counts(bucket["sentiment"]),
        bucket["mean"]["value"],
        hours,
        _counts(bucket["entities"]),
        _counts(bucket["reasons"]["about"]),
    )


def loudest(client: Elasticsearch, index: str) -> list[dict[str, Any]]:
    """The five authors with the most followers, each with a post."""
    hits = client.search(
        index=index,
        size=100,
        sort=[{"author.followers": {"order": "desc", "missing": "_last"}}],
        source_includes=["author", "brands", "source"],
    )["hits"]["hits"]
    authors: dict[str, dict[str, Any]] = {}
    for hit in hits:
        authors.setdefault(hit["_source"]["author"]["id"], hit["_source"])
    return list(authors.values())[:5]


def worst_hour(brands: list[BrandDay]) -> tuple[BrandDay, Hour] | None:
    """The hour with the most negative mentions of one brand."""
    pairs = [(brand, hour) for brand in brands for hour in brand.hours]
    return max(pairs, key=lambda pair: pair[1].negative, default=None)


def posts_of(client: Elasticsearch, index: str, brand: str, hour: Hour) -> list[dict[str, Any]]:
    """The three most negative posts of a brand in an hour."""
    hits = client.search(
        index=index,
        size=3,
        query={
            "bool": {
                "filter": [
                    {"term": {"brands": brand}},
                    {"term": {"sentiment.label": _SAD}},
                    {"range": {"created_at": {"gte": hour.start, "lt": f"{hour.start}||+1h"}}},
                ]
            }
        },
        sort=[{"sentiment.score": "asc"}],
    )["hits"]["hits"]
    return [hit["_source"] for hit in hits]


def hours_line(hours: list[Hour], width: int = 48) -> str:
    """Counts as bars, one an hour; long periods are summed to fit."""
    counts = [hour.count for hour in hours]
    step = max(1, -(-len(counts) // width))
    sums = [sum(counts[at : at + step]) for at in range(0, len(counts), step)]
    return sparkline(sums, max(sums, default=0) or 1)


def _brand_table(brands: list[BrandDay]) -> Table:
    table = Table(title="Mentions by brand", title_justify="left", show_edge=False)
    for column in ("brand", "mentions", "negative", "positive", "mean", "by hour"):
        table.add_column(column, justify="left" if column in ("brand", "by hour") else "right")
    for brand in brands:
        table.add_row(
            brand.id,
            f"{brand.count}",
            f"{brand.sentiments.get(_SAD, 0) / brand.count:.0%}",
            f"{brand.sentiments.get(_GLAD, 0) / brand.count:.0%}",
            "" if brand.mean is None else f"{brand.mean:+.2f}",
            hours_line(brand.hours),
        )
    return table


def show(client: Elasticsearch, index: str, console: Console) -> None:
    """Print the answers."""
    brands = ask(client, index)
    console.print(_brand_table(brands))
    console.print()
    for brand in brands[:5]:
        entities, reasons = _named(list(brand.entities.items())[:6]), _named(brand.reasons.items())
        console.print(Text(f"{brand.id}: top entities: {entities}"))
        console.print(Text(f"{brand.id}: the negative ones are about: {reasons}"))
    console.print()
    console.print("Loudest authors", style="italic")
    for post in loudest(client, index):
        author, brand_ids = post["author"], ", ".join(post.get("brands", []))
        name = author.get("handle") or author["id"]
        followers = f"{author.get('followers', 0):>9} followers"
        console.print(Text(f"  {followers}  @{name} on {post['source']}: {brand_ids}"))
    worst = worst_hour(brands)
    if worst is not None:
        _show_worst(client, index, console, *worst)


def _named(counts: Iterable[tuple[str, int]]) -> str:
    return ", ".join(f"{name} ({count})" for name, count in counts) or "none"


def _show_worst(
    client: Elasticsearch, index: str, console: Console, brand: BrandDay, hour: Hour
) -> None:
    console.print()
    console.print(
        f"The worst hour: {brand.id}, {hour.start[:16]}Z, {hour.negative} negative of {hour.count}",
        style="italic",
    )
    for post in posts_of(client, index, brand.id, hour):
        text = " ".join(post["text"].split())
        console.print(Text(f"  {post['sentiment']['score']:+.2f} [{post['source']}] {text[:150]}"))
