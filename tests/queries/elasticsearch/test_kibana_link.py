"""An address of Kibana holds the query and the time range as they were, whatever is in them."""

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given

from queries.elasticsearch.index_compiler import compile_query
from queries.elasticsearch.kibana_link import (
    ANALYST_BOARD,
    COLUMNS,
    CRISIS_BOARD,
    MAX_CHARACTERS,
    MENTIONS_VIEW,
    OPS_BOARD,
    dashboard_url,
    discover_url,
)
from queries.elasticsearch.kql import kql_of
from queries.elasticsearch.rison import rison
from queries.language.ast import Node, Or, Term
from queries.language.errors import QueryError
from queries.language.parser import parse
from tests.queries.asked import RESOLVED
from tests.queries.elasticsearch.rison_reader import read_rison

KIBANA = "https://kibana.example:5601/s/desk"
DAY = timedelta(days=1)
HOSTILE = [
    "velmora",
    '"it\'s down!!"',
    '"100 % )) & #1 ; <script>alert(1)</script>"',
    "velmora NEAR/8 (down OR panne)",
    '"l\'été à la mer" OR 日本 OR 👍🏽',
    '"www.b.example/(c)*"',
    'author:"a)&_g=(time:(from:now-99y,to:now))"',
    "text:vel* NOT lang:fr",
    "oran?e*",
]


def state_of(url: str | None) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """What Kibana reads from an address: the path in it, its global and its own state."""
    assert url is not None
    address = urlsplit(url)
    assert f"{address.scheme}://{address.netloc}{address.path}".startswith(f"{KIBANA}/app/")
    assert not address.query, "Kibana's state comes after the #"
    path, _, query = address.fragment.partition("?")
    pairs = parse_qsl(query, strict_parsing=True)
    assert [name for name, _ in pairs] == ["_g", "_a"]
    held, own = (read_rison(value) for _, value in pairs)
    return path, held, own


@pytest.mark.parametrize("text", HOSTILE)
def test_a_query_arrives_in_discover_as_it_was(text: str) -> None:
    node = parse(text)
    path, _, own = state_of(discover_url(KIBANA, node, DAY))
    kql = kql_of(compile_query(node))
    assert path == "/"
    assert own["dataSource"] == {"dataViewId": MENTIONS_VIEW, "type": "dataView"}
    assert own["query"] == {"language": "kuery", "query": kql or ""}
    assert [each["query"] for each in own["filters"]] == ([] if kql else [compile_query(node)])


@given(RESOLVED)
def test_any_query_is_in_the_search_bar_or_in_the_filter(node: Node) -> None:
    try:
        compiled = compile_query(node)
    except QueryError:
        return
    url = discover_url(KIBANA, node, DAY)
    if url is None:  # a longest phrase beside another: tens of thousands of characters
        assert len(rison(compiled)) > MAX_CHARACTERS / 12
        return
    _, _, own = state_of(url)
    if own["query"]["query"]:
        assert own["query"]["query"] == kql_of(compiled) and not own["filters"]
    else:
        (only,) = own["filters"]
        assert only["query"] == compiled
        assert only["meta"]["index"] == MENTIONS_VIEW and only["meta"]["type"] == "custom"


def test_near_becomes_a_filter_since_kql_has_no_distance() -> None:
    _, _, own = state_of(discover_url(KIBANA, parse("velmora NEAR/3 panne"), DAY))
    assert own["filters"] and not own["query"]["query"]


def test_no_query_shows_all_mentions_newest_first() -> None:
    _, _, own = state_of(discover_url(KIBANA + "/", None, DAY))
    assert own["query"]["query"] == "" and own["filters"] == []
    assert own["columns"] == list(COLUMNS) and own["sort"] == [["created_at", "desc"]]


PARIS = timezone(timedelta(hours=2))


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [
        (DAY, None, {"from": "now-86400s", "to": "now"}),
        (timedelta(0), None, {"from": "now-1s", "to": "now"}),
        (
            datetime(2026, 7, 1, 10, 0, tzinfo=PARIS),
            None,
            {"from": "2026-07-01T08:00:00.000Z", "to": "now"},
        ),
        (
            datetime(2026, 7, 1, 8, 0, 0, 999_999, tzinfo=UTC),
            datetime(2026, 7, 1, 9, 0, 0, 1, tzinfo=UTC),
            {"from": "2026-07-01T08:00:00.999Z", "to": "2026-07-01T09:00:00.001Z"},
        ),
        (
            timedelta(hours=2),
            datetime(2026, 7, 1, 9, 0, tzinfo=UTC),
            {"from": "2026-07-01T07:00:00.000Z", "to": "2026-07-01T09:00:00.000Z"},
        ),
    ],
)
def test_the_time_range_is_carried_over(
    since: datetime | timedelta, until: datetime | None, expected: dict[str, str]
) -> None:
    _, held, _ = state_of(discover_url(KIBANA, None, since, until))
    assert held == {"filters": [], "time": expected}


def test_a_dashboard_gets_the_query_and_the_time_range() -> None:
    node = parse('brand:velmora AND "it\'s down"')
    path, held, own = state_of(dashboard_url(KIBANA, CRISIS_BOARD, node, DAY))
    assert path == f"/view/{CRISIS_BOARD}"
    assert held["time"]["to"] == "now"
    assert own["query"]["query"] == kql_of(compile_query(node))


def test_the_id_of_a_dashboard_stays_in_its_place() -> None:
    path, _, _ = state_of(dashboard_url(KIBANA, "a?_a=(x)#/é", None, DAY))
    assert path == "/view/a%3F_a%3D%28x%29%23%2F%C3%A9"


def test_a_query_too_long_for_an_address_has_none() -> None:
    node = Or(tuple(Term(f"word{number}") for number in range(MAX_CHARACTERS // 10)))
    assert discover_url(KIBANA, node, DAY) is None


def test_the_ids_are_those_of_the_saved_objects() -> None:
    file = Path(__file__).parents[3] / "deploy" / "kibana" / "tocsin.ndjson"
    lines = map(json.loads, file.read_text("utf-8").splitlines())
    saved = {(line["type"], line["id"]) for line in lines}
    assert ("index-pattern", MENTIONS_VIEW) in saved
    assert {("dashboard", id_) for id_ in (ANALYST_BOARD, CRISIS_BOARD, OPS_BOARD)} <= saved
