"""A day of ordinary posts on a brand: languages, countries, tones, aspects, copies, and links."""

import random
from datetime import datetime, timedelta
from typing import Final, get_args

from schemas.mention import (
    Aspect,
    BrandMatch,
    Emotion,
    Entity,
    Influence,
    Match,
    Mention,
    MentionUpsert,
    Sentiment,
)
from schemas.post import Author, Media
from schemas.types import AspectLabel, EmotionLabel, IntentLabel, SentimentLabel
from tests import make

SAID: Final = {
    "fr": "Velmora en panne depuis ce matin à {0}, personne ne répond au {1} #velmora",
    "en": "Velmora is down again in {0}, and nobody answers on {1} #velmora",
    "de": "Velmora fällt in {0} schon wieder aus, unter {1} geht niemand ran #velmora",
    "es": "Velmora no funciona en {0}, y nadie contesta en el {1} #velmora",
    "ar": "‏Velmora لا تعمل في {0} ولا أحد يرد على {1}",
    "ja": "{0}で Velmora がまた落ちています。{1} に誰も出ません #velmora",
}
PLACES: Final = {
    "FR": "Lyon", "GB": "Leeds", "DE": "Köln", "ES": "Sevilla", "MA": "الرباط", "JP": "大阪",
    "US": "Boston", "BR": "Recife", "SN": "Dakar", "AU": "Perth",
}  # fmt: skip


def ordinary_events(newest: datetime, count: int, first: int = 0) -> list[MentionUpsert]:
    """``count`` events over the 23 hours before ``newest``, newest last; the same every time."""
    return [
        ordinary_event(first + number, newest - timedelta(hours=23) * (1 - (number + 1) / count))
        for number in range(count)
    ]


def ordinary_event(number: int, at: datetime) -> MentionUpsert:
    rng = random.Random(number)
    language, country = rng.choice(list(SAID)), rng.choice([None, *PLACES])
    text = SAID[language].format(PLACES.get(country or "", "Rennes"), rng.randint(3000, 3999))
    at_brand = text.index("Velmora")
    brand = BrandMatch(
        id="velmora",
        matches=[Match(text="Velmora", start=at_brand, end=at_brand + 7)],
        sentiment=_sentiment(rng),
    )
    post = make.post(
        text,
        id=f"bluesky:{number}",
        author=Author(
            id=f"did:plc:{number % 90}",
            handle=f"someone{number % 90}.example",
            name=rng.choice(["Ana Sánchez", "Zoé Petit", "Ben O’Hara", "山田 花子", "ليلى"]),
            followers=rng.choice([0, 12, 840, 15_300, 2_400_000]),
        ),
        created_at=at,
        url=f"https://social.example/{number}",
        hashtags=["velmora"],
        links=[f"https://news.example/{rng.randint(1, 12)}"] if rng.random() < 0.3 else [],
        media=[Media(type="photo", alt="An empty shop")] if rng.random() < 0.2 else [],
        country=country,
    )
    mention = Mention(
        post=post,
        brands=[brand],
        sentiment=_sentiment(rng),
        entities=[Entity(text="Velmora", name="Velmora", label="ORG", start=0, end=7)],
        emotion=Emotion(label=rng.choice(get_args(EmotionLabel)), confidence=0.7),
        intents=[rng.choice(get_args(IntentLabel))] if rng.random() < 0.5 else [],
        aspects=[
            Aspect(
                label=rng.choice(get_args(AspectLabel)),
                text="x",
                start=0,
                end=1,
                sentiment=_sentiment(rng),
            )
        ],
        influence=Influence(reach=post.author.followers or 0),
        duplicate_group=f"group-{number % 40}" if rng.random() < 0.4 else None,
    )
    mention.language = make.mention(language=language).language
    event = make.enriched(mention, at=at)
    assert isinstance(event, MentionUpsert)
    return event


def _sentiment(rng: random.Random) -> Sentiment:
    label: SentimentLabel = rng.choice(["negative", "negative", "neutral", "positive"])
    shares = dict.fromkeys(get_args(SentimentLabel), 0.1) | {label: 0.8}
    return Sentiment(label=label, score=shares["positive"] - shares["negative"], **shares)
