"""Activity of brands, calm and not: the same for the same seed."""

import random
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from math import pi, sin
from typing import Any

from schemas.activity import Activity
from schemas.brand import AlertPolicy, Brand
from schemas.types import Kind, SentimentLabel
from tests import make

START = datetime(2026, 3, 2, tzinfo=UTC)
VELMORA = Brand(id="velmora", name="Velmora", alerts=AlertPolicy(minimum_volume=10))
_WORDS = ["livraison", "offre", "boutique", "forfait", "client", "merci", "facture", "appli"]
SCORES: dict[SentimentLabel, float] = {"negative": -0.8, "neutral": 0.0, "positive": 0.8}


def record(number: int | str, at: datetime, **fields: Any) -> Activity:
    return make.activity(number, at, **{"language": "fr", **fields})


def said(label: SentimentLabel) -> dict[str, Any]:
    return {"sentiment": label, "score": SCORES[label]}


def calm(hours: float, per_minute: float, seed: int = 0) -> Iterator[Activity]:
    """A day with its night: from a fifth of the rate to nearly twice it; one in five negative."""
    pick = random.Random(seed)
    at, end, number = START, START + timedelta(hours=hours), 0
    while True:
        of_day = (at - START).total_seconds() / 86_400
        rate = per_minute * (1 + 0.8 * sin(2 * pi * (of_day - 0.25)))
        at += timedelta(seconds=pick.expovariate(rate / 60))
        if at >= end:
            return
        number += 1
        (label,) = pick.choices(list(SCORES), weights=(2, 5, 3))
        yield record(
            number,
            at,
            reach=int(pick.paretovariate(1.2) * 50),
            terms=pick.sample(_WORDS, 2),
            account_age_days=int(pick.uniform(10, 3000)),
            **said(label),
        )


def storm(
    after: float,
    minutes: int,
    per_minute: float,
    *,
    label: SentimentLabel = "negative",
    share: float = 0.85,
    text: str | None = None,
    young: float = 0.0,
    authors: int | None = None,
    kind: Kind = "original",
    seed: int = 1,
) -> Iterator[Activity]:
    """Mentions that come ``after`` so many hours, of one mood; with a ``text``, copies of it."""
    pick = random.Random(seed)
    began = START + timedelta(hours=after)
    for number in range(int(minutes * per_minute)):
        at = began + timedelta(minutes=minutes * (number + pick.random()) / (minutes * per_minute))
        mood = label if pick.random() < share else "neutral"
        who = number if authors is None else number % authors
        yield record(
            f"s{seed}-{number}",
            at,
            author=f"{seed}{who:0>15}",
            reach=int(pick.paretovariate(1.2) * 50),
            terms=["#velmoradown", "panne"],
            duplicate_group=text,
            duplicate_keys=[f"w{text}", f"wx{text}"] if text else [],
            account_age_days=5 if pick.random() < young else 900,
            kind=kind,
            **said(mood),
        )


def together(*parts: Iterable[Activity]) -> list[Activity]:
    """Several, in the order of event time."""
    return sorted((one for part in parts for one in part), key=lambda one: (one.at, one.post_id))
