"""The figures at the end of the demo: searches that an analyst would send to the index."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from elasticsearch import Elasticsearch

from processors.detector.backtest import BacktestAlert, backtest_alerts, replay
from runtime.settings import ElasticsearchSettings
from schemas.brand import Brand
from schemas.mention import Mention
from schemas.types import JsonObject
from sinks.elasticsearch.documents import from_document
from tower.desk.activity_history import records_of_index

TOP: Final = 5
_FETCHED: Final = 60
"""Entities fetched of a brand: its own names and other spellings leave enough of them."""
UNSPECIFIC: Final = "other"
"""The aspect that says nothing."""
_HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class BrandFigures:
    """What the index says of one brand; ``entities`` are folded and without the brand itself."""

    brand: str
    mentions: int
    negative: int
    positive: int
    mean: float | None
    entities: list[tuple[str, int]]
    reasons: list[tuple[str, int]]
    hours: dict[datetime, tuple[int, int]]
    """Hour (UTC) to mentions and negative mentions."""


@dataclass(frozen=True, slots=True)
class AuthorFigures:
    name: str
    source: str
    mentions: int
    followers: int
    brands: list[str]


@dataclass(frozen=True, slots=True)
class WorstHour:
    """The hour with most negative mentions of one brand, and the worst of them."""

    brand: str
    start: datetime
    mentions: int
    negative: int
    posts: list[Mention]


@dataclass(frozen=True, slots=True)
class Summary:
    mentions: int
    tiers: dict[str, int]
    brands: list[BrandFigures]
    loudest: list[AuthorFigures] = field(default_factory=list)
    widest: list[AuthorFigures] = field(default_factory=list)
    worst: WorstHour | None = None


def _top(name: str, size: int) -> JsonObject:
    # By name where the counts are equal: the same index gives the same answer.
    return {"terms": {"field": name, "size": size, "order": [{"_count": "desc"}, {"_key": "asc"}]}}


_BRAND_AGGREGATIONS: Final[JsonObject] = {
    "sentiment": _top("sentiment.label", 3),
    "mean": {"avg": {"field": "sentiment.score"}},
    "entities": _top("entities.text", _FETCHED),
    "reasons": {
        "filter": {"term": {"sentiment.label": "negative"}},
        "aggs": {"about": _top("aspects.label", TOP + 1)},
    },
    "hours": {
        "date_histogram": {"field": "created_at", "fixed_interval": "1h"},
        "aggs": {"sentiment": _top("sentiment.label", 3)},
    },
}
_SHOWN_AUTHOR: Final[JsonObject] = {
    "top_hits": {"size": 1, "_source": ["author", "source"], "sort": [{"created_at": "desc"}]}
}
_AUTHORS: Final[JsonObject] = {
    "brands": _top("brands", TOP),
    "shown": _SHOWN_AUTHOR,
}
_AGGREGATIONS: Final[JsonObject] = {
    "tiers": _top("tier", 3),
    "brands": {**_top("brands", 50), "aggs": _BRAND_AGGREGATIONS},
    "loudest": {**_top("author.id", TOP), "aggs": _AUTHORS},
}


def summarise(client: Elasticsearch, index: str, brands: Sequence[Brand]) -> Summary:
    """All figures of the index, from two searches."""
    answer: Any = client.search(index=index, size=0, track_total_hits=True, aggs=_AGGREGATIONS)
    aggregations = answer["aggregations"]
    own = {brand.id: own_names(brand) for brand in brands}
    figures = [
        _brand_figures(bucket, own.get(bucket["key"], frozenset()))
        for bucket in aggregations["brands"]["buckets"]
    ]
    return Summary(
        mentions=answer["hits"]["total"]["value"],
        tiers=dict(_counts(aggregations["tiers"])),
        brands=figures,
        loudest=[_author(bucket) for bucket in aggregations["loudest"]["buckets"]],
        widest=_widest(client, index),
        worst=_worst_hour(client, index, figures),
    )


def alerts_of(settings: ElasticsearchSettings, brands: Sequence[Brand]) -> list[BacktestAlert]:
    """The detector's alerts over all that is in the index, in the order in which they opened."""
    first, end = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    alerts: list[BacktestAlert] = []
    for brand in brands:
        records = records_of_index(settings, brand.id, first, end)
        alerts += backtest_alerts(replay(records, [brand]))
    return sorted(alerts, key=lambda alert: (alert.opened_at, alert.id))


def posts_of(client: Elasticsearch, index: str, ids: Sequence[str]) -> list[Mention]:
    """The mentions with these ids, in their order; those that are gone are left out."""
    if not ids:
        return []
    hits = client.search(index=index, size=len(ids), query={"terms": {"id": list(ids)}})["hits"][
        "hits"
    ]
    mentions = [from_document(hit["_source"]).mention for hit in hits]
    return sorted(mentions, key=lambda mention: ids.index(mention.post.id))


