"""How many mentions have each value of a field, with their tone: languages, countries, topics."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Final, Literal, get_args

from msgspec import Meta, Struct

from schemas.types import Count
from tower.questions.question import (
    Answer,
    Ask,
    Question,
    Response,
    Row,
    Scope,
    Search,
    buckets,
    distinct,
    top_terms,
    total,
)
from tower.questions.scope import value_clause
from tower.questions.sentiment_estimate import tone_filters, tones_of

FieldName = Literal[
    "language", "source", "country", "brand", "entity", "hashtag", "emotion", "intent", "kind",
    "link", "community", "format", "publisher", "rating",
]  # fmt: skip


@dataclass(frozen=True)
class Counted:
    """A field of the index, and the clause of the query language that filters by a value."""

    path: str
    clause: str | None


FIELDS: Final[Mapping[str, Counted]] = {
    "language": Counted("language", "lang"),
    "source": Counted("source", "source"),
    "country": Counted("country", "country"),
    "brand": Counted("brands", "brand"),
    "entity": Counted("entities.name", "entity"),
    "hashtag": Counted("hashtags", "hashtags"),
    "emotion": Counted("emotion.label", "emotion"),
    "intent": Counted("intents", "intent"),
    "kind": Counted("kind", "engagementType"),
    "link": Counted("links", None),
    "community": Counted("community.name", "community"),
    "format": Counted("format", "format"),
    "publisher": Counted("publisher.name", None),
    "rating": Counted("rating.value", None),
}
assert set(FIELDS) == set(get_args(FieldName))
MAX_VALUES: Final = 250


class ValuesAsk(Ask, frozen=True, kw_only=True):
    field: Annotated[FieldName, Meta(description="The field whose values are counted.")]
    size: Annotated[int, Meta(ge=1, le=MAX_VALUES, description="Maximum number of values.")] = 20


class ValueCount(Struct, kw_only=True):
    value: str
    mentions: Count
    negative: Count = 0
    neutral: Count = 0
    positive: Count = 0
    clause: Annotated[
        str | None, Meta(description="The clause that filters by this value, if there is one.")
    ] = None


class ValuesAnswer(Answer, kw_only=True):
    field: str = ""
    mentions: Annotated[Count, Meta(description="All mentions of the scope.")] = 0
    without: Annotated[Count, Meta(description="Mentions without a value.")] = 0
    distinct: Annotated[Count, Meta(description="Distinct values; exact to 40,000.")] = 0
    values: list[ValueCount] = []


def searches(ask: ValuesAsk, scope: Scope) -> list[Search]:
    path = FIELDS[ask.field].path
    body = {
        "size": 0,
        "track_total_hits": True,
        "query": scope.within(),
        "aggs": {
            "values": {
                **top_terms(path, ask.size),
                "aggs": {"tones": {"filters": {"filters": tone_filters(scope)}}},
            },
            "distinct": distinct(path),
            "without": {"missing": {"field": path}},
        },
    }
    return [Search("mentions", body)]


def read(ask: ValuesAsk, scope: Scope, responses: list[Response]) -> ValuesAnswer:
    (response,) = responses
    found = response.get("aggregations")
    values = [
        ValueCount(
            value=str(bucket["key"]),
            mentions=bucket["doc_count"],
            **tones_of(bucket["tones"]),
            clause=clause_of(ask.field, str(bucket["key"])),
        )
        for bucket in buckets(response, "values")
    ]
    return ValuesAnswer(
        field=ask.field,
        mentions=total(response),
        without=found["without"]["doc_count"] if found else 0,
        distinct=found["distinct"]["value"] if found else 0,
        values=values,
    )


def clause_of(field: str, value: str) -> str | None:
    """The clause for a value; None: the language has none for this field, or for this value."""
    clause = FIELDS[field].clause
    return None if clause is None else value_clause(clause, value)


def rows(answer: ValuesAnswer) -> Iterable[Row]:
    for one in answer.values:
        yield (one.value, one.mentions, one.negative, one.neutral, one.positive)


VALUES = Question(
    name="values",
    summary="Mentions by value of one field: language, source, country, entity, hashtag and so on.",
    ask=ValuesAsk,
    answer=ValuesAnswer,
    searches=searches,
    read=read,
    columns=("value", "mentions", "negative", "neutral", "positive"),
    rows=rows,
)
