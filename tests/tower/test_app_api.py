"""Every question as JSON and as CSV, and each refusal as a problem."""

import asyncio
import csv
import io
from collections.abc import Iterator
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from schemas.mention import MentionUpsert
from tests import make
from tests.strategies import TEXT
from tests.tower.questions.cases import OWN
from tests.tower.towers import TowerRig, problem_of
from tower.openapi import document
from tower.questions.question_table import QUESTIONS

PATHS = {name: f"/api/v1/{name.replace('{id}', 'alert/03%20%C3%A9')}" for name in QUESTIONS}
NEEDED: dict[str, dict[str, Any]] = {
    "values": {"field": "language"},
    "posts": {"ids": '["x:1"]'},
}
REFUSED = [
    ("size=0", "size"),
    ("size=201", "size"),
    ("size=ten", "size"),
    ("order=best", "order"),
    ("last=9w", "last"),
    ("last=1h&since=2026-03-01T00:00:00Z", "last"),
    ("since=yesterday", "since"),
    ("since=2026-03-01T00:00:00", "since"),
    ("since=0001-01-01T00:00:00Z&until=0001-01-02T00:00:00Z", "since"),
    ("until=0001-01-01T00:00:00Z", "until"),
    ("tz=Mars/Olympus", "tz"),
    ("tz=" + "x" * 65, "tz"),
    ("after=nonsense", "after"),
    ("after=" + "x" * 701, "after"),
    ("q=" + "x" * 4_001, "q"),
    ("q=(panne", "q"),
    ("q=nofield:x", "q"),
    ("q=%00", "q"),
    ("nothing=1", ""),
    ("%00=1", ""),
    ("&".join(f"p{number}=1" for number in range(50)), ""),
]


@pytest.fixture
def rig() -> Iterator[TowerRig]:
    with TowerRig() as rig:
        yield rig


def table(response: httpx.Response) -> list[list[str]]:
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    text = response.content.decode("utf-8")
    assert text.startswith("\ufeff"), "or a spreadsheet takes it for another code page"
    return list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_is_answered_as_json_and_as_csv(rig: TowerRig, question: str) -> None:
    program, params = rig.program("admin"), NEEDED.get(question)
    path = PATHS[question]
    response = program.get(path, params=params)
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    answer = msgspec.json.decode(response.content, type=QUESTIONS[question].answer)
    assert answer.as_of == rig.now()
    assert answer.since is not None and answer.until is not None
    head, *rows = table(program.get(f"{path}.csv", params=params))
    assert head == list(QUESTIONS[question].columns)
    assert all(len(row) == len(head) for row in rows)
    by_header = program.get(path, params=params, headers={"Accept": "text/csv"})
    assert table(by_header) == [head, *rows]
    name = by_header.headers["content-disposition"]
    assert name.startswith('attachment; filename="') and name.endswith('.csv"')


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_needs_a_person(rig: TowerRig, question: str) -> None:
    for path in (PATHS[question], f"{PATHS[question]}.csv"):
        assert problem_of(rig.browser().get(path))["status"] == 401
    wrong = rig.browser()
    wrong.headers["authorization"] = "Bearer nonsense"
    assert problem_of(wrong.get(PATHS[question]))["status"] == 401
    assert not rig.search.requests


@pytest.mark.parametrize(("query", "name"), REFUSED)
def test_a_wrong_parameter_is_a_problem_that_names_it(rig: TowerRig, query: str, name: str) -> None:
    body = problem_of(rig.program().get(f"/api/v1/mentions?{query}"))
    assert body["status"] == 422
    assert body["parameter"] == name
    assert body["detail"]
    assert not rig.search.requests


def test_a_mistake_in_a_query_has_its_place_and_a_hint(rig: TowerRig) -> None:
    body = problem_of(rig.program().get("/api/v1/volume?q=panne AND coutry:fr"))
    assert (body["start"], body["end"]) == (10, 16)
    assert "country" in body["hint"]


def test_what_is_not_there_is_not_found(rig: TowerRig) -> None:
    rig.search.alerts = []
    for path in ("/api/v1/alerts/nothing", "/api/v1/alerts/a/b%2Fc", "/api/v1/nothing"):
        assert problem_of(rig.program().get(path))["status"] == 404


def test_an_index_that_is_away_is_a_problem_with_the_age_of_the_last_answer(rig: TowerRig) -> None:
    program = rig.program()
    assert program.get("/api/v1/volume").status_code == 200
    rig.search.away = "Elasticsearch does not answer"
    assert program.get("/api/v1/volume").status_code == 200, "it is kept until the tick"
    rig.passed_s = 33
    body = problem_of(program.get("/api/v1/volume"))
    assert (body["status"], body["detail"]) == (503, "Elasticsearch does not answer")
    assert body["age_s"] == 33


def test_a_person_may_ask_eight_things_at_a_time(rig: TowerRig) -> None:
    async def asked() -> list[int]:
        rig.search.gate = asyncio.Event()
        program = rig.program()
        waiting = [
            asyncio.create_task(program.sent("GET", f"/api/v1/volume?q=w{number}"))
            for number in range(9)
        ]
        while len(rig.search.requests) < 8 or not any(task.done() for task in waiting):  # noqa: ASYNC110
            await asyncio.sleep(0.005)
        rig.search.gate.set()
        return [(await task).status_code for task in waiting]

    statuses = rig.run(asked())
    assert sorted(statuses) == [200] * 8 + [429]
    assert rig.program().get("/api/v1/volume?q=again").status_code == 200


def test_a_post_is_not_a_question(rig: TowerRig) -> None:
    assert rig.program().post("/api/v1/volume").status_code == 405


FORMULAS = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    '=HYPERLINK("http://evil")',
    "=cmd|' /C",
]


def post_with(text: str) -> MentionUpsert:
    event = make.enriched(make.mention(make.post(text, id="x:1", author="17")))
    assert isinstance(event, MentionUpsert)
    return event


def test_any_text_comes_through_a_csv_and_no_cell_is_a_formula(rig: TowerRig) -> None:
    program = rig.program()

    @example("\n=1+1")
    @settings(max_examples=80)
    @given(st.sampled_from(FORMULAS) | TEXT | st.text(alphabet='"\r\n,;=+\x00\u2028', max_size=9))
    def check(text: str) -> None:
        rig.search.mentions = [post_with(text)]
        rig.tower.answers.forget()
        head, row = table(program.get("/api/v1/mentions.csv"))
        cell = row[head.index("text")]
        assert cell in (text, f"'{text}")
        assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))

    check()


def test_the_document_and_the_routes_are_the_same(rig: TowerRig) -> None:
    program = rig.program("admin")
    for path, entry in document()["paths"].items():
        if "get" in entry and "{" not in path:
            name = path.removeprefix("/api/v1/").removesuffix(".csv")
            response = program.get(path, params=NEEDED.get(name))
            assert response.status_code == 200, path


@pytest.mark.parametrize("question", OWN)
def test_a_questions_own_parameters_may_be_in_the_address(rig: TowerRig, question: str) -> None:
    for own in OWN[question]:
        params = {name: value for name, value in own.items() if name != "id"}
        assert rig.program().get(PATHS[question], params=params).status_code == 200
