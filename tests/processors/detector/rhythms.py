"""Brands with hours: mentions of weeks by a rate for each minute, the same for the same seed."""

import random
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from math import exp
from typing import Any
from zoneinfo import ZoneInfo

from processors.detector.backtest import BacktestAlert, backtest_alerts, replay
from schemas.activity import Activity
from schemas.brand import AlertPolicy, Brand
from schemas.types import SentimentLabel
from tests.processors.detector.storms import record, said

Rate = Callable[[datetime], float]
"""Mentions an hour at a time."""


def poisson(mean: float, pick: random.Random) -> int:
    limit, count, product = exp(-mean), 0, pick.random()
    while product > limit:
        count += 1
        product *= pick.random()
    return count


def mentions(
    first: datetime,
    days: float,
    rate: Rate,
    negative: float,
    seed: int = 11,
    **fields: Any,
) -> Iterator[Activity]:
    """Mentions of each minute; a share of them ``negative``, by authors of their own."""
    pick = random.Random(f"{seed} {first}")
    for minute in range(round(days * 24 * 60)):
        at = first + timedelta(minutes=minute)
        for number in range(poisson(rate(at) / 60, pick)):
            label: SentimentLabel = "negative" if pick.random() < negative else "neutral"
            moment = at + timedelta(seconds=60 * pick.random())
            given = {"author": f"{pick.randrange(10**6):016}", "account_age_days": 900, **fields}
            yield record(f"{seed}-{minute}-{number}", moment, **said(label), **given)


def opening_hours(
    per_hour: float, opens: float, closes: float, zone: str, ramp: float = 0, night: float = 0.05
) -> Rate:
    """The hours of a shop; it takes ``ramp`` hours to fill, and as many to empty."""

    def rate(at: datetime) -> float:
        local = at.astimezone(ZoneInfo(zone))
        hour = local.hour + local.minute / 60
        if ramp:
            inside = max(0.0, min(1.0, (hour - opens) / ramp, (closes - hour) / ramp))
        else:
            inside = float(opens <= hour < closes)
        return per_hour * (night + (1 - night) * inside)

    return rate


def alerts_of(records: list[Activity], policy: AlertPolicy | None = None) -> list[BacktestAlert]:
    brand = Brand(id="velmora", name="Velmora", alerts=policy or AlertPolicy())
    return backtest_alerts(replay(records, [brand]))
