"""A brand with days behind it, counted, so that one look can be tested at a time."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from processors.detector.state.baseline import Baseline, learn
from processors.detector.state.counts import BrandCounts, Minute, minute_of
from schemas.activity import Activity
from tests.processors.detector.storms import START, record

NOW = START + timedelta(hours=40)
LENGTH = 30


def posts(count: int, name: str = "n", **fields: Any) -> list[Activity]:
    """Posts of the half hour before ``NOW``, spread over it, each by an author of its own."""
    step = timedelta(minutes=LENGTH) / count
    return [record(f"{name}{n}", NOW - timedelta(minutes=30) + n * step, **fields)
            for n in range(count)]  # fmt: skip


def usual_of(records: Iterable[Activity]) -> Baseline:
    """What a brand has learnt of records, ten minutes at a time."""
    counts, usual = BrandCounts(), Baseline()
    upto = 0
    for one in records:
        minute = minute_of(one.at)
        if minute >= upto + 10:
            if upto:
                learn(usual, counts.between(upto, minute), minute)
            upto = minute
        counts.add(one)
    learn(usual, counts.between(upto, upto + 10), upto + 10)
    return usual


def minutes_of(records: Iterable[Activity]) -> list[Minute]:
    """The half hour before ``NOW``."""
    counts = BrandCounts()
    for one in sorted(records, key=lambda one: one.at):
        counts.add(one)
    now = minute_of(NOW)
    return counts.between(now - LENGTH, now)
