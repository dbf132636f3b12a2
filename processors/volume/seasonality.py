"""The expected count of each brand: a level, times shares of the hour and of the weekday.

Everything is an array over brands, one column each. Counts are winsorised before they are learnt:
a crisis does not become the norm in a day, but a new level does within a week or two.
"""

from datetime import datetime, timedelta

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
        self.state: Floats = np.zeros((2 + 2 * HOURS + 2 * WEEKDAYS, size))
        """All numbers of the state, a row each; the fields are views of it."""
        self.level: Floats = self.state[0]
        """Counts a minute, without the shares."""
        self.seen: Floats = self.state[1]
        hours = self.state[2 : 2 + 2 * HOURS].reshape(2, HOURS, size)
        days = self.state[2 + 2 * HOURS :].reshape(2, WEEKDAYS, size)
        self.hour_sums: Floats = hours[0]
        self.hour_weights: Floats = hours[1]
        self.day_sums: Floats = days[0]
        self.day_weights: Floats = days[1]

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


def expected_at_least(
    numbers: Floats, first: datetime, end: datetime, step: float, updates: int
) -> float:
    """The least that counts from ``first`` to ``end`` may be expected to be, of one brand.

    ``numbers``: a column of ``Seasonality.state``, at the start of a brand's numbers; they may have
    learnt ``updates`` more counts by then, whatever these are.
    """
    parameters, days = VolumeParameters(), step / DAY_MINUTES
    level, seen = float(numbers[0]), float(numbers[1])
    pace = max(1 - 0.5 ** (days / parameters.level_days), 1 / (seen + 1))
    hours = _shares_at_least(
        numbers[2:], HOURS, parameters.season_prior_days, parameters.season_days,
        min(1.0, HOURS * days) * updates,
    )  # fmt: skip
    week_days = _shares_at_least(
        numbers[2 + 2 * HOURS :], WEEKDAYS, parameters.week_prior_weeks,
        parameters.week_days / WEEKDAYS, min(1.0, days) * updates,
    )  # fmt: skip
    begun = first - timedelta(minutes=30)
    passed = int((end - begun).total_seconds() // 3600) + 2
    least_hour = min(hours[(begun.hour + hour) % HOURS] for hour in range(min(passed, HOURS)))
    least_day = min(week_days[first.weekday()], week_days[end.weekday()])
    if end - first >= timedelta(days=1):
        least_day = min(week_days)
    least: float = level * (1 - pace) ** updates * step * least_hour * least_day
    return least


def _shares_at_least(
    numbers: Floats, count: int, prior: float, memory: float, learnt: float
) -> list[float]:
    """The least that each share may be once a weight of ``learnt`` more is learnt."""
    sums, weights = numbers[:count], numbers[count : 2 * count]
    shares = (sums * np.exp(-learnt / memory) + prior) / (weights + learnt + prior)
    least: list[float] = shares.tolist()
    return least
