"""``tocsin query preview --index``: the searches and how their answers are shown."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from queries.elasticsearch.index_compiler import compile_query
from queries.language.parser import parse
from tests.servers.elasticsearch import answered
from tests.servers.http import Answer, HttpServer, Received
from tests.tocsin.cli.commands import Commands

DAY = 86_400_000
HIT = {
    "id": "x:1",
    "source": "x",
    "author": {"id": "1", "handle": "odile"},
    "text": "L'Orange en panne",
    "created_at": "2026-03-02T12:00:00Z",
    "language": "fr",
    "sentiment": {"label": "negative", "score": -1, "negative": 1, "neutral": 0, "positive": 0},
}


def terms(**counts: int) -> dict[str, Any]:
    return {"buckets": [{"key": key, "doc_count": count} for key, count in counts.items()]}


class Index(HttpServer):
    """Answers multi-searches, and keeps what was asked."""

    def __init__(self) -> None:
        self.searches: list[dict[str, Any]] = []
        self.paths: set[str] = set()
        self.fails: dict[str, Any] | None = None
        self.matches = 7

    def answer(self, request: Received) -> Answer:
        lines = [json.loads(line) for line in request.body.splitlines()]
        self.paths |= {header["index"] for header in lines[::2]}
        return answered(200, {"responses": [self._search(body) for body in lines[1::2]]})

    def _search(self, body: dict[str, Any]) -> dict[str, Any]:
        self.searches.append(body)
        if self.fails is not None:
            return self.fails
        aggregations = body["aggs"]
        if "min" in aggregations:
            first = 1_772_409_600_000 if self.matches else None
            last = first and first + 5 * DAY
            return {"aggregations": {"min": {"value": first}, "max": {"value": last}}}
        if "clauses" in aggregations:
            names = aggregations["clauses"]["filters"]["filters"]
            counts = {"query": self.matches}
            buckets = {name: {"doc_count": counts.get(name, 10)} for name in names}
            counted = {"clauses": {"buckets": buckets}}
            return {"hits": {"total": {"value": 1_000}}, "aggregations": counted}
        if not self.matches:
            empty = dict.fromkeys(("volume", "languages", "sources", "sentiments"), terms())
            return {"hits": {"hits": []}, "aggregations": empty}
        bars = [{"key": 1_772_409_600_000 + day * DAY, "doc_count": day} for day in range(4)]
        return {
            "hits": {"hits": [{"_source": HIT}]},
            "aggregations": {
                "volume": {"buckets": bars},
                "languages": terms(fr=6, en=1),
                "sources": terms(x=7),
                "sentiments": terms(negative=7),
            },
        }


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch) -> Iterator[Index]:
    with Index() as served:
        monkeypatch.setenv("TOCSIN_ELASTICSEARCH_URL", served.url)
        monkeypatch.setenv("TOCSIN_ELASTICSEARCH_INDEX_PREFIX", "team-")
        yield served


QUERY = "(orange OR sosh) AND panne"


def test_the_index_is_asked_for_the_query_and_each_of_its_clauses(
    tocsin: Commands, index: Index
) -> None:
    ran = tocsin("query", "preview", QUERY, "--index", "--sample", "3", "--since", "2026-03-01")
    assert (ran.status, ran.err) == (0, "")
    assert index.paths == {"team-mentions"}
    time, query = compile_query(parse("date:>=2026-03-01")), compile_query(parse(QUERY))
    _, matches, clauses = index.searches
    assert matches["query"] == {"bool": {"filter": [time, query]}}
    assert matches["size"] == 3
    assert matches["aggs"]["volume"]["date_histogram"]["calendar_interval"] == "day"
    assert clauses["query"] == {"bool": {"filter": [time]}}
    asked = clauses["aggs"]["clauses"]["filters"]["filters"].values()
    texts = [QUERY, "orange OR sosh", "panne", "sosh AND panne", "orange AND panne"]
    wanted = [compile_query(parse(text)) for text in texts]
    assert sorted(map(json.dumps, asked)) == sorted(map(json.dumps, wanted))


def test_what_the_index_says_is_shown(tocsin: Commands, index: Index) -> None:
    ran = tocsin("query", "preview", QUERY, "--index")
    assert "7 of 1,000 posts match (0.70 %)" in ran.out
    assert "One bar is a day; the highest has 3 (2026-03-05)" in ran.out
    assert "fr 86 %, en 14 %" in ran.out
    assert "2026-03-02 12:00 @odile [fr] L'**Orange** en **panne**" in ran.out
    data = json.loads(tocsin("query", "preview", QUERY, "--index", "--json").out)
    assert (data["read"], data["matches"], data["volume"]["interval"]) == (1_000, 7, "day")
    assert data["sentiments"] == {"negative": 7}
    assert {each["removes"] for each in data["clauses"]} == {3}
    index.matches = 0
    ran = tocsin("query", "preview", QUERY, "--index")
    assert (ran.status, ran.err) == (0, "")
    assert "0 of 1,000 posts match" in ran.out


@pytest.mark.parametrize(
    ("answer", "status", "says"),
    [
        ({"status": 404, "error": {"type": "index_not_found_exception"}}, 2, "tocsin index setup"),
        (
            {"status": 400, "error": {"reason": "Query contains too many nested clauses"}},
            2,
            "split it in two",
        ),
        ({"status": 503, "error": {"reason": "all shards failed"}}, 3, "503: all shards failed"),
    ],
)
def test_what_the_index_refuses_is_a_sentence(
    tocsin: Commands, index: Index, answer: dict[str, Any], status: int, says: str
) -> None:
    index.fails = answer
    assert says in tocsin.error("query", "preview", QUERY, "--index", status=status)


def test_a_mistake_is_shown_before_the_index_is_asked(tocsin: Commands, index: Index) -> None:
    assert "^^" in tocsin.error("query", "preview", "a AND b OR c", "--index")
    assert index.searches == []


def test_days_of_a_zone_are_made_of_parts_that_every_engine_knows(
    tocsin: Commands, index: Index
) -> None:
    """The bars of the index begin at midnight in UTC, which is the evening before in New York."""
    ran = tocsin("query", "preview", QUERY, "--index", "--json", "--zone", "America/New_York")
    assert (ran.status, ran.err) == (0, "")
    volume = json.loads(ran.out)["volume"]
    assert volume["interval"] == "day"
    assert [(bar["start"], bar["matches"]) for bar in volume["counts"]] == [
        ("2026-03-01T00:00:00-05:00", 0),
        ("2026-03-02T00:00:00-05:00", 1),
        ("2026-03-03T00:00:00-05:00", 2),
        ("2026-03-04T00:00:00-05:00", 3),
    ]
    asked = index.searches[1]["aggs"]["volume"]["date_histogram"]
    assert asked["fixed_interval"] == "15m"
    assert "time_zone" not in asked and "calendar_interval" not in asked
    shown = tocsin("query", "preview", QUERY, "--index", "--zone", "America/New_York").out
    assert "One bar is a day, in America/New_York" in shown
    assert "2026-03-02 07:00 @odile" in shown
