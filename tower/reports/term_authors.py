"""How many distinct authors used each of some terms: what a report may keep of them."""

import json
from collections.abc import Iterable
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from schemas.types import Count, JsonObject
from tower.questions.question import (
    Answer,
    Ask,
    Question,
    Response,
    Row,
    Scope,
    Search,
    distinct,
)
from tower.questions.value_counts import FIELDS
from tower.reports.frozen_answer import Term

MAX_TERMS: Final = 200


class TermAuthorsAsk(Ask, frozen=True, kw_only=True):
    terms: Annotated[str, Meta(description="JSON array of pairs: field and value.")]


class TermAuthorsAnswer(Answer, kw_only=True):
    authors: Annotated[list[Count], Meta(description="In the order of the terms.")] = msgspec.field(
        default_factory=list
    )


def written(terms: Iterable[Term]) -> str:
    """The terms as the parameter has them, at most ``MAX_TERMS``."""
    return json.dumps(list(terms)[:MAX_TERMS])


def _terms(ask: TermAuthorsAsk) -> list[Term]:
    return msgspec.json.decode(ask.terms, type=list[Term])


def searches(ask: TermAuthorsAsk, scope: Scope) -> list[Search]:
    filters: JsonObject = {
        f"t{place}": {"term": {FIELDS[field].path: value}}
        for place, (field, value) in enumerate(_terms(ask))
    }
    body = {
        "size": 0,
        "query": scope.within(),
        "aggs": {
            "terms": {
                "filters": {"filters": filters},
                "aggs": {"authors": distinct("author.id")},
            }
        },
    }
    return [Search("mentions", body)] if filters else []


def read(ask: TermAuthorsAsk, scope: Scope, responses: list[Response]) -> TermAuthorsAnswer:
    """Without an index of mentions nobody said anything."""
    terms = _terms(ask)
    found = responses[0].get("aggregations", {}) if responses else {}
    counted = found.get("terms", {}).get("buckets", {})
    places = [f"t{place}" for place in range(len(terms))]
    return TermAuthorsAnswer(
        authors=[counted[name]["authors"]["value"] if name in counted else 0 for name in places]
    )


def rows(answer: TermAuthorsAnswer) -> Iterable[Row]:
    return [(count,) for count in answer.authors]


TERM_AUTHORS: Final = Question(
    name="term_authors",
    summary="Distinct authors of each of some terms.",
    ask=TermAuthorsAsk,
    answer=TermAuthorsAnswer,
    searches=searches,
    read=read,
    columns=("authors",),
    rows=rows,
)
"""Asked when a report is made, and by nobody else."""
