"""Compiled queries agree with the reference, on a real Elasticsearch.

The sink's code writes posts of many languages, with repeated words, accents in every form and all
fields. Queries of every kind are drawn from the same words, so many match.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
from elasticsearch import ApiError, Elasticsearch
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from queries.elasticsearch.index_compiler import MAX_DEPTH, compile_query, refusal
from queries.elasticsearch.intervals import MAX_SINGLE_WILDCARDS, MAX_SUFFIX
from queries.language.ast import And, Near, Node, Or, Phrase, Term
from queries.language.errors import QueryError
from queries.language.parser import parse
from queries.matching.document import Document
from schemas.mention import Mention
from sinks.elasticsearch.documents import Operation
from sinks.elasticsearch.indices.mappings import IndexNames
from tests import make
from tests.engines.indexed import indexed
from tests.queries.agreement_cases import CASES
from tests.queries.agreement_posts import FIELD_QUERIES, rich_post
from tests.queries.asked import RESOLVED, VALUED, WHEN
from tests.queries.reference import evaluate
from tests.queries.test_reference import GOLDEN
from tests.stack_fixtures import RunningEngines

pytestmark = pytest.mark.engines

BATCH = 50
DENSE = ["a", "b", "c", "d", "ab1", "abc", "abcd", "été", "ete", "Été", "BT", "bt", "orange"]
"""Few words, so a post repeats each."""


def plain_post(number: int, text: str) -> Mention:
    return make.mention(make.post(text, id=f"x:{number}", author="1", created_at=WHEN))


def mentions() -> list[Mention]:
    """All posts; the number in an id is its position here."""
    rng = random.Random(7)
    posts = [rich_post(rng, number) for number in range(200)]
    for number in range(200, 350):
        words = rng.sample(DENSE, rng.randint(2, 5))
        text = " ".join(rng.choice(words) for _ in range(rng.randint(1, 14)))
        posts.append(plain_post(number, text))
    texts = dict.fromkeys(text for _, text, _ in (*GOLDEN, *CASES))
    return [*posts, *(plain_post(number, text) for number, text in enumerate(texts, 350))]


@dataclass
class Index:
    client: Elasticsearch
    pattern: str
    documents: dict[str, Document]

    def find(self, queries: Sequence[Node]) -> Iterator[set[str]]:
        """The ids that Elasticsearch finds for each query."""
        for first in range(0, len(queries), BATCH):
            searches: list[dict[str, Any]] = []
            for query in queries[first : first + BATCH]:
                compiled = {"bool": {"filter": [compile_query(query)]}}
                searches += [{}, {"query": compiled, "size": 10_000, "_source": False}]
            answers = self.client.msearch(index=self.pattern, searches=searches)["responses"]
            for query, answer in zip(queries[first : first + BATCH], answers, strict=True):
                assert "error" not in answer, (query, answer)
                assert answer["_shards"]["failed"] == 0, (query, answer)
                yield {hit["_id"] for hit in answer["hits"]["hits"]}

    def matching(self, query: Node) -> set[str]:
        """The ids that the reference finds."""
        return {id_ for id_, asked in self.documents.items() if evaluate(query, asked).matches}


@pytest.fixture(scope="module")
def index(engines: RunningEngines) -> Iterator[Index]:
    """The posts, a tombstone, and a post from before the fields for queries existed."""

    def old(first: Operation) -> Operation:
        document = msgspec.json.decode(first.document) | {"tokens": "a"}
        del document["words"], document["values"]
        return Operation("x:old", first.index, 1, msgspec.json.encode(document))

    posts = mentions()
    with indexed(engines, "agree-", posts, old) as (client, settings):
        pattern = IndexNames(settings).mentions_pattern
        yield Index(client, pattern, {mention.post.id: Document(mention) for mention in posts})


def drawn(strategy: st.SearchStrategy[Node], count: int) -> list[Node]:
    """Deterministic examples of a strategy."""
    nodes: dict[Node, None] = {}

    @settings(
        max_examples=count, derandomize=True, database=None, deadline=None,
        phases=[Phase.generate], suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(strategy)
    def keep(node: Node) -> None:
        nodes[node] = None

    keep()
    return list(nodes)


class DenseQueries:
    """NEAR in NEAR and phrases with a distance, of few words: the hard cases of intervals."""

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(seed)

    def make(self, count: int) -> list[Node]:
        return [
            self._near(self._rng.choice([0, 1, 1, 2, 2, 3]))
            if self._rng.random() < 0.7
            else self._phrase()
            for _ in range(count)
        ]

    def _term(self) -> Term:
        kind = self._rng.random()
        if kind < 0.1:
            return Term(self._rng.choice(["abc*", "ab1*", "ora*", "été*"]), wildcard=True)
        if kind < 0.2:
            return Term(self._rng.choice(["BT", "bt", "Été", "ete", "a", "abc"]), exact=True)
        return Term(self._rng.choice(["a", "b", "c", "d", "été", "ete", "bt", "abc"]))

    def _phrase(self) -> Phrase:
        terms = tuple(self._term() for _ in range(self._rng.randint(2, 4)))
        return Phrase(terms, self._rng.choice([None, 0, 1, 2, 3, 5]))

    def _operand(self, depth: int) -> Node:
        kind = self._rng.random()
        if depth and kind < 0.25:
            return self._near(depth - 1)
        if depth and kind < 0.55:
            return Or(tuple(self._operand(depth - 1) for _ in range(self._rng.randint(2, 3))))
        return self._term() if kind < 0.85 else self._phrase()

    def _near(self, depth: int) -> Near:
        left, right = self._operand(depth), self._operand(depth)
        return Near(left, right, self._rng.randint(0, 4), self._rng.random() < 0.5)


def compiles(query: Node) -> bool:
    try:
        compile_query(query)
    except QueryError:
        return False
    return True


@pytest.mark.parametrize("kind", ["every kind", "values", "dense", "documented"])
def test_the_engine_finds_the_posts_that_the_reference_finds(index: Index, kind: str) -> None:
    asked: list[Node]
    if kind == "every kind":
        asked = drawn(RESOLVED, 120)
    elif kind == "values":
        asked = [*map(parse, FIELD_QUERIES), *drawn(VALUED, 150)]
    elif kind == "dense":
        asked = DenseQueries(3).make(150)
    else:
        asked = list(map(parse, dict.fromkeys(query for query, _, _ in (*GOLDEN, *CASES))))
    queries = list(filter(compiles, asked))
    assert len(queries) > 0.95 * len(asked)
    matching, differing = 0, []
    for query, found in zip(queries, index.find(queries), strict=True):
        wanted = index.matching(query)
        matching += len(wanted)
        if wanted != found:
            differing.append((query, wanted - found, found - wanted))
    assert not differing
    assert len(index.documents) > 450
    assert len(queries) * len(index.documents) > 30_000
    assert matching > 1_000


def test_the_tables_of_the_page_and_the_cases(index: Index) -> None:
    ids = {asked.mention.post.text: id_ for id_, asked in index.documents.items()}
    rows = [*GOLDEN, *CASES]
    answers = index.find([parse(query) for query, _, _ in rows])
    assert [
        (query, text)
        for (query, text, expected), found in zip(rows, answers, strict=True)
        if (ids[text] in found) is not expected
    ] == []


def listed(letter: str, count: int) -> Or:
    return Or(tuple(Term(f"{letter}{number}") for number in range(count)))


def deepest() -> Node:
    node: Node = Term("panne")
    while compiles(deeper := And((Or((node, Term("a"))), Term("b")))):
        node = deeper
    return node


@pytest.mark.parametrize(
    "query",
    [
        Or(tuple(Term(f"w{number}") for number in range(70_000))),
        Or(tuple(Phrase((Term("a"), Term(f"w{number}"))) for number in range(1_500))),
        Near(listed("a", 1_900), listed("b", 1_900), 5),
        Near(Near(listed("a", 20), listed("b", 20), 5), listed("c", 20), 5),
        Phrase(tuple(map(Term, "aabcde")), 5),
        Near(Phrase(tuple(map(Term, "aabc")), 5), Phrase(tuple(map(Term, "aabc")), 5), 5),
        Term("abc*" + "a?" * MAX_SINGLE_WILDCARDS + "a" * (MAX_SUFFIX - 2 * MAX_SINGLE_WILDCARDS),
        wildcard=True), Term("abc*a" + "?" * MAX_SINGLE_WILDCARDS + "*aa" * 10, wildcard=True),
        deepest(),
    ],
    ids=["words", "phrases", "near", "near in near", "orders", "orders beside", "letters",
         "pattern", "depth"],
)  # fmt: skip
def test_what_is_compiled_runs(index: Index, query: Node) -> None:
    assert MAX_DEPTH < 30
    assert len(list(index.find([query]))) == 1


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (
            Or(tuple(Phrase((Term("a"), Term(f"w{number}"))) for number in range(60_000))),
            "more words and phrases",
        ),
        (Near(Term("many*", wildcard=True), Term("a"), 5), "stands for too many words"),
    ],
)
def test_a_refusal_of_the_cluster_is_explained(index: Index, query: Node, message: str) -> None:
    words = "a " + " ".join(f"many{number}" for number in range(60_000))
    body = {"words": {"text": words}}
    index.client.index(index=index.pattern.replace("*", "2026.03"), document=body, refresh=True)
    with pytest.raises(ApiError) as refused:
        index.client.search(
            index=index.pattern, query=compile_query(query), allow_partial_search_results=False
        )
    error = refusal(str(refused.value.body))
    assert error is not None
    assert message in error.message
