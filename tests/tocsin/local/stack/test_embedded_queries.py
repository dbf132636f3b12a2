"""The embedded engine finds the posts that the reference finds: by values, numbers and times, and
by words of every kind of case, also where an older tokenizer wrote them."""

import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from msgspec.structs import replace

from queries.elasticsearch.index_compiler import compile_query
from queries.language.ast import Node
from queries.language.format import format_query
from queries.language.parser import parse
from queries.matching.document import Document
from runtime.settings import ElasticsearchSettings, load
from schemas.mention import Mention
from schemas.types import JsonObject
from sinks.elasticsearch.connection import connect
from sinks.elasticsearch.documents import upsert
from sinks.elasticsearch.indices.mappings import IndexNames
from sinks.elasticsearch.indices.setup import setup
from sinks.elasticsearch.writes.bulk import write
from tests import make
from tests.queries.agreement_cases import CASES
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

    def __init__(self, url: str, prefix: str, posts: Sequence[Mention]) -> None:
        self.documents = {mention.post.id: Document(mention) for mention in posts}
        self.settings = engine = load(ElasticsearchSettings, url=url, index_prefix=prefix)
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

    def rewrite(self, number: int, words: JsonObject) -> None:
        """Puts the tokens of version 1 in place of today's; it wrote no version and no tags."""
        document = self.documents[f"x:{number}"].mention
        operation = upsert(make.enriched(document, at=WHEN), self.names)
        body = msgspec.json.decode(operation.document) | {"words": words}
        body["values"] = {"source": body["values"]["source"]}
        self.client.index(index=operation.index, id=operation.id, document=body, refresh=True)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    stack = open_stack("embedded", tmp_path_factory.mktemp("queries"), short_lived=True)
    yield stack.start(quiet).elasticsearch
    stack.stop()


@pytest.fixture(scope="module")
def finder(url: str) -> Iterator[Finder]:
    rng = random.Random(7)
    finder = Finder(url, "queries-", [rich_post(rng, number) for number in range(200)])
    yield finder
    finder.client.close()


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


UNLIKE_LUCENE = '"d été été"~2 NEAR/2 ({abc} OR ({été} OR {ete ete}~5 OR bt) OR (a OR c))'
"""The embedded engine finds one post more; tests/engines hold Elasticsearch to it."""


def plain_posts(texts: Iterable[str]) -> list[Mention]:
    return [
        make.mention(make.post(text, id=f"x:{number}", author="1", created_at=WHEN))
        for number, text in enumerate(texts)
    ]


def test_every_case_finds_what_the_reference_finds(url: str) -> None:
    texts = list(dict.fromkeys(text for _, text, _ in CASES))
    finder = Finder(url, "cases-", plain_posts(texts))
    differing = []
    for query in dict.fromkeys(query for query, _, _ in CASES if query != UNLIKE_LUCENE):
        node = parse(query)
        found, wanted = finder.found(node), finder.wanted(node)
        if found != wanted:
            differing.append((query, found - wanted, wanted - found))
    finder.client.close()
    assert [query for query, *_ in differing] == []


FIRST_TOKENS = [
    # Text, and its tokens of version 1: folded, with accents, as written.
    ("C&A soldes", "c a soldes", "", "C A ."),
    ("Ørsted wins", "ørsted wins", "", "Ørsted ."),
    ("LG가 좋다", "lg가 좋다", "", "LG가 ."),
    ("jean@orange.fr", "jean orange fr", "", ". . ."),
    ("👍🏽", "👍🏽", "", "."),
    ("Été à Łódź", "ete a łodz", "été à łódź", "Été à Łódź"),
    ("ايرانسل", "ايرانسل", "", "."),
    ("أورنج", "أورنج", "", "."),
    ("@velmora-care", "@velmora-care", "", "."),
    ("ソニーA7", "ソ ニ ーa7", "", ". . ーA7"),
    ("velmora", "velmora", "", "."),
    ("YAPI", "yapi", "", "YAPI"),
]
"""What an index holds that was written before mapping version 7."""


@pytest.mark.parametrize(
    ("query", "texts"),
    [
        ("C&A", ["C&A soldes"]),
        ('"C&A soldes"', ["C&A soldes"]),
        ("C&A NEAR/2 soldes", ["C&A soldes"]),
        ("Ørsted", ["Ørsted wins"]),
        ("{Ørsted}", ["Ørsted wins"]),
        ('"Ørsted wins"', ["Ørsted wins"]),
        ("LG전자 OR LG가", ["LG가 좋다"]),
        ('"LG가 좋다"', ["LG가 좋다"]),
        ("jean@orange.fr", ["jean@orange.fr"]),
        ("👍🏽", ["👍🏽"]),
        ("Łódź", ["Été à Łódź"]),
        ("été", ["Été à Łódź"]),
        ("ete", ["Été à Łódź"]),
        ("ايرانسل", ["ايرانسل"]),
        ("أورنج", ["أورنج"]),
        ('"@velmora-care"', ["@velmora-care"]),
        ("ソニーA7", ["ソニーA7"]),
        ("velmora", ["velmora"]),
        ("velmora AND NOT C&A", ["velmora"]),
        ("{YAPI}", ["YAPI"]),
    ],
)
def test_an_index_of_the_first_tokenizer_goes_on_answering(
    first_index: Finder, query: str, texts: list[str]
) -> None:
    found = first_index.found(parse(query))
    assert {first_index.documents[id_].mention.post.text for id_ in found} == set(texts)


def test_what_the_first_tokenizer_mistook_is_not_asked_of_todays_documents(
    first_index: Finder,
) -> None:
    today = plain_posts(["Vitamine C à prendre", "lettre e on"])
    events = [make.enriched(replace(post, post=replace(post.post, id=f"x:new{n}")), at=WHEN)
              for n, post in enumerate(today)]  # fmt: skip
    write(first_index.client, [upsert(event, first_index.names) for event in events])
    first_index.client.indices.refresh(index=first_index.names.mentions_pattern)
    assert first_index.found(parse("C&A")) == {"x:0"}
    assert first_index.found(parse("E.ON")) == set()
    assert first_index.found(parse('"e on"')) == {"x:new1"}


@pytest.fixture(scope="module")
def first_index(url: str) -> Iterator[Finder]:
    finder = Finder(url, "first-", plain_posts(text for text, *_ in FIRST_TOKENS))
    for number, (_, folded, accented, exact) in enumerate(FIRST_TOKENS):
        words = {"text": folded, "text_accented": accented, "text_exact": exact}
        finder.rewrite(number, {name: line for name, line in words.items() if line})
    yield finder
    finder.client.close()
