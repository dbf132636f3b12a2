"""The asks by which every question is compared with the oracle; all engines get the same ones."""

import json
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from tests.tower.questions.corpus import EDGE, NOW
from tower.questions.question import Ask
from tower.questions.question_table import QUESTIONS

QUERIES: list[tuple[str, str | None]] = [
    ("", None),
    ("brand:velmora", "velmora"),
    ("brand:velmora AND lang:fr", "velmora"),
    ("brand:velmora OR brand:corvane", None),
    ("brand:unheard-of", "unheard-of"),
    ("panne AND NOT country:fr", None),
    ("towards:velmora=negative", None),
    ("aspect:(price staff=positive) AND brand:corvane", "corvane"),
    ("クラウド", None),
]
"""A query, and the one brand that it asks for."""

WINDOWS: list[dict[str, Any]] = [
    {},
    {"last": "1h"},
    {"last": "16h"},
    {"last": "7d"},
    {"last": "400d"},
    # The mentions of the edge are in, and those of the end are not.
    {"since": EDGE, "until": EDGE + timedelta(hours=3)},
    {"since": EDGE - timedelta(hours=7), "until": EDGE},
    # Neither begins nor ends at a bucket, with other offsets than UTC.
    {"since": EDGE - timedelta(hours=50, minutes=7, seconds=13), "until": NOW + timedelta(hours=2)},
    {"since": EDGE + timedelta(microseconds=500), "until": EDGE + timedelta(milliseconds=2)},
    # Before everything.
    {"since": EDGE - timedelta(days=300), "until": EDGE - timedelta(days=200)},
]
ZONES = ["UTC", "Europe/Paris", "Asia/Kolkata", "Asia/Kathmandu", "America/St_Johns"]
OWN: dict[str, list[dict[str, Any]]] = {
    "volume": [{}, {"most": 2}, {"most": 300}],
    "mentions": [
        {"order": order, "size": 30} for order in ("newest", "oldest", "widest", "most_engaged")
    ],
    "wall": [{"order": order, "size": 100} for order in ("newest", "widest")],
    "values": [
        {"field": name, "size": size}
        for name in (
            "language", "source", "country", "brand", "entity", "hashtag", "emotion", "intent",
            "kind", "link", "community", "format", "publisher", "rating",
        )
        for size in (2, 20)
    ],
    "authors": [{"by": by, "size": size} for by in ("mentions", "reach") for size in (5, 50)],
    "alerts": [{}, {"standing": "open"}, {"standing": "closed", "size": 2}, {"brand": "corvane"}],
    "posts": [
        {"ids": json.dumps(["x:3", "x:399", "x:2", "nothing", "x:0", "", "é*"])},
        {"ids": json.dumps([f"x:{number}" for number in range(60, 10, -1)])},
        {"ids": "[]"},
    ],
    "lifts": [{}, {"size": 2}, {"size": 100}],
    "tabs": [
        {"queries": json.dumps(["", "brand:velmora", "(panne", "brand:velmora", "lang:fr AND é"])},
        {"queries": "[]"},
        {"queries": json.dumps(["towards:velmora=negative OR country:np", "near("])},
        {"queries": json.dumps([f"source:x OR hashtags:{number}" for number in range(50)])},
    ],
    "alerts/{id}": [{"id": "alert/03 é"}, {"id": "nothing*"}],
}  # fmt: skip


def ask_for(
    question: str, query: str = "", window: dict[str, Any] | None = None, number: int = 0
) -> Ask:
    """An ask; ``number`` chooses among the question's own parameters and the zones."""
    options = OWN.get(question, [{}])
    own = options[number % len(options)]
    zone = ZONES[number % len(ZONES)]
    kind = QUESTIONS[question].ask
    ask: Ask = kind(q=query, tz=zone, **(window or {}), **own)
    return ask


@st.composite
def asks(draw: st.DrawFn) -> tuple[str, Ask, str | None]:
    """A question, an ask, and the one brand that its query is about."""
    question = draw(st.sampled_from(sorted(QUESTIONS)))
    query, brand = draw(st.sampled_from(QUERIES))
    window = draw(st.sampled_from(WINDOWS) | _windows())
    return question, ask_for(question, query, window, draw(st.integers(0, 100))), brand


def _windows() -> st.SearchStrategy[dict[str, Any]]:
    ends = st.integers(0, 5 * 86_400_000).map(lambda ms: NOW + timedelta(days=1, milliseconds=-ms))
    return (
        st.lists(ends, min_size=2, max_size=2, unique=True)
        .map(sorted)
        .map(lambda pair: {"since": pair[0], "until": pair[1]})
    )
