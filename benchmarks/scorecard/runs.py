"""Runs the volume detector over labelled series, and replays its alerts with other bars.

The evidence does not depend on when an alert opens. So it is computed once per set of parameters,
and the opening of alerts, which only reads rows whose evidence passes half the bar, is replayed for
each bar.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from benchmarks.scorecard.nab import REWARD_LOW_FP, STANDARD, Tally, tally, together
from benchmarks.scorecard.series import Series
from processors.volume.detector import AlertGate, VolumeBank, minutes_of
from processors.volume.parameters import VolumeParameters


@dataclass(frozen=True, slots=True)
class Run:
    """Evidence of several series, one per column, and the alerts."""

    series: tuple[Series, ...]
    evidence: NDArray[np.float64]
    """Shape (rows of the longest, series)."""
    alerts: tuple[tuple[int, ...], ...]
    """Rows at which alerts open."""

    def tallies(self) -> list[Tally]:
        pairs = zip(self.series, self.alerts, strict=True)
        return [tally(series.labelled, alerts) for series, alerts in pairs]


def _longest(series: Sequence[Series]) -> tuple[datetime, ...]:
    times = max((each.times for each in series), key=len)
    if any(each.times != times[: len(each.times)] for each in series):
        raise ValueError("the series must begin together and have the same spacing")
    return times


def detect(series: Sequence[Series], parameters: VolumeParameters) -> Run:
    """Runs the detector over all series at once, with the same result as one by one."""
    times = _longest(series)
    counts = np.full((len(times), len(series)), np.nan)
    for column, each in enumerate(series):
        counts[: len(each.times), column] = each.counts
    bank = VolumeBank(len(series), parameters)
    evidence = np.zeros(counts.shape)
    alerts: list[list[int]] = [[] for _ in series]
    for row, at in enumerate(times):
        opened = bank.update_many(at, counts[row])[1]
        evidence[row] = bank.evidence
        for column in np.flatnonzero(opened).tolist():
            alerts[column].append(row)
    return Run(tuple(series), evidence, tuple(tuple(rows) for rows in alerts))


def reopen(run: Run, parameters: VolumeParameters) -> Run:
    """The alerts for the same evidence with other opening rules."""
    alerts = []
    for column, each in enumerate(run.series):
        opening = AlertGate(parameters, 1)
        opening.since[:] = minutes_of(each.times[0])
        weighty = np.flatnonzero(run.evidence[: len(each.times), column] > parameters.bar / 2)
        opened = []
        for row in weighty.tolist():
            evidence = run.evidence[row, column : column + 1]
            now = minutes_of(each.times[row])
            if opening.judge(evidence, now, np.ones(1, dtype=bool))[1][0]:
                opened.append(row)
        alerts.append(tuple(opened))
    return Run(run.series, run.evidence, tuple(alerts))


def merit(tallies: Sequence[Tally]) -> float:
    """The selection criterion: the mean of the standard and the reward-low-FP score."""
    whole = together(tallies)
    return (whole.score(STANDARD) + whole.score(REWARD_LOW_FP)) / 2


def leave_one_out(grid: Sequence[Sequence[Sequence[Tally]]]) -> list[tuple[int, int, Tally]]:
    """For each series, the outcome with the parameters that are best on the others.

    ``grid`` is [settings][bars][series]. The merit of a bar is the mean over it and its two
    neighbours on either side, which avoids a bar at the edge of a sharp drop. Returns the chosen
    setting and bar, and the outcome of the held-out series.
    """
    chosen = []
    for held in range(len(grid[0][0])):
        best, at = -np.inf, (0, 0)
        for setting, bars in enumerate(grid):
            merits = [merit([t for i, t in enumerate(one) if i != held]) for one in bars]
            smooth = np.convolve(np.pad(merits, 2, mode="edge"), np.full(5, 0.2), "valid")
            place = int(np.argmax(smooth))
            if smooth[place] > best:
                best, at = float(smooth[place]), (setting, place)
        chosen.append((*at, grid[at[0]][at[1]][held]))
    return chosen
