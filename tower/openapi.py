"""The document of the API (OpenAPI 3.1), made from the tables of questions and acts."""

import re
from functools import cache
from typing import Any, Final

import msgspec

from runtime.service import version
from schemas.types import JsonObject
from tower.api_acts import API_ACTS, PATHS, Act
from tower.questions.question import Question
from tower.questions.question_table import QUESTIONS
from tower.security.users import Role

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
    types = [question.answer for question in QUESTIONS.values()]
    types += [each for act in API_ACTS for each in (act.answer, act.body) if each is not None]
    _, components = msgspec.json.schema_components(
        [*dict.fromkeys(types), Problem], ref_template=_REF
    )
    paths: dict[str, JsonObject] = {
        f"/api/v1/{question.name}{suffix}": {"get": _operation(question, suffix)}
        for question in QUESTIONS.values()
        for suffix in ("", ".csv")
    }
    for act in API_ACTS:
        paths.setdefault(act.path, {})[act.method] = _act(act)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "tocsin control tower",
            "version": version(),
            "description": "Everything that the pages show, as JSON and CSV.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": "tower"},
            },
        },
        "security": [{"token": []}, {"session": []}],
    }


def _ref(type_: Any) -> JsonObject:
    return {"schema": {"$ref": _REF.format(name=type_.__name__)}}


def _refusals(role: Role, *more: int) -> JsonObject:
    """Status to response of what may be refused, to everybody and besides."""
    problem = {"content": {"application/problem+json": _ref(Problem)}}
    text = {"content": {"text/plain": {"schema": {"type": "string"}}}}
    told = {
        401: "Nobody is signed in.",
        404: "There is nothing with this id.",
        409: "Somebody else did something since.",
        422: "A parameter, the body or the query is wrong.",
        429: "Too many requests at a time.",
        503: "The index does not answer.",
    }
    responses = {str(one): {"description": told[one], **problem} for one in (401, 429, 503, *more)}
    responses["414"] = {"description": "The address is longer than 16,000 bytes.", **text}
    if role != "reader":
        responses["403"] = {"description": f"This needs the role {role}.", **problem}
    return responses


def _operation(question: Question[Any, Any], suffix: str) -> JsonObject:
    shape: JsonObject = {"application/json": _ref(question.answer)}
    if suffix:
        shape = {"text/csv": {"schema": {"type": "string"}}}
    responses = _refusals(question.role, 422, *((404,) if question.path else ()))
    responses["200"] = {"description": "The answer.", "content": shape}
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


def _act(act: Act) -> JsonObject:
    responses = _refusals(act.role, *act.refusals)
    shape = {"content": {"application/json": _ref(act.answer)}}
    responses[str(act.status)] = {"description": act.summary, **shape}
    if act.status in (201, 202):
        responses[str(act.status)]["headers"] = {"Location": {"schema": {"type": "string"}}}
    names = re.findall(r"{(\w+)}", act.path)
    words = re.findall(r"\w+", act.path.removeprefix("/api/v1/"))
    operation: JsonObject = {
        "operationId": "_".join((act.method, *words)),
        "summary": act.summary,
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": PATHS[name]} for name in names
        ],
        "responses": responses,
    }
    if act.body is not None:
        required = act.media == "application/json"
        operation["requestBody"] = {"required": required, "content": {act.media: _ref(act.body)}}
    return operation


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
