"""When the posts of a generated day are written: the rhythm of each language, and one crisis.

Moments are drawn one after the other from the curve of the whole day, without holding them: they
scatter as independent people do (a Poisson process with a fixed count), not evenly.
"""

import math
import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import accumulate
from typing import NamedTuple

STEPS = 1440
"""The day is cut into so many steps, each with a rate of its own."""
LANGUAGES: dict[str, tuple[float, float]] = {
    "en": (0.34, -2.0),
    "fr": (0.30, 1.0),
    "es": (0.09, 1.0),
    "de": (0.08, 1.0),
    "it": (0.06, 1.0),
    "pt": (0.06, -3.0),
    "ar": (0.04, 3.0),
    "hi": (0.03, 5.5),
}
"""Share of each language, and how far its people's clocks are ahead of UTC, hours."""
CRISIS_ONSET = 0.55
"""Where in the day the crisis begins, as a share of it."""
CRISIS_PEAK = 2.0
"""Posts of the crisis at its peak, for each ordinary post of an average minute."""
CRISIS_BUILDS = timedelta(minutes=40)
"""From the first posts to the peak (less where the day is cut short)."""
INFLUENCER, ARTICLE, APOLOGY = 0.45, 0.7, 1.1
"""When they come, in units of the time from onset to peak."""


class Moment(NamedTuple):
    """When one post is written, in milliseconds since the start, and in which step."""

    offset_ms: int
    step: int


def rhythm(hour: float) -> float:
    """How much is written at an hour of the local day: asleep at 4, busy at noon and at 20."""
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
    """The rates of one day."""

    def __init__(self, start: datetime, duration: timedelta) -> None:
        self.duration_ms = duration // timedelta(milliseconds=1)
        builds = min(CRISIS_BUILDS, duration * 0.15) / timedelta(milliseconds=1)
        onset = CRISIS_ONSET * self.duration_ms
        self.influencer_ms = int(onset + INFLUENCER * builds)
        self.article_ms = int(onset + ARTICLE * builds)
        self.apology_ms = int(onset + APOLOGY * builds)
        self._width = self.duration_ms / STEPS
        first_hour = start.hour + start.minute / 60
        hours = [first_hour + step * self._width / 3_600_000 for step in range(STEPS)]
        self._languages = [
            list(
                accumulate(
                    share * rhythm((hour + ahead) % 24) for share, ahead in LANGUAGES.values()
                )
            )
            for hour in hours
        ]
        ordinary = [weights[-1] for weights in self._languages]
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

    def language_weights(self, step: int) -> list[float]:
        """Accumulated weights of ``LANGUAGES`` at a step."""
        return self._languages[step]

    def moments(self, posts: int, rng: random.Random) -> Iterator[Moment]:
        """So many moments, in order: each is the least of those that are still to come."""
        reached, step, before = 0.0, 0, 0.0
        for left in range(posts, 0, -1):
            reached = 1 - (1 - reached) * rng.random() ** (1 / left)
            while reached > self._until[step]:
                before = self._until[step]
                step += 1
            within = (reached - before) / (self._until[step] - before)
            yield Moment(int((step + within) * self._width), step)
