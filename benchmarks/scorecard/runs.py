"""Runs the volume detector over labelled series, and replays its alerts with other bars.

The evidence does not depend on when an alert opens, nor does how often a brand has had a volume. So
both are computed once per set of parameters, and the opening of alerts, which only reads rows whose
evidence passes half the bar, is replayed for each bar.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from benchmarks.scorecard.nab import REWARD_LOW_FP, STANDARD, Tally, tally, together
from benchmarks.scorecard.series import Series
from processors.volume.alert_gate import AlertGate, bar_for
from processors.volume.detector import VolumeBank, minutes_of
from processors.volume.parameters import VolumeParameters


@dataclass(frozen=True, slots=True)
class Run:
    """Evidence of several series, one per column, and the alerts."""

    series: tuple[Series, ...]
    parameters: VolumeParameters
    evidence: NDArray[np.float64]
    """Shape (rows of the longest, series)."""
    had: NDArray[np.float64]
    """On how many days the brand has had the volume, where evidence passes half the lowest bar."""
    days: NDArray[np.float64]
    """Of how many days."""
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
    evidence, had, days = (np.zeros(counts.shape) for _ in range(3))
    alerts: list[list[int]] = [[] for _ in series]
    for row, at in enumerate(times):
        opened = bank.update_many(at, counts[row])[1]
        evidence[row], had[row], days[row] = bank.evidence, bank.times, bank.days
        for column in np.flatnonzero(opened).tolist():
            alerts[column].append(row)
    opened_rows = tuple(tuple(rows) for rows in alerts)
    return Run(tuple(series), bank.parameters, evidence, had, days, opened_rows)


def reopen(run: Run, parameters: VolumeParameters) -> Run:
    """The alerts for the same evidence with other opening rules.

    Raises ``ValueError`` for a bar below half of the run's: what is below was not compared.
    """
    if parameters.lowest_bar < run.parameters.lowest_bar / 2:
        raise ValueError("the bar is below half of the one that the evidence was computed for")
    present = np.ones(1, dtype=bool)
    alerts = []
    for column, each in enumerate(run.series):
        opening = AlertGate(parameters, 1)
        opening.since[:] = minutes_of(each.times[0])
        evidence = run.evidence[: len(each.times), column]
        weighty = np.flatnonzero(evidence > parameters.lowest_bar / 2)
        bar = bar_for(parameters, run.had[weighty, column], run.days[weighty, column])
        opened = []
        for place, row in enumerate(weighty.tolist()):
            now = minutes_of(each.times[row])
            one = bar[place : place + 1]
            if opening.judge(evidence[row : row + 1], one, now, present)[1][0]:
                opened.append(row)
        alerts.append(tuple(opened))
    return Run(run.series, parameters, run.evidence, run.had, run.days, tuple(alerts))


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
