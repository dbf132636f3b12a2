"""The document of the API (OpenAPI 3.1), made from the table of questions."""

from functools import cache
from typing import Any, Final

import msgspec

from runtime.service import version
from schemas.types import JsonObject
from tower.questions.question import Question
from tower.questions.question_table import QUESTIONS

_REF: Final = "#/components/schemas/{name}"


class Problem(msgspec.Struct, omit_defaults=True):
    """An error (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str = ""
    parameter: str = ""
    start: int = 0
    end: int = 0
    hint: str = ""
    age_s: int = 0


@cache
def document() -> JsonObject:
    """The whole document; the same object each time, so do not change it."""
    answers = [question.answer for question in QUESTIONS.values()]
    _, components = msgspec.json.schema_components(
        [*dict.fromkeys(answers), Problem], ref_template=_REF
    )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "tocsin control tower",
            "version": version(),
            "description": "Everything that the pages show, as JSON and CSV.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": {
            f"/api/v1/{question.name}{suffix}": {"get": _operation(question, suffix)}
            for question in QUESTIONS.values()
            for suffix in ("", ".csv")
        },
        "components": {
            "schemas": components,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": "tower"},
            },
        },
        "security": [{"token": []}, {"session": []}],
    }


def _operation(question: Question[Any, Any], suffix: str) -> JsonObject:
    problem = {
        "content": {"application/problem+json": {"schema": {"$ref": _REF.format(name="Problem")}}}
    }
    if suffix:
        shape: JsonObject = {"text/csv": {"schema": {"type": "string"}}}
    else:
        name = question.answer.__name__
        shape = {"application/json": {"schema": {"$ref": _REF.format(name=name)}}}
    responses: JsonObject = {
        "200": {"description": "The answer.", "content": shape},
        "401": {"description": "Nobody is signed in.", **problem},
        "414": {
            "description": "The address is longer than 16,000 bytes.",
            "content": {"text/plain": {"schema": {"type": "string"}}},
        },
        "422": {"description": "A parameter or the query is wrong.", **problem},
        "429": {"description": "Too many requests at a time.", **problem},
        "503": {"description": "The index does not answer.", **problem},
    }
    if question.role != "reader":
        responses["403"] = {"description": f"This needs the role {question.role}.", **problem}
    if question.path:
        responses["404"] = {"description": "There is nothing with this id.", **problem}
    return {
        "operationId": question.name.replace("/", "_")
        .strip("{}")
        .replace("{", "by_")
        .replace("}", "")
        + ("_csv" if suffix else ""),
        "summary": question.summary,
        "parameters": _parameters(question),
        "responses": responses,
    }


def _parameters(question: Question[Any, Any]) -> list[JsonObject]:
    """Each field of the question's Struct, with its schema."""
    schema = msgspec.json.schema(question.ask)
    found = schema["$defs"][question.ask.__name__]
    required = set(found.get("required", ()))
    parameters = []
    for name, shape in found["properties"].items():
        own = _without_null(dict(shape))
        description = own.pop("description", None)
        parameters.append(
            {
                "name": name,
                "in": "path" if name == question.path else "query",
                "required": name in required,
                **({"description": description} if description else {}),
                "schema": own,
            }
        )
    return parameters


def _without_null(shape: JsonObject) -> JsonObject:
    """A parameter is left out rather than null."""
    shape.pop("default", None)
    options = [one for one in shape.pop("anyOf", ()) if one.get("type") != "null"]
    if len(options) == 1:
        return {**shape, **options[0]}
    return {**shape, **({"anyOf": options} if options else {})}
