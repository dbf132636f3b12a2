"""What people are pleased and displeased with: aspects by tone, for a brand and its peers."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Annotated, Final, get_args

from msgspec import Meta, Struct

from schemas.types import AspectLabel, Count, JsonObject
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
from tower.questions.sentiment_estimate import TONES

MAX_PEERS: Final = 5
_PAIRS: Final = 3 * len(get_args(AspectLabel))


class AspectsAsk(Ask, frozen=True, kw_only=True):
    pass


class AspectCount(Struct, kw_only=True):
    aspect: str
    negative: Count = 0
    neutral: Count = 0
    positive: Count = 0
    clause: str | None = None

    @property
    def mentions(self) -> int:
        return self.negative + self.neutral + self.positive


class AspectsAnswer(Answer, kw_only=True):
    mentions: Count = 0
    aspects: Annotated[list[AspectCount], Meta(description="Those with most negatives first.")] = []


class VoiceAsk(Ask, frozen=True, kw_only=True):
    pass


class Voice(Struct, kw_only=True):
    brand: str
    name: str = ""
    mentions: Count = 0
    negative: Count = 0
    neutral: Count = 0
    positive: Count = 0
    authors: Count = 0
    reach: Count = 0
    aspects: Annotated[dict[str, Count], Meta(description="Negative mentions by aspect.")] = {}
    clause: str | None = None


class VoiceAnswer(Answer, kw_only=True):
    brands: Annotated[
        list[Voice], Meta(description="The brand and its peers, or the most frequent brands.")
    ] = []


def searches(ask: AspectsAsk, scope: Scope) -> list[Search]:
    body = {
        "size": 0,
        "track_total_hits": True,
        "query": scope.within(),
        "aggs": {"pairs": top_terms("aspect_sentiment", _PAIRS)},
    }
    return [Search("mentions", body)]


def read(ask: AspectsAsk, scope: Scope, responses: list[Response]) -> AspectsAnswer:
    (response,) = responses
    tones: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for bucket in buckets(response, "pairs"):
        aspect, _, tone = str(bucket["key"]).partition("=")
        if tone in TONES:
            tones[aspect][tone] = bucket["doc_count"]
    found = [
        AspectCount(aspect=aspect, **by_tone, clause=value_clause("aspect", aspect))
        for aspect, by_tone in tones.items()
    ]
    found.sort(key=lambda one: (-one.negative, -one.mentions, one.aspect))
    return AspectsAnswer(mentions=total(response), aspects=found)


def rows(answer: AspectsAnswer) -> Iterable[Row]:
    for one in answer.aspects:
        yield (one.aspect, one.negative, one.neutral, one.positive)


def compared(scope: Scope) -> list[str]:
    """The brand of the query and its peers; without one, every brand that is listened for."""
    brands = scope.context.brands
    if scope.brand is None:
        return list(brands)[: 4 * MAX_PEERS]
    brand = brands.get(scope.brand)
    return [scope.brand, *(brand.peers if brand else ())][: MAX_PEERS + 1]


def voice_searches(ask: VoiceAsk, scope: Scope) -> list[Search]:
    names = compared(scope)
    # A query for one brand finds no peers: the voice is of the window alone.
    query = {"bool": {"filter": [scope.filters[-1]]}} if scope.brand else scope.within()
    filters: JsonObject = {name: {"term": {"brands": name}} for name in names}
    by_brand = {
        "authors": distinct("author.id"),
        "reach": {"sum": {"field": "influence.reach"}},
        "pairs": {"terms": {"field": "brand_sentiment", "size": 300}},
        "aspects": {"terms": {"field": "aspect_sentiment", "size": _PAIRS}},
    }
    aggs = {"brands": {"filters": {"filters": filters}, "aggs": by_brand}} if names else {}
    return [Search("mentions", {"size": 0, "track_total_hits": True, "query": query, "aggs": aggs})]


def read_voice(ask: VoiceAsk, scope: Scope, responses: list[Response]) -> VoiceAnswer:
    (response,) = responses
    found = response.get("aggregations", {}).get("brands", {}).get("buckets", {})
    voices = [_voice(name, found[name], scope) for name in compared(scope) if name in found]
    voices.sort(key=lambda one: (-one.mentions, one.brand))
    return VoiceAnswer(brands=voices)


def _voice(name: str, bucket: JsonObject, scope: Scope) -> Voice:
    pairs = {str(one["key"]): one["doc_count"] for one in bucket["pairs"]["buckets"]}
    brand = scope.context.brands.get(name)
    aspects = {
        str(one["key"]).removesuffix("=negative"): one["doc_count"]
        for one in bucket["aspects"]["buckets"]
        if str(one["key"]).endswith("=negative")
    }
    return Voice(
        brand=name,
        name=brand.name if brand else name,
        mentions=bucket["doc_count"],
        **{tone: pairs.get(f"{name}={tone}", 0) for tone in TONES},
        authors=bucket["authors"]["value"],
        reach=int(bucket["reach"]["value"] or 0),
        aspects=aspects,
        clause=value_clause("brand", name),
    )


def voice_rows(answer: VoiceAnswer) -> Iterable[Row]:
    for one in answer.brands:
        yield (
            one.brand, one.mentions, one.negative, one.neutral, one.positive, one.authors, one.reach
        )  # fmt: skip


ASPECTS = Question(
    name="aspects",
    summary="Aspects of the mentions, such as price or delay, by tone.",
    ask=AspectsAsk,
    answer=AspectsAnswer,
    searches=searches,
    read=read,
    columns=("aspect", "negative", "neutral", "positive"),
    rows=rows,
)
VOICE = Question(
    name="voice",
    summary="Share of voice: a brand and its peers, with tone, authors, reach and aspects.",
    ask=VoiceAsk,
    answer=VoiceAnswer,
    searches=voice_searches,
    read=read_voice,
    columns=("brand", "mentions", "negative", "neutral", "positive", "authors", "reach"),
    rows=voice_rows,
)
