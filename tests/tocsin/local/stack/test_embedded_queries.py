"""The embedded engine finds the posts that the reference finds, by values, numbers and times."""

import random
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from queries.elasticsearch.index_compiler import compile_query
from queries.language.ast import Node
from queries.language.format import format_query
from queries.language.parser import parse
from queries.matching.document import Document
from runtime.settings import ElasticsearchSettings, load
from sinks.elasticsearch.connection import connect
from sinks.elasticsearch.documents import upsert
from sinks.elasticsearch.indices.mappings import IndexNames
from sinks.elasticsearch.indices.setup import setup
from sinks.elasticsearch.writes.bulk import write
from tests import make
from tests.queries.agreement_posts import FIELD_QUERIES, rich_post
from tests.queries.asked import VALUED, WHEN
from tests.queries.reference import evaluate
from tests.tocsin.local.stack.records import quiet
from tocsin.checkup.brand_silence import read_mentions
from tocsin.local.stack import open_stack
from tocsin.offline.preview_index import preview_index

pytest.importorskip("noida_db", reason="the embedded extra is not installed")
pytestmark = pytest.mark.embedded


class Finder:
    """The posts in an index, asked of the engine and of the reference."""

    def __init__(self, url: str) -> None:
        rng = random.Random(7)
        posts = [rich_post(rng, number) for number in range(200)]
        self.documents = {mention.post.id: Document(mention) for mention in posts}
        self.settings = engine = load(ElasticsearchSettings, url=url, index_prefix="queries-")
        self.names = IndexNames(engine)
        self.client = connect(engine)
        setup(self.client, engine, quiet)
        events = [make.enriched(mention, at=WHEN) for mention in posts]
        written = write(self.client, [upsert(event, self.names) for event in events]).written
        assert len(written) == len(posts)
        self.client.indices.refresh(index=self.names.mentions_pattern)

    def found(self, query: Node) -> set[str]:
        body = {"bool": {"filter": [compile_query(query)]}}
        hits = self.client.search(index=self.names.mentions, query=body, size=1_000, source=False)
        return {hit["_id"] for hit in hits["hits"]["hits"]}

    def wanted(self, query: Node) -> set[str]:
        return {id_ for id_, asked in self.documents.items() if evaluate(query, asked).matches}


@pytest.fixture(scope="module")
def finder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Finder]:
    stack = open_stack("embedded", tmp_path_factory.mktemp("queries"), short_lived=True)
    finder = Finder(stack.start(quiet).elasticsearch)
    yield finder
    finder.client.close()
    stack.stop()


@pytest.mark.parametrize("query", FIELD_QUERIES)
def test_a_field_finds_some_posts_and_not_others(finder: Finder, query: str) -> None:
    node = parse(query)
    found = finder.found(node)
    assert found == finder.wanted(node)
    assert 0 < len(found) < len(finder.documents)


def test_any_query_of_values_finds_what_the_reference_finds(finder: Finder) -> None:
    matching = 0

    @settings(
        max_examples=100, derandomize=True, database=None, deadline=None,
        phases=[Phase.generate], suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(VALUED)
    def check(query: Node) -> None:
        nonlocal matching
        found = finder.found(query)
        matching += len(found)
        assert found == finder.wanted(query), format_query(query)

    check()
    assert matching > 1_000


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/New_York", "Asia/Kolkata"])
def test_days_of_a_zone_are_counted_as_by_hand(finder: Finder, zone: str) -> None:
    query = parse("source:x")
    preview = preview_index(finder.client, finder.settings, query, sample=0, zone=ZoneInfo(zone))
    days = Counter(
        f"{finder.documents[id_].mention.post.created_at.astimezone(ZoneInfo(zone)):%Y-%m-%d}"
        for id_ in finder.wanted(query)
    )
    assert preview.volume.interval == "day"
    counted = {f"{start:%Y-%m-%d}": count for start, count in preview.volume.counts if count}
    assert counted == days


def test_the_brands_without_a_recent_mention_are_found(
    finder: Finder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOCSIN_ELASTICSEARCH_URL", finder.settings.url)
    monkeypatch.setenv("TOCSIN_ELASTICSEARCH_INDEX_PREFIX", finder.settings.index_prefix)
    when: dict[str, list[datetime]] = {}
    for document in finder.documents.values():
        for brand in document.mention.brands:
            when.setdefault(brand.id, []).append(document.mention.post.created_at)
    since = sorted(max(times) for times in when.values())[len(when) // 2]
    mentions = read_mentions([*when, "nobody"], since)
    recent = {brand for brand, times in when.items() if max(times) >= since}
    assert set(mentions.heard) & set(when) == recent
    before = {brand: max(times) for brand, times in when.items() if brand not in recent}
    told = {brand: at and at.replace(microsecond=0) for brand, at in mentions.latest.items()}
    wanted = {brand: at.replace(microsecond=0) for brand, at in before.items()}
    assert told == {**wanted, "nobody": None}
