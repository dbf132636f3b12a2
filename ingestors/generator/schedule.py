"""The times of the posts of a generated day: the rhythm of each country, and one crisis.

Times are drawn in order from the curve of the day, without a list in memory. They scatter like
independent people (a Poisson process with a fixed count).
"""

import math
import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import accumulate
from typing import NamedTuple

from ingestors.generator.homes import HOMES, weight

STEPS = 1440
"""Steps of the day; each has its own rate."""
CRISIS_ONSET = 0.55
"""Start of the crisis, as a share of the day."""
CRISIS_PEAK = 2.0
"""Rate of the crisis at its peak, relative to the mean rate of ordinary posts."""
CRISIS_BUILDS = timedelta(minutes=40)
"""From the first posts to the peak; less on a short day."""
INFLUENCER, ARTICLE, APOLOGY = 0.45, 0.7, 1.1
"""Their times, in units of the time from onset to peak."""


class Moment(NamedTuple):
    """The time of one post, in milliseconds since the start, and its step."""

    offset_ms: int
    step: int


def rhythm(hour: float) -> float:
    """Rate at a local hour: minimum at 4, peaks at noon and at 20."""
    noon = math.exp(-(((hour - 12.5) / 3.5) ** 2))
    evening = math.exp(-(((hour - 20.0) / 2.5) ** 2))
    return 0.08 + 0.8 * noon + evening


def crisis_curve(x: float) -> float:
    """Strength of the crisis, 0 to 1, at ``x`` times the span from onset to peak."""
    if x <= 0:
        return 0.0
    if x < 1:
        return (math.exp(3.5 * x) - 1) / (math.exp(3.5) - 1)
    return 1.0 if x < 1.25 else math.exp(-(x - 1.25) / 1.5)


class Schedule:
    def __init__(self, start: datetime, duration: timedelta) -> None:
        self.duration_ms = duration // timedelta(milliseconds=1)
        self._builds = builds = min(CRISIS_BUILDS, duration * 0.15) / timedelta(milliseconds=1)
        self._onset = onset = CRISIS_ONSET * self.duration_ms
        self.influencer_ms = int(onset + INFLUENCER * builds)
        self.article_ms = int(onset + ARTICLE * builds)
        self.apology_ms = int(onset + APOLOGY * builds)
        self._width = self.duration_ms / STEPS
        first_hour = start.hour + start.minute / 60
        hours = [first_hour + step * self._width / 3_600_000 for step in range(STEPS)]
        weights = [(weight(home), home.ahead) for home in HOMES]
        offsets = {ahead for _, ahead in weights}
        self.homes: list[list[float]] = []
        """Accumulated weights of ``HOMES``, by step."""
        for hour in hours:
            rates_at = {ahead: rhythm((hour + ahead) % 24) for ahead in offsets}
            self.homes.append(list(accumulate(share * rates_at[ahead] for share, ahead in weights)))
        ordinary = [reached[-1] for reached in self.homes]
        top = CRISIS_PEAK * sum(ordinary) / STEPS
        crisis = [
            top * crisis_curve(((step + 0.5) * self._width - onset) / builds)
            for step in range(STEPS)
        ]
        rates = [normal + extra for normal, extra in zip(ordinary, crisis, strict=True)]
        self.crisis_share = [extra / rate for extra, rate in zip(crisis, rates, strict=True)]
        total = sum(rates)
        self._until = [reached / total for reached in accumulate(rates)]
        self._until[-1] = 1.0

    def crisis_progress(self, offset_ms: int) -> float:
        """Time since the onset, in units of the time from onset to peak."""
        return (offset_ms - self._onset) / self._builds

    def moments(self, posts: int, rng: random.Random) -> Iterator[Moment]:
        """So many moments in order: each is the minimum of the remaining ones."""
        reached, step, before = 0.0, 0, 0.0
        for left in range(posts, 0, -1):
            reached = 1 - (1 - reached) * rng.random() ** (1 / left)
            while reached > self._until[step]:
                before = self._until[step]
                step += 1
            within = (reached - before) / (self._until[step] - before)
            yield Moment(int((step + within) * self._width), step)
