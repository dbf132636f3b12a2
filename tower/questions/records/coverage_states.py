"""What was heard of each source in the window, and what was not."""

from collections.abc import Iterable
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from schemas.coverage import CoverageInterval, CoverageReason, CoverageState
from schemas.types import Count, Probability, Time
from sinks.elasticsearch.coverage.coverage_history import coverage_query
from sinks.elasticsearch.coverage.timeline import Timeline, cells, timelines
from tower.questions.question import (
    Answer,
    Ask,
    Question,
    Response,
    Row,
    Scope,
    Search,
    buckets,
    top_terms,
    total,
)

MAX_RECORDS: Final = 2_000
CELLS: Final = 24
MAX_STRETCHES: Final = 200
"""Of one source; of more, the newest."""


class CoverageAsk(Ask, frozen=True, kw_only=True):
    pass


class CoverageStretch(Struct, kw_only=True):
    since: Time
    until: Time
    state: CoverageState
    why: CoverageReason
    detail: str | None = None
    lasts: bool = False


class SourceCoverage(Struct, kw_only=True):
    source: str
    part: str = ""
    state: Annotated[
        CoverageState | None, Meta(description="At the end of the window; null: unknown.")
    ] = None
    why: CoverageReason | None = None
    begun: Annotated[Time | None, Meta(description="When this state began.")] = None
    heard: Annotated[Probability, Meta(description="Share of the window that was heard.")] = 0
    known: Annotated[Probability, Meta(description="Share of which anything is known.")] = 0
    lost: Annotated[Count | None, Meta(description="Posts that are known to be lost.")] = None
    mentions: Annotated[Count, Meta(description="Mentions of the source in the window.")] = 0
    cells: Annotated[
        list[CoverageState | None], Meta(description="The worst state in each part of the window.")
    ] = []
    stretches: list[CoverageStretch] = []


class CoverageAnswer(Answer, kw_only=True):
    whole: Annotated[bool, Meta(description="False: there are more records than were read.")] = True
    sources: list[SourceCoverage] = []
    untold: Annotated[
        dict[str, Count],
        Meta(description="Mentions by source, of sources of which nothing is told."),
    ] = {}


def searches(ask: CoverageAsk, scope: Scope) -> list[Search]:
    records = {
        "size": MAX_RECORDS,
        "track_total_hits": True,
        "query": coverage_query(scope.since, scope.until),
        "sort": [{"from": "desc"}, {"id": "asc"}],
    }
    sources = {
        "size": 0,
        "query": {"bool": {"filter": [scope.filters[-1]]}},
        "aggs": {"sources": top_terms("source", 100)},
    }
    return [Search("coverage", records), Search("mentions", sources)]


def read(ask: CoverageAsk, scope: Scope, responses: list[Response]) -> CoverageAnswer:
    told, counted = responses
    records = []
    for hit in told["hits"]["hits"]:
        try:
            records.append(msgspec.convert(hit["_source"], CoverageInterval))
        except msgspec.ValidationError:  # of a later version
            continue
    counts = {str(one["key"]): int(one["doc_count"]) for one in buckets(counted, "sources")}
    found = [
        _source(line, scope, counts.get(line.source, 0))
        for line in timelines(records, scope.since, scope.until, scope.context.now)
    ]
    known = {one.source for one in found}
    return CoverageAnswer(
        whole=total(told) <= MAX_RECORDS,
        sources=sorted(found, key=lambda one: (_ORDER.get(one.state or "", 9), one.source)),
        untold={name: count for name, count in counts.items() if name not in known},
    )


_ORDER: Final = {"gap": 0, "blind": 1, "away": 2, "late": 3, "listening": 4}


def _source(line: Timeline, scope: Scope, mentions: int) -> SourceCoverage:
    last = line.stretches[-1]
    # A silence that is over says nothing of the time after it, nor does a stretch before a window
    # whose end nobody tells of.
    known = last.until >= min(scope.until, scope.context.now)
    stretches = [
        CoverageStretch(
            since=one.since,
            until=one.until,
            state=one.state,
            why=one.why,
            detail=one.detail,
            lasts=one.lasts,
        )
        for one in line.stretches[-MAX_STRETCHES:]
    ]
    return SourceCoverage(
        source=line.source,
        part=line.part,
        state=last.state if known else None,
        why=last.why if known else None,
        begun=last.since if known else None,
        heard=min(1.0, line.heard),
        known=min(1.0, line.known),
        lost=line.lost,
        mentions=mentions,
        cells=cells(line, scope.since, scope.until, CELLS),
        stretches=stretches,
    )


def rows(answer: CoverageAnswer) -> Iterable[Row]:
    for source in answer.sources:
        for one in source.stretches:
            yield (
                source.source, source.part, one.state, one.why, one.since.isoformat(),
                one.until.isoformat(), one.detail,
            )  # fmt: skip


COVERAGE = Question(
    name="coverage",
    summary="What was heard of each source, late, silent or lost, over the window.",
    ask=CoverageAsk,
    answer=CoverageAnswer,
    searches=searches,
    read=read,
    columns=("source", "part", "state", "why", "from", "to", "detail"),
    rows=rows,
)
