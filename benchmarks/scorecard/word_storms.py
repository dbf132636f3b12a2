"""Storms made of words: an outage told ironically or politely, and the joy of a fandom.

The other storms are given their tone. Here each tier reads the posts of ``word_storms.yaml`` first,
so a storm is as negative as the words are read. The desk must be woken by the first two, and by
joy never.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec

from benchmarks.accuracy.tiers import TierReader
from benchmarks.markdown import table
from processors.detector.backtest import backtest_alerts, replay
from schemas.activity import Activity
from schemas.brand import Brand
from schemas.mention import Mention
from schemas.types import SentimentLabel, Tier

FILE: Final = Path(__file__).with_suffix(".yaml")
TIERS: Final[tuple[Tier, ...]] = ("accurate", "fast")
CRISES: Final = ("irony", "polite")
"""Storms that must wake the desk."""
WAKES: Final = 2
DAYS: Final = 4
"""Days of ordinary mentions before the storm."""
AN_HOUR: Final = 60
"""Ordinary mentions an hour."""
POSTS: Final = 300
"""Posts of a storm, within half an hour."""
_BEGIN: Final = datetime(2026, 3, 2, tzinfo=UTC)
_SCORES: Final[Mapping[SentimentLabel, float]] = {"negative": -0.8, "neutral": 0, "positive": 0.8}


def storms() -> dict[str, dict[str, list[str]]]:
    """Posts by storm and language."""
    return msgspec.yaml.decode(FILE.read_bytes(), type=dict[str, dict[str, list[str]]])


def severity(read: Sequence[Mention | None], seed: str) -> int:
    """The highest severity of the alerts while posts with this tone come; 0 without one."""
    brand = Brand(id="velmora", name="Velmora")
    alerts = backtest_alerts(replay(_records(read, seed), [brand]))
    return max((alert.severity for alert in alerts), default=0)


def _records(read: Sequence[Mention | None], seed: str) -> Iterator[Activity]:
    pick = random.Random(seed)
    end = DAYS * 24 * 60
    usual: Sequence[SentimentLabel] = ("negative", "neutral", "neutral", "positive")
    plan: list[tuple[float, Activity]] = []
    for number in range(DAYS * 24 * AN_HOUR + AN_HOUR):
        minute = pick.uniform(0, end + 60)
        plan.append((minute, _record(f"u{number}", minute, pick.choice(usual), pick)))
    for number in range(POSTS):
        mention = pick.choice(read)
        if mention is not None and mention.sentiment is not None:
            minute = end + pick.uniform(0, 30)
            plan.append((minute, _record(f"s{number}", minute, mention.sentiment.label, pick)))
    return (record for _, record in sorted(plan, key=lambda one: one[0]))


def _record(number: str, minute: float, tone: SentimentLabel, pick: random.Random) -> Activity:
    at = _BEGIN + timedelta(minutes=minute)
    return Activity(
        brand="velmora", post_id=f"x:{number}", version=1, at=at, ingested_at=at, source="x",
        author=f"a{number}", sentiment=tone, score=_SCORES[tone],
        account_age_days=int(pick.uniform(40, 3_000)), reach=int(pick.paretovariate(1.1) * 60),
    )  # fmt: skip


def section(data: Path) -> list[str]:
    """The lines of the page; needs no data."""
    rows = []
    for tier in TIERS:
        reader = TierReader.load(tier)
        for name, by_language in storms().items():
            for language, texts in by_language.items():
                read = reader.read(texts)
                found = severity(read, f"{name} {language}")
                labels = [one.sentiment.label for one in read if one and one.sentiment]
                good = (found >= WAKES) == (name in CRISES)
                rows.append(
                    (tier, name, language, len(texts), labels.count("negative"),
                     labels.count("positive"), found, "yes" if good else "no")
                )  # fmt: skip
    head = (
        "tier",
        "storm",
        "language",
        "posts",
        "read as negative",
        "positive",
        "severity",
        "right",
    )
    right = {tier: sum(row[0] == tier and row[-1] == "yes" for row in rows) for tier in TIERS}
    storms_each = len(rows) // len(TIERS)
    told = ", ".join(f"{tier} {right[tier]} of {storms_each}" for tier in TIERS)
    return [
        "## Storms made of words",
        "",
        "The tone is read, not given: posts written for this "
        f"(`benchmarks/scorecard/word_storms.yaml`), {POSTS} within half an hour over {AN_HOUR} an "
        "hour of a brand of whose mentions a quarter is negative. Irony and politeness tell an "
        f"outage and must wake the desk (severity {WAKES}); joy must not. Right: {told}.",
        "",
        *table(head, rows),
        "",
    ]
