"""What count to expect of each brand now: a level, times shares of the hour and of the weekday.

Everything is an array over brands, one column each, so that one brand and a hundred thousand are
one piece of code with one result. A count beyond what is usual moves the baseline only so far as
the largest usual one would (winsorised), so that a crisis does not become the norm in a day, and
a new level does within a week or two.
"""

from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from processors.volume.parameters import VolumeParameters

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

HOURS, WEEKDAYS = 24, 7
MIN_RATE = 1e-3
"""Least level, in counts an interval: silence is rare, not impossible."""
DAY_MINUTES = 1440.0


class Moment:
    """Where a time lies in the day and in the week, and the two hours it lies between."""

    def __init__(self, at: datetime) -> None:
        minutes = at.hour * 60 + at.minute + at.second / 60
        position = minutes / 60 - 0.5  # The middle of an hour is where its share is exact.
        before = int(np.floor(position))
        part = position - before
        self.hours = ((before % HOURS, 1 - part), ((before + 1) % HOURS, part))
        self.weekday = at.weekday()


class Seasonality:
    """Level and shares of ``size`` brands; 2 + 2 * 24 + 2 * 7 floats each."""

    def __init__(self, parameters: VolumeParameters, size: int) -> None:
        self._parameters = parameters
        self.level: Floats = np.zeros(size)
        """Counts a minute, without the shares."""
        self.seen: Floats = np.zeros(size)
        """Counts read so far."""
        self.hour_sums: Floats = np.zeros((HOURS, size))
        self.hour_weights: Floats = np.zeros((HOURS, size))
        self.day_sums: Floats = np.zeros((WEEKDAYS, size))
        self.day_weights: Floats = np.zeros((WEEKDAYS, size))

    def begin(self, counts: Floats, step: float, present: Flags) -> None:
        """The first count of a brand is its first level."""
        first = present & (self.seen == 0)
        np.copyto(self.level, np.maximum(counts, MIN_RATE) / step, where=first)

    def shares(self, moment: Moment) -> tuple[Floats, Floats]:
        """Factors of the hour and of the weekday, 1 where nothing is known."""
        prior = self._parameters.season_prior_days
        hour = np.zeros_like(self.level)
        for index, part in moment.hours:
            hour += part * (self.hour_sums[index] + prior) / (self.hour_weights[index] + prior)
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
        # The plain mean until the half-life says less: no brand starts from its first count alone.
        pace = np.maximum(1 - 0.5 ** (days / self._parameters.level_days), 1 / (self.seen + 1))
        level = self.level * step
        level = np.maximum(level + pace * (counts / (hour * week) - level), MIN_RATE)
        np.copyto(self.level, level / step, where=present)
        for index, part in moment.hours:
            weight = part * min(1.0, HOURS * days)
            self._remember(
                self.hour_sums[index],
                self.hour_weights[index],
                counts / (level * week),
                (weight, self._parameters.season_days),
                present,
            )
        self._remember(
            self.day_sums[moment.weekday],
            self.day_weights[moment.weekday],
            counts / (level * hour),
            (min(1.0, days), self._parameters.week_days / WEEKDAYS),
            present,
        )

    @staticmethod
    def _remember(
        sums: Floats, weights: Floats, ratio: Floats, pace: tuple[float, float], present: Flags
    ) -> None:
        weight, memory = pace
        kept = np.exp(-weight / memory)
        np.copyto(sums, sums * kept + weight * ratio, where=present)
        np.copyto(weights, weights * kept + weight, where=present)
