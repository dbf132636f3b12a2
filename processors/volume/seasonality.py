"""The expected count of each brand: a level, times shares of the hour and of the weekday.

Everything is an array over brands, one column each. Counts are winsorised before they are learnt:
a crisis does not become the norm in a day, but a new level does within a week or two.
"""

from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from processors.volume.parameters import VolumeParameters

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Indexes = NDArray[np.intp]

HOURS, WEEKDAYS = 24, 7
MIN_RATE = 1e-3
"""Minimum level, in counts an interval: silence is rare, not impossible."""
DAY_MINUTES = 1440.0


class Moment:
    """The weekday of a time, and the two hours it lies between with their weights."""

    def __init__(self, at: datetime) -> None:
        minutes = at.hour * 60 + at.minute + at.second / 60
        position = minutes / 60 - 0.5  # The share of an hour is exact in its middle.
        before = int(np.floor(position))
        weight = position - before
        self.hours = ((before % HOURS, 1 - weight), ((before + 1) % HOURS, weight))
        self.weekday = at.weekday()


class Seasonality:
    """Level and shares of ``size`` brands; 2 + 2 * 24 + 2 * 7 floats each."""

    def __init__(self, parameters: VolumeParameters, size: int) -> None:
        self._parameters = parameters
        self.level: Floats = np.zeros(size)
        """Counts a minute, without the shares."""
        self.seen: Floats = np.zeros(size)
        self.hour_sums: Floats = np.zeros((HOURS, size))
        self.hour_weights: Floats = np.zeros((HOURS, size))
        self.day_sums: Floats = np.zeros((WEEKDAYS, size))
        self.day_weights: Floats = np.zeros((WEEKDAYS, size))

    def begin(self, counts: Floats, step: float, present: Flags) -> None:
        """The first count of a brand is its first level."""
        first = present & (self.seen == 0)
        np.copyto(self.level, np.maximum(counts, MIN_RATE) / step, where=first)

    def shares(self, moment: Moment) -> tuple[Floats, Floats]:
        """Factors of the hour and of the weekday, 1 without a history."""
        prior = self._parameters.season_prior_days
        hour = np.zeros_like(self.level)
        for index, weight in moment.hours:
            hour += weight * (self.hour_sums[index] + prior) / (self.hour_weights[index] + prior)
        weeks = self._parameters.week_prior_weeks
        day = moment.weekday
        week = (self.day_sums[day] + weeks) / (self.day_weights[day] + weeks)
        return np.maximum(hour, MIN_RATE), np.maximum(week, MIN_RATE)

    def expected(self, shares: tuple[Floats, Floats], step: float) -> Floats:
        """Counts to expect in an interval of ``step`` minutes; shape (brands,)."""
        return np.asarray(self.level * step * shares[0] * shares[1])

    def learn(
        self,
        counts: Floats,
        shares: tuple[Floats, Floats],
        moment: Moment,
        step: float,
        present: Flags,
    ) -> None:
        """Take in counts (winsorised by the caller) where they are present."""
        days = step / DAY_MINUTES
        self.seen += present
        hour, week = shares
        # The plain mean at first: no brand starts from its first count alone.
        pace = np.maximum(1 - 0.5 ** (days / self._parameters.level_days), 1 / (self.seen + 1))
        level = self.level * step
        level = np.maximum(level + pace * (counts / (hour * week) - level), MIN_RATE)
        np.copyto(self.level, level / step, where=present)

        def learn_share(
            sums: Floats, weights: Floats, ratio: Floats, weight: float, memory: float
        ) -> None:
            kept = np.exp(-weight / memory)
            np.copyto(sums, sums * kept + weight * ratio, where=present)
            np.copyto(weights, weights * kept + weight, where=present)

        ratio, memory = counts / (level * week), self._parameters.season_days
        for index, share in moment.hours:
            weight = share * min(1.0, HOURS * days)
            learn_share(self.hour_sums[index], self.hour_weights[index], ratio, weight, memory)
        ratio, memory = counts / (level * hour), self._parameters.week_days / WEEKDAYS
        day = moment.weekday
        learn_share(self.day_sums[day], self.day_weights[day], ratio, min(1.0, days), memory)
