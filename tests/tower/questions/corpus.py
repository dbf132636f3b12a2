"""Some hundred mentions and alerts with every odd thing that a question must count rightly."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import msgspec

from schemas.brand import Brand
from schemas.coverage import CoverageInterval, CoverageReason, CoverageState, interval_id
from schemas.mention import (
    Aspect,
    BrandMatch,
    Emotion,
    Entity,
    Influence,
    Language,
    Mention,
    MentionUpsert,
    Sentiment,
)
from schemas.post import Author, Community, Post, Publisher, Rating
from schemas.types import AspectLabel, EmotionLabel, IntentLabel, JsonObject, SentimentLabel
from tests import make

NOW = datetime(2026, 3, 2, 12, 0, 7, 250_000, tzinfo=UTC)
EDGE = datetime(2026, 3, 2, 6, tzinfo=UTC)
"""A round time at which several mentions are, one a millisecond earlier and one later."""
_MILLISECOND = timedelta(milliseconds=1)
_TONES: list[SentimentLabel | None] = [None, *get_args(SentimentLabel)]
_HANDLES = ["ana", "Été", "日本", 'a"b', "o'neil", "a b", "=cmd", "<i>x</i>", None]
_TEXTS = ["Velmora en panne", "la panne continue", "great service", "クラウド", "كتاب", "\u202edda"]


@dataclass(frozen=True)
class Corpus:
    """What the index holds, and what the application knows."""

    mentions: Sequence[MentionUpsert]
    alerts: Sequence[JsonObject] = ()
    coverage: Sequence[CoverageInterval] = ()
    erasures: Sequence[JsonObject] = ()
    brands: Mapping[str, Brand] = field(default_factory=dict)
    now: datetime = NOW


def sentiment(label: SentimentLabel | None) -> Sentiment | None:
    if label is None:
        return None
    return Sentiment(label=label, score=0, negative=0.3, neutral=0.4, positive=0.3)


BRANDS = {
    brand.id: brand
    for brand in (
        make.brand("velmora", peers=["air-volta", "corvane", "unheard"]),
        make.brand("air-volta", name="Air “Volta”"),
        make.brand("corvane", peers=["velmora"]),
        make.brand("silent_1"),
    )
}


def corpus(seed: int = 7, count: int = 400) -> Corpus:
    rng = random.Random(seed)
    mentions = [_event(_mention(rng, number), number) for number in range(count)]
    alerts = [_alert(rng, number) for number in range(24)]
    coverage = [_interval(rng, number) for number in range(60)]
    return Corpus(mentions, alerts, coverage, _erasures(rng), BRANDS)


def _event(mention: Mention, number: int) -> MentionUpsert:
    """Read and enriched with delays that differ; some clocks run ahead."""
    event = make.enriched(_struck(mention, number), version=100 + number, at=NOW)
    assert isinstance(event, MentionUpsert)
    read = mention.post.created_at + timedelta(microseconds=1_234_567 * (number % 19) - 500_000)
    enriched = read + timedelta(microseconds=98_765 * (number % 23))
    return msgspec.structs.replace(event, ingested_at=read, enriched_at=enriched)


def _struck(mention: Mention, number: int) -> Mention:
    """What happened at the edge is said of nothing else: as a name, as a hashtag, as a link."""
    if number % 11 or number % 4 == 1:
        return mention
    post = mention.post
    link = "https://news.example/greve"
    post = msgspec.structs.replace(
        post, hashtags=[*post.hashtags, "grève"], links=[*post.links, link]
    )
    name = Entity(text="Grève", name="Grève", label="ORG", start=0, end=1)
    entities = [*mention.entities, name] if number % 3 else mention.entities
    return msgspec.structs.replace(mention, post=post, entities=entities)


def _at(rng: random.Random, number: int) -> datetime:
    """Most are spread over four days; some lie at the edges of windows and buckets."""
    if number % 11 == 0:
        return EDGE + _MILLISECOND * rng.choice([-1, 0, 0, 1])
    if number % 13 == 0:
        # Two of one millisecond, which the index cannot tell apart.
        return EDGE + timedelta(microseconds=rng.choice([100, 900]))
    if number % 17 == 0:
        return NOW + timedelta(hours=rng.choice([1, 30]))
    return NOW - timedelta(microseconds=rng.randint(0, 4 * 86_400 * 10**6))


def _author(rng: random.Random) -> Author:
    number = min(rng.randint(0, 60), rng.randint(0, 60))
    handle = _HANDLES[number % len(_HANDLES)]
    return Author(
        id=f"author {number}" if number % 7 else f"作者{number}",
        handle=None if handle is None else f"{handle}{number}",
        name=rng.choice([None, "Ana", "\u202eevil", "=1+1"]),
        followers=rng.choice([None, number]),
        verified=rng.choice([None, True, False]),
    )


def _mention(rng: random.Random, number: int) -> Mention:
    post = Post(
        id=f"x:{number}",
        source=rng.choice(["x", "x", "bluesky", "my feed"]),
        author=_author(rng),
        text=rng.choice(_TEXTS),
        created_at=_at(rng, number),
        language=rng.choice([None, "fr-FR"]),
        country=rng.choice([None, None, "FR", "FR", "US", "NP"]),
        hashtags=rng.sample(["Panne", "panne", "Été", 'a"b', "日本"], rng.randint(0, 3)),
        links=rng.sample(["https://a.example/x", "https://b.example/?q=é", "http://["], 1),
        format=rng.choice([None, "review", "post"]),
        community=rng.choice([None, Community(id="c/9", name="Le Café"), Community(id="r/x")]),
        publisher=rng.choice([None, Publisher(name="Le Monde"), Publisher(domain="a.example")]),
        rating=rng.choice(
            [None, None, Rating(value=1.0), Rating(value=3.5), Rating(value=10.0, best=10)]
        ),
        reply_to=rng.choice([None, None, "x:0"]),
    )
    language = rng.choice([None, "fr", "fr", "fr", "en", "en", "ja"])
    return Mention(
        post=post,
        language=None if language is None else Language(code=language, confidence=0.5),
        brands=_brands(rng),
        sentiment=sentiment(rng.choice(_TONES)),
        aspects=_aspects(rng),
        intents=[intent for intent in get_args(IntentLabel) if rng.random() < 0.2],
        emotion=_emotion(rng),
        entities=_entities(rng),
        duplicate_group=rng.choice([None, None, *(f"g{n}" for n in range(40))]),
        duplicate_keys=rng.choice([[], ["k1"]]),
        influence=_influence(rng),
        provenance=rng.choice([{}, {"language": "1"}]),
    )


def _brands(rng: random.Random) -> list[BrandMatch]:
    return [
        BrandMatch(id=id_, sentiment=sentiment(rng.choice(_TONES)))
        for id_ in ("velmora", "air-volta", "corvane", "not listed")
        if rng.random() < 0.4
    ]


def _aspects(rng: random.Random) -> list[Aspect]:
    """One aspect may be named twice, with different sentiments."""
    labels: list[AspectLabel] = ["price", "price", "staff", "delay", "other"]
    return [
        Aspect(label=label, text="x", start=0, end=1, sentiment=sentiment(rng.choice(_TONES)))
        for label in labels
        if rng.random() < 0.3
    ]


def _emotion(rng: random.Random) -> Emotion | None:
    label = rng.choice([None, *get_args(EmotionLabel)])
    return None if label is None else Emotion(label=label, confidence=1)


def _entities(rng: random.Random) -> list[Entity]:
    known = [("AF", "Air  France"), ("Paris", "Paris"), ("Paris", "Paris"), ("l'Été", None)]
    return [
        Entity(text=text, name=name, label="ORG", start=0, end=1)
        for text, name in known
        if rng.random() < 0.3
    ]


def _influence(rng: random.Random) -> Influence | None:
    if rng.random() < 0.2:
        return None
    return Influence(reach=rng.choice([0, 0, 7, 900, 10**6]), engagement=rng.choice([0, 3, 80]))


def _alert(rng: random.Random, number: int) -> JsonObject:
    began = NOW - timedelta(hours=rng.randint(0, 80))
    status = rng.choice(["open", "update", "close"])
    alert = make.alert(
        version=3,
        status=status,
        brand=rng.choice(["velmora", "corvane"]),
        id=f"alert/{number:02d} é",
        severity=rng.randint(1, 5),
        began_at=began,
        raised_at=min(NOW, began + timedelta(hours=rng.randint(0, 9))),
        muted=rng.random() < 0.2,
    )
    source: JsonObject = msgspec.json.decode(msgspec.json.encode(alert))
    source["states"] = [_state(source, began, version) for version in range(rng.randint(0, 3))]
    source["desk"] = _desk(rng, alert.severity, began)
    return {name: value for name, value in source.items() if value not in (None, {}, [])}


def _state(source: JsonObject, began: datetime, version: int) -> JsonObject:
    return {
        "at": (began + timedelta(minutes=version)).isoformat(),
        "version": version,
        "status": "open" if version == 0 else "update",
        "severity": 1 + version,
        "title": f"{source['title']} state {version}",
    }


def _desk(rng: random.Random, severity: int, began: datetime) -> dict[str, Any]:
    desk: dict[str, Any] = {}
    if rng.random() < 0.5:
        desk |= {"acknowledged_by": "ana", "acknowledged_at": began.isoformat()}
    if rng.random() < 0.3:
        closed_at = {"closed_by": "ben", "closed_at": began.isoformat()}
        # A graver state than at that time opens it again.
        desk |= closed_at | {"closed_severity": max(1, severity - rng.choice([0, 1]))}
    if rng.random() < 0.3:
        desk["assignee"] = "chloé"
    return desk


_WHY: Mapping[CoverageState, Sequence[CoverageReason]] = {
    "listening": ("live", "replayed"),
    "late": ("dropped", "catching_up"),
    "away": ("stopped", "failed"),
    "blind": ("silent",),
    "gap": ("unrepeated", "outage"),
}


def _interval(rng: random.Random, number: int) -> CoverageInterval:
    """An interval that ended, or one that lasts; of any age, told by either."""
    state = rng.choice(list(_WHY))
    source, part = rng.choice([("x", ""), ("bluesky", ""), ("x", "partition:3"), ("rss", "")])
    began = NOW - timedelta(milliseconds=rng.randint(0, 12 * 86_400 * 1000))
    if number % 9 == 0:
        began = EDGE + _MILLISECOND * rng.choice([-1, 0, 1])
    lasts = rng.random() < 0.3
    ended = began + timedelta(milliseconds=rng.randint(1, 9 * 3_600_000))
    told_by = "detector" if state == "blind" else "ingest"
    return CoverageInterval(
        id=interval_id(told_by, state, source, part, began),  # type: ignore[arg-type]
        version=1 + number,
        source=source,
        part=part,
        state=state,
        why=rng.choice(_WHY[state]),
        told_by=told_by,  # type: ignore[arg-type]
        told_at=min(NOW, ended),
        from_=began,
        to=None if lasts else min(NOW, ended),
        made_up_at=NOW if state in ("late", "away") and not lasts and number % 2 else None,
        lost=rng.choice([None, 7]) if state == "gap" else None,
        detail=rng.choice([None, "<b>the platform closed the connection</b>"]),
    )


def _erasures(rng: random.Random) -> list[JsonObject]:
    """Asked for, done, and gone from the disk; some of one moment, some not done."""
    found: list[JsonObject] = []
    for number in range(30):
        asked = NOW - timedelta(hours=number // 3 * 7)
        entry = {
            "source": rng.choice(["x", "bluesky"]),
            "author_id": f"did:plc:é{number}",
            "version": 1000 - number,
            "erased_at": asked.isoformat(),
        }
        if number % 4:
            entry["done_at"] = (asked + timedelta(seconds=0.5 + number)).isoformat()
        if number % 4 == 3:
            entry["expunged_at"] = (asked + timedelta(hours=1)).isoformat()
        found.append(entry)
    return found
