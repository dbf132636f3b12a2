"""What each clause of a query adds or removes, counted in the window."""

from collections.abc import Iterable
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from queries.elasticsearch.index_compiler import compile_query
from queries.language.format import format_query
from queries.tools.clause_effects import WHOLE, Clauses
from schemas.types import Count
from tower.questions.question import Answer, Ask, Question, Response, Row, Scope, Search, total

MAX_CLAUSES: Final = 30


class ClausesAsk(Ask, frozen=True, kw_only=True):
    pass


class ClauseEffect(Struct, kw_only=True):
    clause: str
    kind: Literal["alternative", "condition", "exclusion"]
    level: int
    adds: Annotated[Count, Meta(description="Mentions that match only because of it.")] = 0
    removes: Annotated[Count, Meta(description="Mentions that would match without it.")] = 0
    measured: Annotated[
        bool, Meta(description="False: without it nearly every mention would match.")
    ] = True


class ClausesAnswer(Answer, kw_only=True):
    mentions: Annotated[Count, Meta(description="All mentions of the window.")] = 0
    matches: Count = 0
    clauses: list[ClauseEffect] = []
    left_out: Count = 0


def searches(ask: ClausesAsk, scope: Scope) -> list[Search]:
    if scope.node is None:
        return []
    parts = Clauses(scope.node, MAX_CLAUSES)
    compiled = {name: compile_query(node) for name, node in parts.queries.items()}
    body = {
        "size": 0,
        "track_total_hits": True,
        "query": {"bool": {"filter": [scope.filters[-1]]}},
        "aggs": {"clauses": {"filters": {"filters": compiled}}},
    }
    return [Search("mentions", body)]


def read(ask: ClausesAsk, scope: Scope, responses: list[Response]) -> ClausesAnswer:
    if scope.node is None:
        return ClausesAnswer()
    (response,) = responses
    found = response.get("aggregations", {}).get("clauses", {}).get("buckets", {})
    counts = {name: bucket["doc_count"] for name, bucket in found.items()}
    parts = Clauses(scope.node, MAX_CLAUSES)
    effects = [
        ClauseEffect(
            clause=format_query(effect.clause)[:300],
            kind=effect.kind,
            level=effect.level,
            adds=effect.adds,
            removes=effect.removes,
            measured=effect.without is not None,
        )
        for effect in parts.effects(counts)
    ]
    return ClausesAnswer(
        mentions=total(response),
        matches=counts.get(WHOLE, 0),
        clauses=effects,
        left_out=parts.left_out,
    )


def rows(answer: ClausesAnswer) -> Iterable[Row]:
    for one in answer.clauses:
        yield (one.clause, one.kind, one.level, one.adds, one.removes)


CLAUSES = Question(
    name="clauses",
    summary="What each clause of the query adds or removes.",
    ask=ClausesAsk,
    answer=ClausesAnswer,
    searches=searches,
    read=read,
    columns=("clause", "kind", "level", "adds", "removes"),
    rows=rows,
)