def own_names(brand: Brand) -> frozenset[str]:
    """The folded names and handles of a brand."""
    handles = [handle.partition(".")[0] for handle in brand.handles]
    return frozenset(
        fold(name) for name in (brand.id, brand.name, *brand.names, *brand.handles, *handles)
    )


def fold(name: str) -> str:
    """A name without its case and its ``#`` or ``@``."""
    return " ".join(name.casefold().lstrip("#@＃＠").split())


def folded_entities(
    counts: Iterable[tuple[str, int]], own: frozenset[str], size: int = TOP
) -> list[tuple[str, int]]:
    """Names with their counts summed over spellings, without those that hold a name of the brand.

    Each is shown in its most frequent spelling.
    """
    sums, shown = Counter[str](), dict[str, str]()
    for name, count in counts:
        folded = fold(name)
        if not folded or any(f" {mine} " in f" {folded} " for mine in own):
            continue
        sums[folded] += count
        shown.setdefault(folded, name)
    ranked = sorted(sums.items(), key=lambda item: (-item[1], item[0]))
    return [(shown[folded], count) for folded, count in ranked[:size]]


def _brand_figures(bucket: Mapping[str, Any], own: frozenset[str]) -> BrandFigures:
    sentiment = _counts(bucket["sentiment"])
    about = _counts(bucket["reasons"]["about"])
    hours = {}
    for hour in bucket["hours"]["buckets"]:
        start = datetime.fromtimestamp(hour["key"] / 1000, UTC)
        hours[start] = hour["doc_count"], _counts(hour["sentiment"])["negative"]
    return BrandFigures(
        brand=bucket["key"],
        mentions=bucket["doc_count"],
        negative=sentiment["negative"],
        positive=sentiment["positive"],
        mean=bucket["mean"]["value"],
        entities=folded_entities(_counts(bucket["entities"]).items(), own),
        reasons=[(name, n) for name, n in about.items() if name != UNSPECIFIC][:TOP],
        hours=hours,
    )


def _counts(terms: Mapping[str, Any]) -> Counter[str]:
    return Counter({str(bucket["key"]): bucket["doc_count"] for bucket in terms["buckets"]})


def _author(bucket: Mapping[str, Any]) -> AuthorFigures:
    source = bucket["shown"]["hits"]["hits"][0]["_source"]
    return _figures(source, bucket["doc_count"], list(_counts(bucket["brands"])))


def _widest(client: Elasticsearch, index: str) -> list[AuthorFigures]:
    """The authors with most followers, once each."""
    hits = client.search(
        index=index,
        size=100,
        query={"exists": {"field": "author.followers"}},
        sort=[{"author.followers": "desc"}, {"id": "asc"}],
        source_includes=["author", "brands", "source"],
    )["hits"]["hits"]
    authors: dict[str, AuthorFigures] = {}
    for hit in hits:
        source = hit["_source"]
        figures = _figures(source, 1, source.get("brands", []))
        authors.setdefault(source["author"]["id"], figures)
    return list(authors.values())[:TOP]


def _figures(source: Mapping[str, Any], mentions: int, brands: list[str]) -> AuthorFigures:
    author = source["author"]
    name = f"@{author['handle']}" if author.get("handle") else author["id"]
    return AuthorFigures(name, source["source"], mentions, author.get("followers") or 0, brands)


def _worst_hour(
    client: Elasticsearch, index: str, figures: Sequence[BrandFigures]
) -> WorstHour | None:
    hours = [
        (negative, start, mentions, brand.brand)
        for brand in figures
        for start, (mentions, negative) in brand.hours.items()
        if negative
    ]
    if not hours:
        return None
    negative, start, mentions, brand = max(hours)
    return WorstHour(brand, start, mentions, negative, _worst_posts(client, index, brand, start))


def _worst_posts(client: Elasticsearch, index: str, brand: str, start: datetime) -> list[Mention]:
    between = {"gte": start.isoformat(), "lt": (start + _HOUR).isoformat()}
    filters = [
        {"term": {"brands": brand}},
        {"term": {"sentiment.label": "negative"}},
        {"range": {"created_at": between}},
    ]
    hits = client.search(
        index=index,
        size=20,
        query={"bool": {"filter": filters}},
        sort=[{"sentiment.score": "asc"}, {"id": "asc"}],
    )["hits"]["hits"]
    texts: dict[str, Mention] = {}
    for hit in hits:
        mention = from_document(hit["_source"]).mention
        texts.setdefault(fold(mention.post.text), mention)
    return list(texts.values())[:3]
