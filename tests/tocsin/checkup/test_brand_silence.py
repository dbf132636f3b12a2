"""Brands that nobody mentions, and sources that no post has, are told with what was read."""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from brands.registry import Published
from runtime.settings import ElasticsearchSettings, load
from schemas.brand import Brand
from schemas.errors import TocsinError
from tests.make import brand
from tests.servers.elasticsearch import HEADERS
from tests.servers.http import Answer, FakeHttp
from tocsin.checkup.brand_silence import (
    MAX_BRANDS,
    Mentions,
    mentions_of,
    mentions_search,
    mentions_sentence,
    read_mentions,
    silence_of_kept,
    silent_brands,
    unknown_sources,
)
from tocsin.checkup.check_runner import Noted

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
SINCE = NOW - timedelta(hours=24)
OLD = NOW - timedelta(days=30)


def answer(recent: int, *heard: str, sources: tuple[str, ...] = ("x",)) -> dict[str, Any]:
    """An answer of the index: the brands that were heard."""
    found = {
        "recent": {"doc_count": recent, "brands": {"buckets": buckets(heard)}},
        "sources": {"buckets": buckets(sources)},
    }
    return {"aggregations": found}


def buckets(keys: Iterable[str]) -> list[dict[str, Any]]:
    return [{"key": key, "doc_count": 3} for key in keys]


def latest(*hours_ago: float | None) -> dict[str, Any]:
    """An answer about the newest mentions: a search each."""
    times = [None if hours is None else NOW - timedelta(hours=hours) for hours in hours_ago]
    found = [[] if at is None else [{"_source": {"created_at": at.isoformat()}}] for at in times]
    return {"responses": [{"hits": {"hits": hits}} for hits in found]}


def published(*brands: Brand, at: datetime = OLD) -> dict[str, Published]:
    return {each.id: Published(each, at) for each in brands}


TWO = published(brand("velmora"), brand("corvane"), brand("zephalia"))


def mentions(recent: int, *heard: str, **hours_ago: float | None) -> Mentions:
    """What the index holds; ``hours_ago``: of brands that were asked for, None: never heard."""
    found = {
        name: None if hours is None else NOW - timedelta(hours=hours)
        for name, hours in hours_ago.items()
    }
    return mentions_of("tocsin-mentions", answer(recent, *heard))._replace(latest=found)


def sentence(found: Mentions, those: Mapping[str, Published] = TWO) -> str:
    return mentions_sentence(those, found, 24, SINCE)


def test_brands_that_are_mentioned_are_counted() -> None:
    told = sentence(mentions(70, "velmora", "corvane", "zephalia"))
    assert told == "each of 3 brands had one in 24 hours; 70 in tocsin-mentions"


def test_a_silent_brand_is_named_with_its_last_mention_and_the_longest_silent_first() -> None:
    with pytest.raises(Noted) as noted:
        sentence(mentions(70, "velmora", corvane=30, zephalia=None))
    assert str(noted.value).startswith(
        "no mention in 24 hours in tocsin-mentions: zephalia (none ever), "
        "corvane (last 2026-03-09 06:00 UTC); try"
    )


def test_a_new_brand_has_its_time_and_an_old_one_that_fell_silent_has_not() -> None:
    new = published(brand("velmora"), brand("corvane"), at=NOW - timedelta(hours=1))
    found = silent_brands(new, mentions(9, corvane=40), SINCE)
    assert found == ["corvane"]


def test_where_no_brand_is_mentioned_no_brand_is_blamed() -> None:
    with pytest.raises(Noted, match="no brand at all was mentioned in 24 hours") as noted:
        sentence(mentions(0, velmora=50, corvane=90, zephalia=100))
    assert "last one at 2026-03-08 10:00 UTC" in str(noted.value)
    assert "zephalia" not in str(noted.value)


def test_many_silent_brands_are_named_in_part() -> None:
    many = published(*(brand(f"b{number}") for number in range(30)))
    with pytest.raises(Noted, match=r"b0, b1, .* and 22 more"):
        sentence(mentions(5), many)


def test_a_source_that_no_post_has_is_told_with_its_brand() -> None:
    asked = [
        brand("a", query="velmora AND source:twitter"),
        brand("b", query="velmora AND source:forum"),
        brand("c", owned=["forum:velmora", "intranet:velmora"]),
    ]
    told = unknown_sources(asked, ["x", "forum"])
    assert [each.partition(":")[0] for each in told] == ["a", "c"]
    assert "source:x" in told[0]
    assert "intranet:velmora" in told[1]


def test_a_search_asks_for_the_brands_alone() -> None:
    body = mentions_search(["velmora"], SINCE)
    assert body["size"] == 0
    assert body["aggs"]["recent"]["aggs"]["brands"]["terms"]["include"] == ["velmora"]


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHttp]:
    with FakeHttp() as server:
        monkeypatch.setenv("TOCSIN_ELASTICSEARCH_URL", server.url)
        yield server


def answered(found: Mapping[str, Any], status: int = 200) -> Answer:
    return Answer(status, json.dumps(found).encode(), HEADERS)


def test_the_index_is_asked_for_at_most_so_many_brands(index: FakeHttp) -> None:
    index.answers += [answered(answer(3, "b0")), answered(latest(50, None))]
    found = read_mentions([f"b{number}" for number in range(MAX_BRANDS + 7)], SINCE)
    assert (found.recent, found.heard) == (3, ["b0"])
    assert found.latest == {"b1": NOW - timedelta(hours=50), "b2": None}
    assert found.where == load(ElasticsearchSettings).index_prefix + "mentions"
    first, second = index.received
    terms = first.json["aggs"]["recent"]["aggs"]["brands"]["terms"]
    assert len(terms["include"]) == MAX_BRANDS
    assert second.body.count(b"created_at") < 1_000


def test_brands_that_stay_are_told_where_they_are_silent(index: FakeHttp) -> None:
    index.answers += [answered(answer(3)), answered(latest(None))]
    told = silence_of_kept(TWO, ["velmora", "unpublished"])
    assert told == "no mention in 24 hours in tocsin-mentions: velmora (none ever)"
    index.answers += [answered(answer(0)), answered(latest(None))]
    assert "no brand at all" in str(silence_of_kept(TWO, ["velmora"]))


def test_new_brands_ask_nothing(index: FakeHttp) -> None:
    fresh = published(brand("velmora"), at=datetime.now(UTC))
    assert silence_of_kept(fresh, ["velmora"]) is None
    assert silence_of_kept(TWO, ["corvus"]) is None
    assert index.received == []


def test_an_index_that_does_not_answer_is_said(index: FakeHttp) -> None:
    refusal = {"error": {"type": "security_exception", "reason": "no"}, "status": 403}
    index.decide = lambda _: answered(refusal, 403)
    assert "was not looked at: " in str(silence_of_kept(TWO, ["velmora"]))
    with pytest.raises(TocsinError):
        read_mentions(["velmora"], SINCE)
