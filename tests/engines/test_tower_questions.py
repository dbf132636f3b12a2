"""The control tower's questions have the same answers on the real Elasticsearch as by counting."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.stack_fixtures import RunningEngines
from tests.tower.questions.cases import OWN, QUERIES, WINDOWS, ask_for, asks
from tests.tower.questions.corpus import Corpus, corpus
from tests.tower.questions.index import Index
from tower.questions.question import Ask
from tower.questions.question_table import QUESTIONS

pytestmark = pytest.mark.engines


@pytest.fixture(scope="module")
def index(engines: RunningEngines) -> Iterator[Index]:
    index = Index(engines.endpoints.elasticsearch, corpus(), "questions-")
    yield index
    index.close()


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_answers_as_the_count_does(index: Index, question: str) -> None:
    for number in range(max(len(OWN.get(question, [])), len(QUERIES))):
        query, brand = QUERIES[number % len(QUERIES)]
        window = WINDOWS[number % len(WINDOWS)]
        index.compare(question, ask_for(question, query, window, number), brand)


def test_any_question_about_any_window_answers_as_the_count_does(index: Index) -> None:
    compared = 0

    @settings(
        max_examples=300, derandomize=True, database=None, deadline=None,
        phases=[Phase.generate], suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(asks())
    def compare(asked: tuple[str, Ask, str | None]) -> None:
        nonlocal compared
        index.compare(*asked)
        compared += 1

    compare()
    assert compared > 200


@pytest.mark.parametrize("order", ["newest", "oldest", "widest", "most_engaged"])
def test_the_pages_of_a_list_are_the_whole_list(index: Index, order: str) -> None:
    index.compare_pages(order)


@pytest.mark.parametrize("question", QUESTIONS)
def test_an_index_that_is_not_there_gives_an_empty_answer(
    engines: RunningEngines, question: str
) -> None:
    index = Index(engines.endpoints.elasticsearch, Corpus([]), "absent-", fill=False)
    index.compare(question, ask_for(question))
    index.close()
