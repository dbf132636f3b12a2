"""Streaming detectors of other libraries over the same series, at their best fixed threshold.

They score each count and do not decide when to alert. So each gets our rule of quiet (one alert
until the score has stayed below the threshold for six hours), and its threshold is chosen like
ours, on the other brands. Only installed libraries are run.
"""

import importlib
import importlib.util
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.machine import version_of
from benchmarks.scorecard.nab import Tally, tally
from benchmarks.scorecard.runs import leave_one_out
from benchmarks.scorecard.series import Series

Scores = NDArray[np.float64]
PACKAGE = "river"
QUIET_MINUTES = 360.0
THRESHOLDS = 40


def _river(module: str) -> Any:
    return importlib.import_module(f"{PACKAGE}.{module}")


def _gaussian(series: Series) -> Scores:
    anomaly = _river("anomaly")
    scorer = anomaly.GaussianScorer(window_size=int(7 * 1440 / series.minutes), grace_period=100)
    scores = np.zeros(len(series.counts))
    for row, count in enumerate(np.log1p(series.counts).tolist()):
        scores[row] = scorer.score_one(None, count)
        scorer.learn_one(None, count)
    return scores


def _half_space_trees(series: Series) -> Scores:
    anomaly, compose, preprocessing = (_river(x) for x in ("anomaly", "compose", "preprocessing"))
    trees = compose.Pipeline(
        preprocessing.MinMaxScaler(),
        anomaly.HalfSpaceTrees(n_trees=25, height=8, window_size=288, seed=1),
    )
    scores = np.zeros(len(series.counts))
    for row, (at, count) in enumerate(zip(series.times, series.counts.tolist(), strict=True)):
        features = {"count": float(np.log1p(count)), "hour": at.hour + at.minute / 60}
        scores[row] = trees.score_one(features)
        trees.learn_one(features)
    return scores


def _holt_winters(series: Series) -> Scores:
    time_series = _river("time_series")
    day = int(1440 / series.minutes)
    model = time_series.HoltWinters(alpha=0.05, beta=0.001, gamma=0.2, seasonality=day)
    scores, usual = np.zeros(len(series.counts)), 1.0
    for row, count in enumerate(np.log1p(series.counts).tolist()):
        if row > 2 * day:
            error = count - model.forecast(1)[0]
            scores[row] = error / usual
            usual += 0.001 * (min(abs(error), 5 * usual) - usual)
        model.learn_one(count)
    return scores


DETECTORS: tuple[tuple[str, Callable[[Series], Scores]], ...] = (
    ("GaussianScorer (a week, logarithms)", _gaussian),
    ("HalfSpaceTrees (count and hour)", _half_space_trees),
    ("HoltWinters (a day), error over its usual size", _holt_winters),
)


def alerts_of(scores: Scores, threshold: float, quiet_rows: float) -> list[int]:
    """Rows that pass the threshold after ``quiet_rows`` rows below it."""
    alerts, last = [], -np.inf
    for row in np.flatnonzero(scores > threshold).tolist():
        if row - last > quiet_rows:
            alerts.append(row)
        last = row
    return alerts


def compare(series: Sequence[Series]) -> tuple[list[tuple[str, list[Tally]]], str]:
    """Held-out outcomes of each detector, and a line that names them."""
    if importlib.util.find_spec(PACKAGE) is None:
        return [], f"{PACKAGE} is not installed here: nothing to compare with."
    rows = []
    for name, detector in DETECTORS:
        scores = [detector(each) for each in series]
        pooled = np.sort(
            np.concatenate([s[e.labelled.probation :] for s, e in zip(scores, series, strict=True)])
        )
        # From one row in twenty to one in ten thousand, in logarithmic steps.
        shares = np.geomspace(0.05, 1e-4, THRESHOLDS)
        bars = np.quantile(pooled, 1 - shares)
        grid = [
            [
                tally(each.labelled, alerts_of(s, float(bar), QUIET_MINUTES / each.minutes))
                for s, each in zip(scores, series, strict=True)
            ]
            for bar in bars
        ]
        rows.append((f"{PACKAGE} {name}", [held for _, _, held in leave_one_out([grid])]))
    return rows, f"{PACKAGE} {version_of(PACKAGE)}, thresholds chosen like ours."
