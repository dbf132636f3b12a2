"""How much is said in each tab: mentions in the window and in the last hour of it."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Annotated, Final

from msgspec import Meta, Struct

from queries.elasticsearch.index_compiler import compile_query
from queries.language.errors import QueryError
from schemas.types import Count, JsonObject
from tower.questions.question import (
    Answer,
    Ask,
    Question,
    Response,
    Row,
    Scope,
    Search,
    between,
)
from tower.questions.scope import parsed, text_list

MAX_TABS: Final = 50
RECENT: Final = timedelta(hours=1)


class TabsAsk(Ask, frozen=True, kw_only=True):
    queries: Annotated[
        str,
        Meta(max_length=100_000, description='JSON array of queries: `["brand:velmora", ""]`.'),
    ] = "[]"


class TabCount(Struct, kw_only=True):
    query: str
    mentions: Count = 0
    recent: Annotated[Count, Meta(description="In the last hour of the window.")] = 0
    wrong: Annotated[bool, Meta(description="The query is not valid any more.")] = False


class TabsAnswer(Answer, kw_only=True):
    tabs: list[TabCount] = []


def _filters(ask: TabsAsk, scope: Scope) -> dict[str, JsonObject]:
    """Number of the tab to its filter; a query that is wrong is left out."""
    filters: dict[str, JsonObject] = {}
    for number, text in enumerate(_queries(ask)):
        try:
            node = parsed(text, scope.context)
            filters[str(number)] = {"match_all": {}} if node is None else compile_query(node)
        except QueryError:
            continue
    return filters


def _queries(ask: TabsAsk) -> list[str]:
    return text_list("queries", ask.queries, MAX_TABS)


def searches(ask: TabsAsk, scope: Scope) -> list[Search]:
    filters = _filters(ask, scope)
    if not filters:
        return []
    recent = {"recent": {"filter": between(scope.until - RECENT, scope.until)}}
    body = {
        "size": 0,
        "query": {"bool": {"filter": [scope.filters[-1]]}},
        "aggs": {"tabs": {"filters": {"filters": filters}, "aggs": recent}},
    }
    return [Search("mentions", body)]


def read(ask: TabsAsk, scope: Scope, responses: list[Response]) -> TabsAnswer:
    known = _filters(ask, scope)
    found: JsonObject = {}
    if responses:
        found = responses[0].get("aggregations", {}).get("tabs", {}).get("buckets", {})
    tabs = []
    for number, query in enumerate(_queries(ask)):
        bucket = found.get(str(number), {})
        tabs.append(
            TabCount(
                query=query,
                mentions=bucket.get("doc_count", 0),
                recent=bucket.get("recent", {}).get("doc_count", 0),
                wrong=str(number) not in known,
            )
        )
    return TabsAnswer(tabs=tabs)


def rows(answer: TabsAnswer) -> Iterable[Row]:
    for tab in answer.tabs:
        yield (tab.query, tab.mentions, tab.recent)


TABS = Question(
    name="tabs",
    summary="Mentions by query, for several queries at once.",
    ask=TabsAsk,
    answer=TabsAnswer,
    searches=searches,
    read=read,
    columns=("query", "mentions", "recent"),
    rows=rows,
)
