"""How late the newest mentions are: from publication to reading, and from reading to enrichment."""

import math
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Annotated, Any, Final

from msgspec import Meta, Struct

from schemas.types import Count
from tower.questions.question import Answer, Ask, Question, Response, Row, Scope, Search

SAMPLE: Final = 200


class LatenciesAsk(Ask, frozen=True, kw_only=True):
    pass


class SourceLatency(Struct, kw_only=True):
    source: str
    mentions: Annotated[Count, Meta(description="Of the newest ones, at most 200 together.")]
    read_s: Annotated[float, Meta(description="Median time from publication to reading, seconds.")]
    read_worst_s: Annotated[float, Meta(description="The 95th percentile of it.")]
    enriched_s: Annotated[
        float, Meta(description="Median time from reading to the end of enrichment, seconds.")
    ]
    enriched_worst_s: Annotated[float, Meta(description="The 95th percentile of it.")]


class LatenciesAnswer(Answer, kw_only=True):
    sources: list[SourceLatency] = []


def searches(ask: LatenciesAsk, scope: Scope) -> list[Search]:
    body = {
        "size": SAMPLE,
        "query": scope.within(),
        "sort": [{"enriched_at": "desc"}, {"id": "asc"}],
        "_source": ["source", "created_at", "ingested_at", "enriched_at"],
    }
    return [Search("mentions", body)]


def read(ask: LatenciesAsk, scope: Scope, responses: list[Response]) -> LatenciesAnswer:
    (response,) = responses
    by_source: dict[str, list[Any]] = {}
    for hit in response["hits"]["hits"]:
        by_source.setdefault(hit["_source"]["source"], []).append(hit["_source"])
    return LatenciesAnswer(
        sources=[_latency(name, found) for name, found in sorted(by_source.items())]
    )


def _latency(name: str, found: Sequence[Any]) -> SourceLatency:
    read_ = sorted(_seconds(one, "created_at", "ingested_at") for one in found)
    enriched = sorted(_seconds(one, "ingested_at", "enriched_at") for one in found)
    return SourceLatency(
        source=name,
        mentions=len(found),
        read_s=_at(read_, 0.5),
        read_worst_s=_at(read_, 0.95),
        enriched_s=_at(enriched, 0.5),
        enriched_worst_s=_at(enriched, 0.95),
    )


def _seconds(source: Any, first: str, then: str) -> float:
    begin, end = (datetime.fromisoformat(source[name]) for name in (first, then))
    return max(0.0, (end - begin).total_seconds())


def _at(ordered: Sequence[float], share: float) -> float:
    """The nearest-rank quantile."""
    return round(ordered[max(0, math.ceil(share * len(ordered)) - 1)], 3)


def rows(answer: LatenciesAnswer) -> Iterable[Row]:
    for one in answer.sources:
        yield (
            one.source, one.mentions, one.read_s, one.read_worst_s, one.enriched_s,
            one.enriched_worst_s,
        )  # fmt: skip


LATENCIES = Question(
    name="latencies",
    summary="How late the newest mentions are, by source.",
    ask=LatenciesAsk,
    answer=LatenciesAnswer,
    searches=searches,
    read=read,
    columns=("source", "mentions", "read_s", "read_worst_s", "enriched_s", "enriched_worst_s"),
    rows=rows,
)
