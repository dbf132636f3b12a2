"""The address in Kibana that shows what a query finds within a time range.

Kibana keeps the state of a page in its address: ``_g`` holds the time range, ``_a`` the query, the
filters and the data view, both in rison. The ids here are those of ``deploy/kibana/tocsin.ndjson``.
"""

from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import quote

from queries.elasticsearch.index_compiler import compile_query
from queries.elasticsearch.kql import kql_of
from queries.elasticsearch.rison import Json, in_address, rison
from queries.language.ast import Node
from schemas.types import JsonObject

MENTIONS_VIEW: Final = "tocsin-mentions"
"""Id of the data view of mentions."""
ANALYST_BOARD: Final = "tocsin-analysts"
CRISIS_BOARD: Final = "tocsin-crisis"
OPS_BOARD: Final = "tocsin-ops"
"""Ids of the dashboards."""
COLUMNS: Final = (
    "source", "author.handle", "brands", "language", "sentiment.label", "brand_sentiment",
    "intents", "text",
)  # fmt: skip
"""Fields that Discover shows of a mention."""
MAX_CHARACTERS: Final = 60_000
"""Of an address: Firefox takes 65,536, others more."""
_MILLISECOND: Final = timedelta(milliseconds=1)


def discover_url(
    kibana: str, query: Node | None, since: datetime | timedelta, until: datetime | None = None
) -> str | None:
    """The address of Discover with the query as KQL, or as a filter where KQL cannot say it.

    Args:
        kibana: Kibana's own address, with the path of a space if there is one.
        query: Checked and resolved; None for all mentions.
        since: Start of the time range, or its length up to ``until``.
        until: End of the time range, inclusive; None for now.

    Returns:
        None if the address is longer than ``MAX_CHARACTERS``.

    Raises:
        QueryError: the query is too deep for the index.
    """
    state: dict[str, Json] = {
        "columns": COLUMNS,
        "dataSource": {"dataViewId": MENTIONS_VIEW, "type": "dataView"},
        **_search(query),
        "interval": "auto",
        "sort": [["created_at", "desc"]],
    }
    return _url(f"{kibana.rstrip('/')}/app/discover#/", state, _range(since, until))


def dashboard_url(
    kibana: str,
    board: str,
    query: Node | None,
    since: datetime | timedelta,
    until: datetime | None = None,
) -> str | None:
    """The address of a dashboard; ``board`` is its id, the rest as for ``discover_url``."""
    path = f"{kibana.rstrip('/')}/app/dashboards#/view/{quote(board, safe='', errors='replace')}"
    return _url(path, _search(query), _range(since, until))


def _url(path: str, state: dict[str, Json], time: dict[str, Json]) -> str | None:
    held: dict[str, Json] = {"filters": [], "time": time}
    url = f"{path}?_g={in_address(rison(held))}&_a={in_address(rison(state))}"
    return url if len(url) <= MAX_CHARACTERS else None


def _search(query: Node | None) -> dict[str, Json]:
    """The query in the search bar, or as the only filter."""
    if query is None:
        return {"filters": [], "query": {"language": "kuery", "query": ""}}
    compiled = compile_query(query)
    kql = kql_of(compiled)
    return {
        "filters": [] if kql is not None else [_filter(compiled)],
        "query": {"language": "kuery", "query": kql or ""},
    }


def _filter(compiled: JsonObject) -> dict[str, Json]:
    """A filter of the kind that Edit as Query DSL makes."""
    meta: dict[str, Json] = {
        "alias": "tocsin query",
        "disabled": False,
        "index": MENTIONS_VIEW,
        "key": "query",
        "negate": False,
        "type": "custom",
    }
    return {"$state": {"store": "appState"}, "meta": meta, "query": compiled}


def _range(since: datetime | timedelta, until: datetime | None) -> dict[str, Json]:
    """Relative to the reader's clock if there is no end, else absolute."""
    if isinstance(since, datetime):
        return {"from": _moment(since), "to": "now" if until is None else _moment(until, end=True)}
    if until is None:
        return {"from": f"now-{max(1, round(since.total_seconds()))}s", "to": "now"}
    return {"from": _moment(until - since), "to": _moment(until, end=True)}


def _moment(at: datetime, *, end: bool = False) -> str:
    """In milliseconds, as Kibana reads them; an end is rounded up, so it stays inclusive."""
    at = at.astimezone(UTC)
    if end:
        at = at + (_MILLISECOND - timedelta(microseconds=1))
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
