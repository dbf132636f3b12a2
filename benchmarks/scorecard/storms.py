"""Storms of known size, speed, tone and authenticity, planted over the real volumes of brands.

The background is the five-minute counts of real brands (``brand-volume``), spread over their five
minutes, with the sentiment, reach and ages of invented ordinary authors. A storm rises to a
multiple of the brand's mean, holds for an hour, and falls. The same seeds give the same mentions.
"""

import csv
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import exp
from pathlib import Path
from typing import Any, Final

from schemas.activity import Activity
from schemas.alert import Authenticity
from schemas.types import SentimentLabel

DAYS: Final = 12
"""Days of each series; storms start on the fourth."""
HOLD: Final = 60
"""Minutes at full size."""
Plan = tuple["Kind", float, int]
"""Kind of a storm, its size and its rise."""
_NEGATIVE: Final = 0.25
_TERMS: Final = ("delivery", "store", "price", "offer", "thanks", "order", "app", "service")


@dataclass(frozen=True, slots=True)
class Kind:
    """The tone and authenticity of a storm's mentions."""

    name: str
    negative: float
    copies: float = 0.0
    young: float = 0.0
    authors: int | None = None
    reposts: bool = False
    expected: Authenticity = "organic"


KINDS: Final = (
    Kind("organic", 0.75),
    Kind("organic, mild", 0.5),
    Kind("astroturfed", 0.9, copies=0.9, young=0.7, authors=80, expected="coordinated"),
    Kind("bot-amplified", 0.8, copies=0.85, reposts=True, expected="amplified"),
    Kind("joyful", 0.03),
)
SIZES: Final = (2, 4, 8, 16)
"""Height of a storm as a multiple of the brand's mean."""
RISES: Final = (5, 30, 120)
"""Minutes from the start of a storm to its height."""


@dataclass(frozen=True, slots=True)
class Storm:
    """One planted crisis."""

    kind: Kind
    size: float
    rise: int
    began: datetime

    @property
    def ended(self) -> datetime:
        return self.began + timedelta(minutes=2 * self.rise + HOLD)

    def level(self, at: datetime) -> float:
        """Share of the full height at a time."""
        passed = (at - self.began).total_seconds() / 60
        if not 0 <= passed < 2 * self.rise + HOLD:
            return 0.0
        falling = passed - self.rise - HOLD
        return min(passed / self.rise, 1.0) if falling < 0 else max(1 - falling / self.rise, 0)


def volumes(data: Path) -> dict[str, list[tuple[datetime, int]]]:
    """The first days of each series: times and five-minute counts."""
    found = {}
    for path in sorted((data / "brand-volume").glob("*.csv")):
        with path.open(encoding="utf-8") as lines:
            rows = [
                (datetime.fromisoformat(row["timestamp"]).replace(tzinfo=UTC), int(row["value"]))
                for row in csv.DictReader(lines)
            ]
        # The end, because the parameters of the volume detector were chosen on the start.
        found[path.stem] = rows[-DAYS * 288 :]
    return found


def unusual(data: Path) -> dict[str, list[tuple[datetime, datetime]]]:
    """Windows labelled unusual, where an alert is neither right nor wrong."""
    labels = json.loads((data / "brand-volume" / "windows.json").read_text("utf-8"))
    return {
        name: [
            (
                datetime.fromisoformat(first).replace(tzinfo=UTC),
                datetime.fromisoformat(end).replace(tzinfo=UTC),
            )
            for first, end in each["windows"]
        ]
        for name, each in labels.items()
    }


class Crowd:
    """Makes mentions, deterministically by seed."""

    def __init__(self, brand: str, seed: str) -> None:
        self._brand = brand
        self._pick = random.Random(seed)
        self._number = 0

    def usual(self, at: datetime) -> Activity:
        """An ordinary mention within the five minutes."""
        pick = self._pick
        label: SentimentLabel = "negative"
        if pick.random() >= _NEGATIVE:
            label = pick.choice(("neutral", "positive"))
        return self._record(at, label, terms=pick.sample(_TERMS, 2))

    def stormy(self, at: datetime, kind: Kind) -> Activity:
        """A mention of a storm of this kind."""
        pick = self._pick
        label: SentimentLabel = "negative"
        if pick.random() >= kind.negative:
            label = "positive" if kind.negative < 0.1 else "neutral"
        fields: dict[str, Any] = {"terms": ["#scandal", "recall"], "country": "US"}
        if pick.random() < kind.copies:
            fields |= {"duplicate_group": "storm", "duplicate_keys": ["wstorm", "wstorms"]}
            fields["kind"] = "repost" if kind.reposts else "original"
        if kind.authors:
            fields["author"] = f"bot{pick.randrange(kind.authors)}"
        if pick.random() < kind.young:
            fields["account_age_days"] = pick.randrange(20)
        return self._record(at, label, **fields)

    def _record(self, at: datetime, label: SentimentLabel, **fields: Any) -> Activity:
        self._number += 1
        pick = self._pick
        moment = at + timedelta(seconds=pick.uniform(0, 300))
        given = {
            "author": f"a{pick.randrange(200_000)}",
            "account_age_days": int(pick.uniform(40, 3_000)),
            "reach": int(pick.paretovariate(1.1) * 60),
            **fields,
        }
        return Activity(
            brand=self._brand, post_id=f"x:{self._number}", version=1, at=moment,
            ingested_at=moment, source="x", language="en", sentiment=label,
            score={"negative": -0.8, "neutral": 0.0, "positive": 0.8}[label], **given,
        )  # fmt: skip


def mentions(
    brand: str, rows: Sequence[tuple[datetime, int]], storms: Sequence[Storm], seed: str
) -> Iterator[Activity]:
    """The background and the storms, in order of event time."""
    crowd = Crowd(brand, seed)
    pick = random.Random(seed)
    mean = sum(count for _, count in rows) / len(rows)
    for at, count in rows:
        found = [crowd.usual(at) for _ in range(count)]
        for storm in storms:
            rate = storm.level(at + timedelta(minutes=2.5)) * (storm.size - 1) * mean
            found += [crowd.stormy(at, storm.kind) for _ in range(_poisson(rate, pick))]
        yield from sorted(found, key=lambda record: record.at)


def _poisson(rate: float, pick: random.Random) -> int:
    if rate > 50:
        return max(0, round(pick.gauss(rate, rate**0.5)))
    limit, count, product = exp(-rate), 0, pick.random()
    while product > limit:
        count += 1
        product *= pick.random()
    return count


def schedule(rows: Sequence[tuple[datetime, int]], kinds: Iterator[Plan]) -> list[Storm]:
    """The next storms, one every eleven hours, to cover all times of day."""
    first = rows[0][0] + timedelta(days=3)
    storms = []
    began = first
    while began + timedelta(hours=8) <= rows[-1][0]:
        storms.append(Storm(*next(kinds), began))
        began += timedelta(hours=11)
    return storms


def plans(seed: int = 0) -> Iterator[Plan]:
    """Rounds of every kind, size and speed, each round shuffled."""
    pick = random.Random(seed)
    every = [(kind, size, rise) for kind in KINDS for size in SIZES for rise in RISES]
    while True:
        pick.shuffle(every)
        yield from every
