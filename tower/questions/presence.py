"""Where and when: mentions by country and hour, and by hour of the week."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Annotated, Final
from zoneinfo import ZoneInfo

from msgspec import Meta, Struct

from schemas.types import Count, Time
from tower.questions.question import (
    Answer,
    Ask,
    Question,
    Response,
    Row,
    Scope,
    Search,
    buckets,
    top_terms,
    total,
)
from tower.questions.scope import step_of, value_clause
from tower.questions.sentiment_estimate import Share, share_of, tone_filters, tones_of
from tower.questions.volume_series import bucket_starts, milliseconds

MAX_COUNTRIES: Final = 250
_CELLS: Final = 48
_MAX_HOURS: Final = timedelta(days=62)
"""Of the hours of the week: an hour a bucket."""


class CountriesAsk(Ask, frozen=True, kw_only=True):
    pass


class CountryCount(Struct, kw_only=True):
    country: str
    mentions: Count
    negative: Count = 0
    neutral: Count = 0
    positive: Count = 0
    share: Share | None = None
    cells: Annotated[list[Count], Meta(description="Mentions by bucket of the window.")] = []
    clause: str | None = None


class CountriesAnswer(Answer, kw_only=True):
    mentions: Count = 0
    unknown: Annotated[Count, Meta(description="Mentions without a country.")] = 0
    step_s: int = 0
    starts: Annotated[list[Time], Meta(description="Starts of the buckets.")] = []
    countries: list[CountryCount] = []


class HoursAsk(Ask, frozen=True, kw_only=True):
    pass


class HoursAnswer(Answer, kw_only=True):
    cells: Annotated[
        list[list[Count]],
        Meta(description="Mentions by weekday (Monday first) and hour, in the time zone."),
    ] = []
    negative: Annotated[list[list[Count]], Meta(description="The negative ones of them.")] = []


def searches(ask: CountriesAsk, scope: Scope) -> list[Search]:
    step = step_of(scope.since, scope.until, _CELLS)
    tones = {"filters": {"filters": tone_filters(scope)}}
    histogram = {"field": "created_at", "fixed_interval": f"{int(step.total_seconds())}s"}
    by_country = {
        "languages": {"terms": {"field": "language", "size": 20}, "aggs": {"tones": tones}},
        "tones": tones,
        "cells": {"date_histogram": {**histogram, "min_doc_count": 1}},
    }
    body = {
        "size": 0,
        "track_total_hits": True,
        "query": scope.within(),
        "aggs": {
            "countries": {**top_terms("country", MAX_COUNTRIES), "aggs": by_country},
            "unknown": {"missing": {"field": "country"}},
        },
    }
    return [Search("mentions", body)]


def read(ask: CountriesAsk, scope: Scope, responses: list[Response]) -> CountriesAnswer:
    (response,) = responses
    step = step_of(scope.since, scope.until, _CELLS)
    starts = list(bucket_starts(scope.since, scope.until, step))
    places = {milliseconds(at): place for place, at in enumerate(starts)}
    countries = []
    for bucket in buckets(response, "countries"):
        cells = [0] * len(starts)
        for cell in bucket["cells"]["buckets"]:
            if (place := places.get(cell["key"])) is not None:
                cells[place] = cell["doc_count"]
        countries.append(
            CountryCount(
                country=str(bucket["key"]),
                mentions=bucket["doc_count"],
                **tones_of(bucket["tones"]),
                share=share_of(bucket["languages"]["buckets"], bucket["tones"]),
                cells=cells,
                clause=value_clause("country", str(bucket["key"])),
            )
        )
    found = response.get("aggregations")
    return CountriesAnswer(
        mentions=total(response),
        unknown=found["unknown"]["doc_count"] if found else 0,
        step_s=int(step.total_seconds()),
        starts=starts,
        countries=countries,
    )


def rows(answer: CountriesAnswer) -> Iterable[Row]:
    for one in answer.countries:
        yield (one.country, one.mentions, one.negative, one.neutral, one.positive)


def hour_searches(ask: HoursAsk, scope: Scope) -> list[Search]:
    since = max(scope.since, scope.until - _MAX_HOURS)
    # A quarter of an hour: some time zones are not whole hours from UTC.
    histogram = {"field": "created_at", "fixed_interval": "900s", "min_doc_count": 1}
    body = {
        "size": 0,
        "query": scope.query_alone(since, scope.until),
        "aggs": {
            "hours": {
                "date_histogram": histogram,
                "aggs": {"tones": {"filters": {"filters": tone_filters(scope)}}},
            }
        },
    }
    return [Search("mentions", body)]


def read_hours(ask: HoursAsk, scope: Scope, responses: list[Response]) -> HoursAnswer:
    """Buckets are in UTC; the hours are of the reader's zone."""
    (response,) = responses
    zone = ZoneInfo(scope.tz)
    cells = [[0] * 24 for _ in range(7)]
    negative = [[0] * 24 for _ in range(7)]
    for bucket in buckets(response, "hours"):
        at = datetime.fromtimestamp(bucket["key"] / 1000, zone)
        cells[at.weekday()][at.hour] += bucket["doc_count"]
        negative[at.weekday()][at.hour] += tones_of(bucket["tones"])["negative"]
    return HoursAnswer(cells=cells, negative=negative)


def hour_rows(answer: HoursAnswer) -> Iterable[Row]:
    for day, hours in enumerate(answer.cells):
        for hour, count in enumerate(hours):
            yield (day + 1, hour, count, answer.negative[day][hour])


COUNTRIES = Question(
    name="countries",
    summary="Mentions by country with their tone, and over time.",
    ask=CountriesAsk,
    answer=CountriesAnswer,
    searches=searches,
    read=read,
    columns=("country", "mentions", "negative", "neutral", "positive"),
    rows=rows,
)
HOURS = Question(
    name="hours",
    summary="Mentions by weekday and hour, in a time zone.",
    ask=HoursAsk,
    answer=HoursAnswer,
    searches=hour_searches,
    read=read_hours,
    columns=("weekday", "hour", "mentions", "negative"),
    rows=hour_rows,
)
