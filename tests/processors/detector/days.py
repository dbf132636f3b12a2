"""A brand with days behind it, counted, so that one look can be tested at a time."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from processors.detector.state.baseline import Baseline
from processors.detector.state.counts import BrandCounts, minute_of
from processors.detector.state.window import LONG, Window
from schemas.activity import Activity
from tests.processors.detector.storms import START, record

NOW = START + timedelta(hours=40)


def posts(count: int, name: str = "n", **fields: Any) -> list[Activity]:
    """Posts of the half hour before ``NOW``, spread over it, each by an author of its own."""
    first, step = NOW - timedelta(minutes=LONG), timedelta(minutes=LONG) / max(count, 1)
    return [record(f"{name}{n}", first + n * step, **fields) for n in range(count)]


def baseline_of(records: Iterable[Activity]) -> Baseline:
    """What a brand has learnt of records, ten minutes at a time."""
    counts, baseline, upto = BrandCounts(), Baseline(), 0
    for activity in records:
        minute = minute_of(activity.at)
        if minute >= upto + 10:
            if upto:
                baseline.learn(counts.between(upto, minute), minute)
            upto = minute
        counts.add(activity)
    baseline.learn(counts.between(upto, upto + 10), upto + 10)
    return baseline


def window_of(records: Iterable[Activity]) -> Window:
    counts, now = BrandCounts(), minute_of(NOW)
    for activity in sorted(records, key=lambda activity: activity.at):
        counts.add(activity)
    return Window(counts.between(now - LONG, now), now)
