"""Who carries it: the authors with most mentions, and those with the widest reach."""

from collections.abc import Iterable
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from schemas.types import Count, JsonObject
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
)
from tower.questions.scope import value_clause
from tower.questions.sentiment_estimate import TONES, tone_filters, tones_of

_CANDIDATES: Final = 200
MAX_AUTHORS: Final = 50


class AuthorsAsk(Ask, frozen=True, kw_only=True):
    by: Annotated[
        Literal["mentions", "reach"], Meta(description="mentions: most first; reach: widest first.")
    ] = "mentions"
    size: Annotated[int, Meta(ge=1, le=MAX_AUTHORS)] = 10


class AuthorRank(Struct, kw_only=True):
    id: str
    handle: str | None = None
    name: str | None = None
    source: str = ""
    url: str | None = None
    verified: bool | None = None
    mentions: Count = 0
    reach: Annotated[Count, Meta(description="Followers, the most that was seen.")] = 0
    engagement: Count = 0
    negative: Count = 0
    neutral: Count = 0
    positive: Count = 0
    clause: str | None = None


class AuthorsAnswer(Answer, kw_only=True):
    distinct: Annotated[Count, Meta(description="Distinct authors in the scope.")] = 0
    authors: list[AuthorRank] = []


def searches(ask: AuthorsAsk, scope: Scope) -> list[Search]:
    shown = {
        "top_hits": {
            "size": 1,
            "_source": ["author", "source", "url"],
            "sort": [{"created_at": "desc"}, {"id": "asc"}],
        }
    }
    by_author: JsonObject = {
        "shown": shown,
        "reach": {"max": {"field": "influence.reach"}},
        "engagement": {"sum": {"field": "influence.engagement"}},
        "tones": {"filters": {"filters": tone_filters(scope)}},
    }
    body = {
        "size": 0,
        "query": scope.within(),
        "aggs": {
            "authors": {**top_terms("author.id", _CANDIDATES), "aggs": by_author},
            "distinct": distinct("author.id"),
        },
    }
    widest = {
        "size": _CANDIDATES,
        "query": scope.within({"exists": {"field": "influence.reach"}}),
        "sort": [{"influence.reach": "desc"}, {"id": "asc"}],
        "_source": ["author", "source", "url", "influence", "brand_sentiment"],
    }
    return [Search("mentions", body), *([Search("mentions", widest)] if ask.by == "reach" else [])]


def read(ask: AuthorsAsk, scope: Scope, responses: list[Response]) -> AuthorsAnswer:
    response = responses[0]
    found = {str(bucket["key"]): _ranked(bucket) for bucket in buckets(response, "authors")}
    if ask.by == "reach":
        # An author with one post and many followers may be beyond the most frequent ones.
        for hit in responses[1]["hits"]["hits"]:
            source = hit["_source"]
            if source["author"]["id"] not in found:
                found[source["author"]["id"]] = _with_tone(_one(source), source, scope)
        ranked = sorted(found.values(), key=lambda one: (-one.reach, -one.mentions, one.id))
    else:
        ranked = sorted(found.values(), key=lambda one: (-one.mentions, -one.reach, one.id))
    everyone = response.get("aggregations", {}).get("distinct", {}).get("value", 0)
    return AuthorsAnswer(distinct=everyone, authors=ranked[: ask.size])


def _ranked(bucket: JsonObject) -> AuthorRank:
    rank = _one(bucket["shown"]["hits"]["hits"][0]["_source"])
    rank.mentions = bucket["doc_count"]
    rank.reach = int(bucket["reach"]["value"] or 0)
    rank.engagement = int(bucket["engagement"]["value"] or 0)
    tones = tones_of(bucket["tones"])
    rank.negative, rank.neutral, rank.positive = (
        tones["negative"],
        tones["neutral"],
        tones["positive"],
    )
    return rank


def _with_tone(rank: AuthorRank, source: JsonObject, scope: Scope) -> AuthorRank:
    """The tone of one mention, of which the buckets do not tell."""
    pairs = {pair.rpartition("=")[::2] for pair in source.get("brand_sentiment", ())}
    tones = {tone for brand, tone in pairs if scope.brand in (None, brand)}
    for tone in TONES:
        if tone in tones:
            setattr(rank, tone, 1)
    return rank


def _one(source: JsonObject) -> AuthorRank:
    author = source["author"]
    return AuthorRank(
        id=author["id"],
        handle=author.get("handle"),
        name=author.get("name"),
        source=source["source"],
        url=author.get("url"),
        verified=author.get("verified"),
        mentions=1,
        reach=int(source.get("influence", {}).get("reach") or 0),
        clause=value_clause("author", author.get("handle") or author["id"]),
    )


def rows(answer: AuthorsAnswer) -> Iterable[Row]:
    for one in answer.authors:
        yield (
            one.id, one.handle, one.source, one.mentions, one.reach, one.engagement, one.negative,
            one.neutral, one.positive,
        )  # fmt: skip


AUTHORS = Question(
    name="authors",
    summary="The authors with most mentions, or with the widest reach.",
    ask=AuthorsAsk,
    answer=AuthorsAnswer,
    searches=searches,
    read=read,
    columns=(
        "id", "handle", "source", "mentions", "reach", "engagement", "negative", "neutral",
        "positive",
    ),
    rows=rows,
)  # fmt: skip
