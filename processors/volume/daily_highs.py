"""The highest volumes of each day, and how often a brand has had as much before.

Evidence says how far a volume is from what is expected. It cannot say whether the brand bursts
every other day: the tails of series differ, and one bar for all alerts on bursty ones. So the
highest sum of each window is kept for each of the last days, in counts. A volume is rare if at
least one window has reached it on few of these days: a brand that bursts in single minutes is
heard when an hour or a working day is beyond its own. Ranks need no model of a tail, and one giant
event is one day among thirty.

Deviations from expectation were tried in place of counts: they call a small burst at night rare.
"""

import numpy as np

from processors.volume.parameters import VolumeParameters
from processors.volume.seasonality import DAY_MINUTES, MIN_RATE, Flags, Floats, Indexes

ABSENT = -1.0
"""In place of a high or a minute: nothing was counted on that day."""
_DIGITS, _LEVEL_DIGITS = 2, 5
"""Decimals of a high and of a level; sums fade, and a snapshot is text."""
_DAYS_BEFORE = (1, 2, 3)
_WEEKS_BEFORE = (7, 14, 21, 28)
_FALLEN = 1.5
"""How many times higher a level was when its highs count for less."""
_REPEATS = 3
"""On all of the three days before, or in three of the four weeks before."""


class DailyHighs:
    """Highs of ``size`` brands: of today, and a ring of days before with 5 floats each.

    Rings are read with the brands first: few brands are looked up at a time, each over all days.
    """

    def __init__(self, parameters: VolumeParameters, size: int) -> None:
        self._parameters = parameters
        days, windows = parameters.high_days, len(parameters.windows)
        self._middle = windows // 2
        self.state: Floats = np.full((2 + windows + days * (windows + 2), size), ABSENT)
        """All numbers of the state, a row each; the fields are views of it."""
        rows = np.split(self.state, np.cumsum((1, windows, 1, days * windows, days)))
        self.day: Floats = rows[0][0]
        """The last day with counts, days since 1970."""
        self.high: Floats = rows[1]
        """The highest sum of each window on that day."""
        self.minute: Floats = rows[2][0]
        """The minute of that day at which the middle window was highest."""
        self.highs: Floats = rows[3].reshape(days, windows, size).transpose(2, 0, 1)
        """The same of the days before, each at its number modulo the number of days."""
        self.minutes: Floats = rows[4].T
        self.levels: Floats = rows[5].T
        """The brand's level at the end of the day."""

    def begin(self, levels: Floats, now: float, present: Flags) -> None:
        """Close the day before that of ``now`` (minutes since 1970), and forget the oldest."""
        today = int(now // DAY_MINUTES)
        new = np.flatnonzero(present & (self.day != today))
        if not len(new):
            return
        days = self.highs.shape[1]
        closed = new[self.day[new] >= 0]
        slots = self.day[closed].astype(np.intp) % days
        self.highs[closed, slots] = np.round(self.high[:, closed].T, _DIGITS)
        self.minutes[closed, slots] = self.minute[closed]
        self.levels[closed, slots] = np.round(levels[closed], _LEVEL_DIGITS)
        passed = today - self.day[new]
        for back in range(int(min(passed.max(), days))):
            stale = new[passed > back]
            for ring in (self.highs, self.minutes, self.levels):
                ring[stale, (today - back) % days] = ABSENT
        self.day[new] = today
        self.high[:, new] = ABSENT
        self.minute[new] = ABSENT

    def reached(
        self, sums: Floats, levels: Floats, now: float, brands: Indexes
    ) -> tuple[Floats, Floats]:
        """On how many of the days before today these brands have had these sums, and of how many.

        The first is that of the rarest window; a volume that comes at this hour every day, or every
        week, counts as reached on all days. Where the level of a brand has fallen since, the
        highs of before count for less. ``sums`` has the shape (windows, all brands).
        """
        highs, then = self.highs[brands], np.maximum(self.levels[brands], MIN_RATE)
        known = (highs[:, :, 0] > ABSENT).sum(axis=1).astype(np.float64)
        fallen = np.minimum(1.0, _FALLEN * levels[brands, None] / then)
        wanted = np.round(sums[:, brands].T, _DIGITS)
        had = highs * fallen[:, :, None] >= wanted[:, None, :]
        times = had.sum(axis=1).min(axis=1).astype(np.float64)
        middle = self._middle
        near = self._near(now, brands) & (
            highs[:, :, middle] >= self._parameters.repeat_share * wanted[:, middle, None]
        )
        return np.where(self._repeats(near, now), known, times), known

    def _near(self, now: float, brands: Indexes) -> Flags:
        """Which days were highest at this hour; shape (brands, days)."""
        apart = np.abs(self.minutes[brands] - now % DAY_MINUTES)
        apart = np.minimum(apart, DAY_MINUTES - apart)
        return np.asarray(apart <= self._parameters.repeat_minutes)

    def _repeats(self, near: Flags, now: float) -> Flags:
        """Whether the days before, or these days of the weeks before, had it at this hour."""
        days, today = near.shape[1], int(now // DAY_MINUTES)
        found = np.zeros(len(near), dtype=np.bool_)
        for lags in (_DAYS_BEFORE, _WEEKS_BEFORE):
            slots = [(today - back) % days for back in lags if back < days]
            found |= near[:, slots].sum(axis=1) >= _REPEATS
        return found

    def learn(self, sums: Floats, now: float, present: Flags) -> None:
        """Take in the sums, shape (windows, brands), of the day that ``begin`` opened."""
        higher = present & (sums > self.high)
        np.copyto(self.high, sums, where=higher)
        np.copyto(self.minute, now % DAY_MINUTES, where=higher[self._middle])
