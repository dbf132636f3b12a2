"""Posts with some of every field, for the engines that must find what the reference finds."""

import random
from collections.abc import Sequence
from datetime import timedelta
from typing import get_args

from schemas.mention import Aspect, BrandMatch, Emotion, Entity, Language, Mention, Sentiment
from schemas.post import Author, Community, Metrics, Post, Publisher, Rating
from schemas.types import AspectLabel, IntentLabel, SentimentLabel
from tests.queries.asked import WHEN

RICH = [
    "orange", "Été", "ete", "e\u0301te\u0301", "BT", "bt", "panne", "5g", "a", "b", "日", "日本",
    "ก", "กาแฟ", "straße", "STRASSE", "or", "AND", "near", "To", "クラウド", "한국", "snake_case",
    "2026", "#orange", "#Été", "@velmora", "@ana.bsky.example", "$AAPL", "🍊", "👍🏽", "👍", "❤️",
    "❤", "🇫🇷", "https://a.example/x?y=1", "www.b.example/(c)*", "#日本", "oranges", "...",
    "l'orange", "abonné", "abon", "pane", "boxe", "#velmora", "etés", "हिन्दी", "كِتَاب", "كتاب",
    "ＯＲＡＮＧＥ", "\u0301", "\u0640", "ﷺ", "𝐎𝐫𝐚𝐧𝐠𝐞", "İstanbul", "x" * 300, "é" * 300, "a\\b",
    "C&A", "c & a", "c&amp;a", "C à", "E.ON", "e on", "C++", "C#", ".NET", "M&M's", "m&ms", "LG가",
    "삼성은", "삼성", "vel\u00admora", "Orange®", "ソニーA7", "ソニー", "YAPI", "yapı", "yapi",
    "Ørsted", "orsted", "Łódź", "اورنج", "لأورنج", "والأورنج", "أورنج", "شركة", "شركه",
    "jean@orange.example", "#VelmoraDown", "#BoycottVelmora", "#velmoragate",
    "همراه\u200cاول", "ｶﾞｽ", "٢٠٢٦",
]  # fmt: skip
"""Words of the strategies in ``asked``, and difficult tokens."""
FIELD_QUERIES = [
    "aspect:price", "aspect:price=negative", "aspect:(price staff=positive)", "intent:complaint",
    "emotion:anger", "towards:negative", "towards:(negative positive)",
    "towards:velmora=negative OR towards:neutral", 'community:"Le Cafe"', "community:R/VELMORA",
    "rating:<3", "rating:>=4", "rating:1..2", "rating:3.5", "score:<0", "bot:true NOT format:post",
    "tag:velmora", "tag:velmora* NOT tag:down", "thread:x:7", 'about:"velmora mobile"',
    "publisher:lemonde.fr",
]  # fmt: skip
"""Each finds some of 200 posts, and not all."""
COMMUNITIES = [Community(id="c/9", name="Le Café"), Community(id="r/velmora"), Community(id="C/9")]
RATINGS = [
    Rating(value=1), Rating(value=3.5), Rating(value=5), Rating(value=0, best=10, worst=0),
    Rating(value=2, best=3, worst=0), Rating(value=49.9, best=100, worst=0),
]  # fmt: skip
LABELS: list[SentimentLabel | None] = [None, *get_args(SentimentLabel)]


def sentiment(label: SentimentLabel | None) -> Sentiment | None:
    if label is None:
        return None
    return Sentiment(label=label, score=0, negative=0.3, neutral=0.4, positive=0.3)


def some_aspects(rng: random.Random) -> list[AspectLabel]:
    """One of them may be named twice, with different sentiments."""
    labels: list[AspectLabel] = ["price", "price", "staff", "delay"]
    return [label for label in labels if rng.random() < 0.3]


ENTITIES = [("AF", "Air  France", "Q1"), ("l'Été", None, None), ("*", "V", "vel")]


def rich_post(rng: random.Random, number: int) -> Mention:
    """A post with some of every field."""

    def some(words: Sequence[str], limit: int) -> list[str]:
        return [rng.choice(words) for _ in range(rng.randint(0, limit))]

    hosts = ["www.lemonde.fr", "velmora.example", "a.example"]
    handles = ["velmora", "Velmora", "ana.bsky.example", "pan", "panne"]
    amounts = [None, 0, 7, 1000, 10**12, 2**53]
    post = Post(
        id=f"x:{number}",
        source=rng.choice(["x", "Bluesky", "my feed", "or"]),
        author=Author(
            id=rng.choice(["did:plc:1", "17", "a  b"]),
            handle=rng.choice([None, *handles]),
            name=" ".join(some(RICH, 4)) or None,
            followers=rng.choice(amounts),
            verified=rng.choice([None, True, False]),
            bot=rng.choice([None, True, False]),
        ),
        text=" ".join(some(RICH, 12)),
        title=" ".join(some(RICH, 4)) or None,
        created_at=WHEN + timedelta(days=rng.randint(-40, 5), microseconds=rng.randint(0, 10**9)),
        url=rng.choice(
            [None, f"https://{rng.choice(hosts)}/{rng.choice(RICH)}/panne", "https://["]
        ),
        links=[f"http://{rng.choice(hosts)}/été/{word}" for word in some(["orange", "BT"], 2)],
        country=rng.choice([None, "FR", "US"]),
        hashtags=some(["Panne", "Été", "not", "velmora", "pan"], 2),
        mentions=some(handles, 2),
        reply_to=rng.choice([None, "x:0"]),
        metrics=Metrics(
            likes=rng.choice(amounts),
            views=rng.choice(amounts),
            score=rng.choice([*amounts, -1, -9, -(2**53)]),
            saves=rng.choice(amounts),
        ),
        thread=rng.choice([None, "x:0", "x:7", "file:A"]),
        format=rng.choice([None, "review", "post"]),
        community=rng.choice([None, *COMMUNITIES]),
        about=rng.choice([None, "app:Velmora"]),
        about_name=rng.choice([None, "Velmora  Mobile"]),
        publisher=rng.choice([None, Publisher(name="Le Monde"), Publisher(domain="lemonde.fr")]),
        rating=rng.choice([None, *RATINGS]),
    )
    label = rng.choice(LABELS)
    return Mention(
        post=post,
        language=rng.choice([None, Language(code=rng.choice(["fr", "en", "und"]), confidence=1)]),
        brands=[
            BrandMatch(id=id_, sentiment=sentiment(rng.choice(LABELS)))
            for id_ in ("air-volta", "velmora")
            if rng.random() < 0.3
        ],
        aspects=[
            Aspect(label=about, text="x", start=0, end=1, sentiment=sentiment(rng.choice(LABELS)))
            for about in some_aspects(rng)
        ],
        intents=[intent for intent in get_args(IntentLabel) if rng.random() < 0.2],
        emotion=rng.choice([None, Emotion(label="anger", confidence=1),
                            Emotion(label="none", confidence=1)]),
        entities=[
            Entity(text=text, name=name, id=id_, label="ORG", start=0, end=1)
            for text, name, id_ in ENTITIES
            if rng.random() < 0.2
        ],
        sentiment=sentiment(label),
    )  # fmt: skip
