"""Every question as JSON and CSV, and the document of the API."""

import csv
import io
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from queries.language.errors import QueryError
from tower.answers import Asked
from tower.application import for_person, problem, tower_of
from tower.openapi import document
from tower.pages.page_table import API
from tower.questions.question import Answer, Ask, Question
from tower.questions.question_table import QUESTIONS
from tower.questions.scope import BadParameter
from tower.request_parameters import ask_of
from tower.routes.page_routes import page_response, view_of
from tower.security.users import Person
from tower.withdrawn_answers import without_withdrawn

BOM: Final = "\ufeff"
"""Spreadsheets take a CSV without it for the code page of the machine."""
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


async def _answer(request: Request, question: Question[Any, Any], kind: str) -> Response:
    tower = tower_of(request)
    try:
        given = {**request.query_params, **request.path_params}
        ask: Ask = ask_of(question.ask, given)
        found = await tower.answers.ask(question, ask)
    except BadParameter as error:
        return problem(422, "Bad parameter", str(error), parameter=error.name)
    except QueryError as error:
        return problem(
            422, "Bad query", error.message, parameter="q", start=error.start, end=error.end,
            hint=error.hint,
        )  # fmt: skip
    return _response(request, question, without_withdrawn(tower.hub.withdrawn, found), kind)


def _response(request: Request, question: Question[Any, Any], found: Asked, kind: str) -> Response:
    if found.answer is None or found.error is not None:
        return problem(503, "No answer", found.error or "", age_s=round(found.age_s))
    if question.path and getattr(found.answer, "found", ...) is None:
        return problem(404, "Not found", "there is nothing with this id")
    if kind == "csv":
        name = question.name.partition("/")[0]
        headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
        return Response(table(question, found.answer), 200, headers, "text/csv; charset=utf-8")
    return Response(msgspec.json.encode(found.answer), 200, media_type="application/json")


def table(question: Question[Any, Any], answer: Answer) -> str:
    """The CSV of an answer (RFC 4180); cells that a spreadsheet would compute are defused."""
    out = io.StringIO()
    out.write(BOM)
    writer = csv.writer(out)
    writer.writerow(question.columns)
    for row in question.rows(answer):
        writer.writerow([defused(cell) for cell in row])
    return out.getvalue()


def defused(cell: object) -> object:
    if cell is None:
        return ""
    if isinstance(cell, str) and cell.startswith(_FORMULA):
        return f"'{cell}"
    return cell


def api_routes() -> list[tuple[str, Any]]:
    """Path and handler of each question, as JSON and as CSV."""
    routes = []
    for question in QUESTIONS.values():
        path = f"/api/v1/{question.name}".replace("{id}", "{id:path}")
        # The longer path first: an id takes all that follows.
        routes.append((f"{path}.csv", _handler(question, "csv")))
        routes.append((path, _handler(question, "json")))
    return routes


def _handler(question: Question[Any, Any], kind: str) -> Any:
    @for_person(question.role)
    async def handle(request: Request, person: Person) -> Response:
        wanted = kind
        if kind == "json" and "text/csv" in request.headers.get("accept", ""):
            wanted = "csv"
        return await _answer(request, question, wanted)

    return handle


@for_person()
async def openapi(request: Request, person: Person) -> Response:
    return Response(msgspec.json.encode(document()), 200, media_type="application/json")


@for_person()
async def api_page(request: Request, person: Person) -> Response:
    """The document for people."""
    tower = tower_of(request)
    view, error = view_of(tower, request, API, person)
    return await page_response(
        tower, request, API, view, error, template="api.html", document=document()
    )
