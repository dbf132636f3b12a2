"""How many mentions over time: raw, by authors, without copies; with the share of negatives."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Annotated

from msgspec import Meta, Struct

from schemas.types import Count, JsonObject, Time
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
    total,
)
from tower.questions.scope import step_of
from tower.questions.sentiment_estimate import (
    NEGATIVE,
    TONES,
    Share,
    share_of,
    tone_filters,
    tones_of,
)

DEFAULT_BUCKETS = 96
MAX_BUCKETS = 1_000
IN_BUCKET = 3_000
"""Distinct values to which a bucket counts exactly."""


class VolumeAsk(Ask, frozen=True, kw_only=True):
    most: Annotated[int, Meta(ge=2, le=MAX_BUCKETS, description="Maximum number of buckets.")] = (
        DEFAULT_BUCKETS
    )


class VolumeBucket(Struct, kw_only=True):
    at: Annotated[Time, Meta(description="Start of the bucket.")]
    mentions: Count = 0
    authors: Annotated[Count, Meta(description="Distinct authors.")] = 0
    texts: Annotated[Count, Meta(description="Distinct texts: copies count once.")] = 0
    scored: Annotated[Count, Meta(description="Mentions with a sentiment.")] = 0
    negative: Count = 0


class VolumeAnswer(Answer, kw_only=True):
    step_s: Annotated[int, Meta(description="Width of a bucket, seconds.")] = 0
    mentions: Count = 0
    authors: Count = 0
    texts: Count = 0
    reach: Annotated[Count, Meta(description="Followers of the authors, summed by mention.")] = 0
    negative: Annotated[
        Share | None, Meta(description="Share of negatives, with its interval; absent if few.")
    ] = None
    before: Annotated[
        Count, Meta(description="Mentions in the window of equal length before this one.")
    ] = 0
    week_before: Annotated[
        Count, Meta(description="Mentions in the same window seven days earlier.")
    ] = 0
    newest: Annotated[Time | None, Meta(description="Time of the newest mention.")] = None
    series: list[VolumeBucket] = []
    usual: Annotated[
        list[Count], Meta(description="Mentions by bucket in the window before this one.")
    ] = []
    towards: Annotated[
        str | None, Meta(description="The brand that the sentiment is towards; null: any.")
    ] = None


def _counts(scope: Scope, exact_to: int = 40_000) -> JsonObject:
    return {
        "authors": distinct("author.id", exact_to),
        "groups": distinct("duplicate_group", exact_to),
        "single": {"missing": {"field": "duplicate_group"}},
        "tones": {"filters": {"filters": tone_filters(scope)}},
    }


def searches(ask: VolumeAsk, scope: Scope) -> list[Search]:
    step = step_of(scope.since, scope.until, ask.most)
    histogram = {"field": "created_at", "fixed_interval": f"{int(step.total_seconds())}s"}
    counts = _counts(scope)
    now = {
        # The newest one: the embedded engine has no maximum of times.
        "size": 1,
        "sort": [{"created_at": "desc"}],
        "_source": False,
        "track_total_hits": True,
        "query": scope.within(),
        "aggs": {
            **counts,
            "reach": {"sum": {"field": "influence.reach"}},
            "languages": {
                "terms": {"field": "language", "size": 20},
                "aggs": {"tones": counts["tones"]},
            },
            "series": {"date_histogram": histogram, "aggs": _counts(scope, IN_BUCKET)},
        },
    }
    length = scope.until - scope.since
    earlier = {
        "size": 0,
        "track_total_hits": True,
        "query": scope.query_alone(scope.since - length, scope.since),
        "aggs": {"series": {"date_histogram": histogram}},
    }
    week = timedelta(days=7)
    last_week = {
        "size": 0,
        "track_total_hits": True,
        "query": scope.query_alone(scope.since - week, scope.until - week),
    }
    return [Search("mentions", body) for body in (now, earlier, last_week)]


def read(ask: VolumeAsk, scope: Scope, responses: list[Response]) -> VolumeAnswer:
    now, earlier, last_week = responses
    step = step_of(scope.since, scope.until, ask.most)
    found = now.get("aggregations", {})
    counted = {bucket["key"]: bucket for bucket in buckets(now, "series")}
    starts = list(bucket_starts(scope.since, scope.until, step))
    before = {bucket["key"]: bucket["doc_count"] for bucket in buckets(earlier, "series")}
    shift = milliseconds(scope.until) - milliseconds(scope.since)
    newest = next((hit["sort"][0] for hit in now["hits"]["hits"]), None)
    return VolumeAnswer(
        step_s=int(step.total_seconds()),
        mentions=total(now),
        authors=found["authors"]["value"] if found else 0,
        texts=_texts(found) if found else 0,
        reach=int(found["reach"]["value"] or 0) if found else 0,
        negative=share_of(buckets(now, "languages"), found["tones"]) if found else None,
        before=total(earlier),
        week_before=total(last_week),
        newest=None
        if newest is None
        else datetime.fromtimestamp(newest / 1000, scope.since.tzinfo),
        series=[_bucket(at, counted.get(milliseconds(at))) for at in starts],
        usual=_aligned(starts, before, shift, step) if before else [],
        towards=scope.brand,
    )


def _bucket(at: datetime, bucket: JsonObject | None) -> VolumeBucket:
    if bucket is None:
        return VolumeBucket(at=at)
    tones = tones_of(bucket["tones"])
    return VolumeBucket(
        at=at,
        mentions=bucket["doc_count"],
        authors=bucket["authors"]["value"],
        texts=_texts(bucket),
        scored=sum(tones[tone] for tone in TONES),
        negative=tones[NEGATIVE],
    )


def _texts(found: JsonObject) -> int:
    """Groups of copies, and the mentions that are in none."""
    return int(found["groups"]["value"]) + int(found["single"]["doc_count"])


def _aligned(
    starts: list[datetime], before: dict[int, int], shift: int, step: timedelta
) -> list[int]:
    """The earlier counts by bucket; the buckets of both windows may begin at other moments."""
    wide = int(step.total_seconds() * 1000)
    return [before.get((milliseconds(at) - shift) // wide * wide, 0) for at in starts]


def bucket_starts(since: datetime, until: datetime, step: timedelta) -> Iterable[datetime]:
    """The starts of the buckets that touch the window, as the engine rounds them."""
    wide = step.total_seconds()
    at = datetime.fromtimestamp(since.timestamp() // wide * wide, since.tzinfo)
    while at < until:
        yield at
        at += step


def milliseconds(at: datetime) -> int:
    """Since 1970: how the engines name a bucket."""
    return round(at.timestamp() * 1000)


def rows(answer: VolumeAnswer) -> Iterable[Row]:
    for bucket in answer.series:
        yield (
            bucket.at.isoformat(),
            bucket.mentions,
            bucket.authors,
            bucket.texts,
            bucket.scored,
            bucket.negative,
        )


VOLUME = Question(
    name="volume",
    summary="Mentions over time: raw, by distinct authors, without copies; share of negatives.",
    ask=VolumeAsk,
    answer=VolumeAnswer,
    searches=searches,
    read=read,
    columns=("at", "mentions", "authors", "texts", "scored", "negative"),
    rows=rows,
)
