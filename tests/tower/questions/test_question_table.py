"""Every question gives the answer that a count of the mentions one by one gives."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from queries.language.parser import parse
from queries.matching.document import Document
from tests.queries.reference import evaluate
from tests.tower.questions.cases import OWN, QUERIES, WINDOWS, ask_for, asks
from tests.tower.questions.corpus import Corpus, corpus
from tests.tower.questions.index import Index, clauses_of, embedded
from tests.tower.questions.oracle import Oracle
from tower.questions.question import AGGREGATIONS, Ask, Context
from tower.questions.question_table import QUESTIONS
from tower.questions.scope import scope_of
from tower.questions.volume_series import VolumeAsk

ABOUT_MENTIONS = [name for name in QUESTIONS if not name.startswith("alerts")]
WITHOUT_CLICKS = {
    "volume", "mentions", "wall", "posts", "hours", "clauses", "coverage", "tabs", "latencies",
    "erasures",
}  # fmt: skip
"""What it counts is no value of a field, or the page of it has links of its own."""


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    pytest.importorskip("noida_db", reason="the embedded extra is not installed")
    with embedded(tmp_path_factory.mktemp("tower")) as url:
        yield url


@pytest.fixture(scope="module")
def index(url: str) -> Iterator[Index]:
    index = Index(url, corpus())
    yield index
    index.close()


@pytest.mark.embedded
@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_answers_as_the_count_does(index: Index, question: str) -> None:
    for number in range(max(len(OWN.get(question, [])), len(QUERIES))):
        query, brand = QUERIES[number % len(QUERIES)]
        window = WINDOWS[number % len(WINDOWS)]
        index.compare(question, ask_for(question, query, window, number), brand)


@pytest.mark.embedded
def test_any_question_about_any_window_answers_as_the_count_does(index: Index) -> None:
    mentions = 0

    @settings(
        max_examples=40, derandomize=True, database=None, deadline=None,
        phases=[Phase.generate], suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(asks())
    def compare(asked: tuple[str, Ask, str | None]) -> None:
        nonlocal mentions
        count = index.compare(*asked).get("mentions")
        mentions += count if isinstance(count, int) else 0

    compare()
    assert mentions > 50


@pytest.mark.embedded
@pytest.mark.parametrize("order", ["newest", "oldest", "widest", "most_engaged"])
def test_the_pages_of_a_list_are_the_whole_list(index: Index, order: str) -> None:
    index.compare_pages(order)


@pytest.mark.embedded
@pytest.mark.parametrize("question", ABOUT_MENTIONS)
def test_a_click_on_a_value_finds_what_was_counted(index: Index, question: str) -> None:
    """Equal is too much: a field's values are compared without case and accents."""
    found = [event.mention for event in Oracle(index.corpus, ask_for(question)).found]
    documents = [Document(mention) for mention in found]
    clauses = 0
    for number in range(len(OWN.get(question, [{}]))):
        answer = index.ask(QUESTIONS[question], ask_for(question, number=number))
        for clause, mentions in clauses_of(msgspec.to_builtins(answer)):
            node = parse(clause)
            count = sum(evaluate(node, document).matches for document in documents)
            assert count >= mentions, clause
            clauses += 1
    assert clauses > 2 or question in WITHOUT_CLICKS


@pytest.mark.embedded
@pytest.mark.parametrize("question", QUESTIONS)
def test_without_brands_nothing_has_a_tone(index: Index, url: str, question: str) -> None:
    other = Index(url, replace(index.corpus, brands={}), fill=False)
    other.compare(question, ask_for(question, "lang:fr"))
    other.close()


@pytest.mark.embedded
@pytest.mark.parametrize("question", QUESTIONS)
def test_an_empty_index_gives_an_empty_answer(url: str, question: str) -> None:
    index = Index(url, Corpus([]), f"empty-{question.strip('{}').replace('/{', '-')}-")
    index.compare(question, ask_for(question))
    index.close()


@pytest.mark.embedded
@pytest.mark.parametrize("question", QUESTIONS)
def test_an_index_that_is_not_there_gives_an_empty_answer(url: str, question: str) -> None:
    index = Index(url, Corpus([]), "absent-", fill=False)
    index.compare(question, ask_for(question))
    index.close()


def aggregations_of(body: dict[str, Any]) -> Iterator[str]:
    """The kinds of aggregation in a search, inner ones too."""
    for named in body.get("aggs", {}).values():
        yield from (kind for kind in named if kind != "aggs")
        yield from aggregations_of(named)


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_search_aggregates_only_as_every_engine_can(question: str) -> None:
    for number, (query, _) in enumerate(QUERIES):
        ask = ask_for(question, query, number=number)
        scope = scope_of(ask, Context(corpus(count=0).now, corpus(count=0).brands))
        searches = QUESTIONS[question].searches(ask, scope)
        assert len(searches) <= 3
        assert searches or question in ("clauses", "tabs"), "they may have nothing to count"
        kinds = {kind for search in searches for kind in aggregations_of(search.body)}
        assert kinds <= AGGREGATIONS
        # What the embedded engine ignores without a word.
        text = msgspec.json.encode([search.body for search in searches]).decode()
        for ignored in ('"time_zone"', '"function_score"', '"include"', '"script"'):
            assert ignored not in text


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_row_of_the_table_has_a_cell_for_each_column(question: str) -> None:
    entry = QUESTIONS[question]
    ask = ask_for(question, "brand:velmora OR lang:fr", {"last": "16h"})
    answer = Oracle(corpus(count=250), ask).answer(question)
    rows = [list(row) for row in entry.rows(answer)]
    assert all(len(row) == len(entry.columns) for row in rows)
    assert rows or question == "alerts/{id}"
    assert all(isinstance(cell, str | int | float | None) for row in rows for cell in row)


def test_equal_questions_have_equal_searches_within_a_tick() -> None:
    asked = VolumeAsk(q="brand:velmora", last="16h")
    moments = [corpus(count=0).now.replace(second=second) for second in (1, 7)]
    bodies = [
        QUESTIONS["volume"].searches(asked, scope_of(asked, Context(moment))) for moment in moments
    ]
    assert bodies[0] == bodies[1]
