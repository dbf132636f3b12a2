"""The document of the API: valid, complete, and kept by the answers."""

import warnings
from collections import Counter
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from starlette.routing import Route

from tests.tower.towers import BASE, TowerRig
from tower.api_acts import API_ACTS, Act
from tower.openapi import document
from tower.questions.question_table import QUESTIONS

with warnings.catch_warnings():
    # Both warn of what they import.
    warnings.simplefilter("ignore")
    import schemathesis
    from openapi_spec_validator import validate

SCHEMA = schemathesis.openapi.from_dict(document())
BAD = schemathesis.GenerationMode.NEGATIVE


@pytest.fixture
def rig() -> Iterator[TowerRig]:
    with TowerRig() as rig:
        yield rig


ACTS = {act.path for act in API_ACTS}


def operations() -> dict[str, dict[str, Any]]:
    """Path to operation of the questions."""
    paths = document()["paths"].items()
    return {path: entry["get"] for path, entry in paths if path not in ACTS}


def test_the_document_is_openapi() -> None:
    validate(document())
    assert document()["openapi"] == "3.1.0"


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_question_is_in_it_with_all_its_parameters(question: str) -> None:
    entry = QUESTIONS[question]
    for suffix in ("", ".csv"):
        operation = operations()[f"/api/v1/{question}{suffix}"]
        assert operation["summary"] == entry.summary
        names = {parameter["name"] for parameter in operation["parameters"]}
        assert names == set(entry.ask.__struct_fields__)
        paths = [one["name"] for one in operation["parameters"] if one["in"] == "path"]
        assert paths == ([entry.path] if entry.path else [])
        required = {one["name"] for one in operation["parameters"] if one["required"]}
        fields = msgspec.structs.fields(entry.ask)
        assert required == {field.name for field in fields if field.required}
        assert {"200", "401", "422", "429", "503"} <= operation["responses"].keys()
        assert ("404" in operation["responses"]) == (entry.path is not None)


def test_every_route_of_the_api_is_in_it(rig: TowerRig) -> None:
    routes = {
        (route.path.replace(":path", ""), method)
        for route in rig.app.routes
        if isinstance(route, Route) and route.path.startswith("/api/v1/")
        for method in (route.methods or ()) - {"HEAD"}
    }
    described = {
        (path, method.upper()) for path, entry in document()["paths"].items() for method in entry
    }
    assert described == routes - {("/api/v1/openapi.json", "GET")}


def test_every_operation_has_a_name_of_its_own() -> None:
    entries = document()["paths"].values()
    names = [operation["operationId"] for entry in entries for operation in entry.values()]
    assert len(set(names)) == len(names)
    assert all(name.isidentifier() for name in names)


def test_the_document_is_served_to_who_is_signed_in(rig: TowerRig) -> None:
    response = rig.program().get("/api/v1/openapi.json")
    assert response.json() == document()
    assert rig.browser().get("/api/v1/openapi.json").status_code == 401


CHECKS = [
    schemathesis.checks.not_a_server_error,
    schemathesis.specs.openapi.checks.status_code_conformance,
    schemathesis.specs.openapi.checks.content_type_conformance,
    schemathesis.specs.openapi.checks.response_schema_conformance,
]


OWN_WORDS = ("/api/v1/posts", "/api/v1/alerts/{id}")
"""They take ids, which a generated text never is: 422 or 404, but for what other tests ask."""


@pytest.mark.parametrize("path", operations())
def test_answers_and_refusals_keep_to_the_document(rig: TowerRig, path: str) -> None:
    """Requests that schemathesis makes from the document, good ones and bad ones."""
    operation = SCHEMA[path]["GET"]
    program, statuses = rig.program("admin"), Counter[int]()

    @settings(
        max_examples=15, derandomize=True, database=None, deadline=None,
        phases=[Phase.generate], suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(operation.as_strategy() | operation.as_strategy(generation_mode=BAD))
    def check(case: schemathesis.Case) -> None:
        sent = case.as_transport_kwargs(base_url=BASE)
        path = sent["url"].removeprefix(BASE)
        response = program.get(path, params=sent.get("params") or None)
        statuses[response.status_code] += 1
        case.validate_response(response, checks=CHECKS)

    check()
    assert statuses[422], statuses
    assert statuses[200] or path.removesuffix(".csv") in OWN_WORDS, statuses


@pytest.mark.parametrize("act", API_ACTS, ids=lambda act: f"{act.method} {act.path}")
def test_acts_keep_to_the_document(rig: TowerRig, act: Act) -> None:
    operation = SCHEMA[act.path][act.method.upper()]
    admin, reader, statuses = rig.program("admin"), rig.program("reader"), Counter[int]()

    @settings(
        max_examples=15, derandomize=True, database=None, deadline=None,
        phases=[Phase.generate], suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(operation.as_strategy() | operation.as_strategy(generation_mode=BAD), st.booleans())
    def check(case: schemathesis.Case, known: bool) -> None:
        if known and "id" in case.path_parameters:
            case.path_parameters["id"] = rig.search.alerts[0]["id"]  # type: ignore[index]
        sent = case.as_transport_kwargs(base_url=BASE)
        path = sent["url"].removeprefix(BASE)
        body = {name: sent[name] for name in ("json", "data") if sent.get(name) is not None}
        if isinstance(body.get("data"), bytes):
            body["content"] = body.pop("data")
        for program in (admin, reader):
            response = program.send(act.method.upper(), path, **body)
            statuses[response.status_code] += 1
            case.validate_response(response, checks=CHECKS)

    check()
    assert (act.role == "reader") == (403 not in statuses), statuses


def test_refusals_of_the_index_and_of_a_stranger_keep_to_it_too(rig: TowerRig) -> None:
    operation = SCHEMA["/api/v1/volume"]["GET"]
    rig.search.away = "Elasticsearch does not answer"
    answers = [rig.program().get("/api/v1/volume"), rig.browser().get("/api/v1/volume")]
    assert [answer.status_code for answer in answers] == [503, 401]
    for answer in answers:
        operation.Case(method="GET").validate_response(answer, checks=CHECKS[1:])
