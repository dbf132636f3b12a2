"""Scores and their uncertainty, as pure functions over counts.

Every score is a function of a confusion matrix: truth (rows) by guess (columns, the last one for
guesses outside the classes). A bootstrap resample is then one draw from a multinomial distribution,
so a thousand resamples cost milliseconds. Seeds are fixed: the same counts give the same interval.
"""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

RESAMPLES: Final = 1_000
SEED: Final = 20261122
BINS: Final = 10

Counts = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Metric = Callable[[Counts], Floats]
"""From tables, (..., classes, classes + 1), to one score each, 0 to 1."""


class Interval(NamedTuple):
    """A score in percent with the middle 95 % of its resamples."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        if np.isnan(self.value):
            return "–"
        return f"{self.value:.1f} ({self.low:.1f}–{self.high:.1f})"


class Bin(NamedTuple):
    """Posts whose confidence is between two bounds."""

    low: float
    high: float
    posts: int
    confidence: float
    """Its mean."""
    accuracy: float


def confusion(truth: Sequence[str], guesses: Sequence[str], classes: Sequence[str]) -> Counts:
    """Truth by guess; guesses outside the classes go to the last column."""
    place = {name: number for number, name in enumerate(classes)}
    table = np.zeros((len(classes), len(classes) + 1), np.int64)
    rows = [place[name] for name in truth]
    columns = [place.get(name, len(classes)) for name in guesses]
    if len(rows) != len(columns):
        raise ValueError("every post needs one guess")
    np.add.at(table, (rows, columns), 1)
    return table


def accuracy(tables: Counts) -> Floats:
    """Share of correct posts."""
    right = np.trace(tables[..., :-1], axis1=-2, axis2=-1)
    return _share(right, tables.sum((-2, -1)))


def recalls(tables: Counts) -> Floats:
    """Recall of each class; NaN for a class without true posts."""
    return _share(np.diagonal(tables[..., :-1], axis1=-2, axis2=-1), tables.sum(-1))


def f1s(tables: Counts) -> Floats:
    """F1 of each class; NaN for a class without true posts and guesses."""
    right = np.diagonal(tables[..., :-1], axis1=-2, axis2=-1)
    return _share(2 * right, tables.sum(-1) + tables[..., :-1].sum(-2))


def macro_recall(tables: Counts) -> Floats:
    """Unweighted mean of the classes' recalls."""
    return _mean(recalls(tables))


def macro_f1(tables: Counts) -> Floats:
    """Unweighted mean of the classes' F1."""
    return _mean(f1s(tables))


def f1_of(position: int) -> Metric:
    def metric(tables: Counts) -> Floats:
        scores: Floats = np.nan_to_num(f1s(tables)[..., position])
        return scores

    return metric


def bootstrap(tables: Sequence[Counts], metric: Metric) -> Interval:
    """The mean of the metric over tables (strata, mostly one), each resampled separately."""
    tables = [table for table in tables if table.sum()]
    if not tables:
        return Interval(np.nan, np.nan, np.nan)
    generator = np.random.default_rng(SEED)
    samples = np.zeros(RESAMPLES)
    for table in tables:
        drawn = generator.multinomial(int(table.sum()), (table / table.sum()).ravel(), RESAMPLES)
        samples += metric(drawn.reshape(RESAMPLES, *table.shape)) / len(tables)
    value = sum(float(metric(table)) for table in tables) / len(tables)
    return _interval(value, samples)


Span = tuple[int, int, str]
"""Start, end and label of an entity."""


def span_counts(found: Sequence[set[Span]], gold: Sequence[set[Span]]) -> Counts:
    """Per post: numbers of exact, predicted and true spans."""
    rows = [(len(a & b), len(a), len(b)) for a, b in zip(found, gold, strict=True)]
    return np.array(rows, np.int64).reshape(-1, 3)


def span_f1(sums: Counts) -> Floats:
    """F1 from (..., 3) sums of :func:`span_counts`."""
    return np.nan_to_num(_share(2 * sums[..., 0], sums[..., 1] + sums[..., 2]))


def bootstrap_spans(counts: Counts) -> Interval:
    """F1 of exact spans, resampled by post."""
    if not len(counts):
        return Interval(np.nan, np.nan, np.nan)
    generator = np.random.default_rng(SEED)
    times = generator.multinomial(len(counts), np.full(len(counts), 1 / len(counts)), RESAMPLES)
    return _interval(float(span_f1(counts.sum(0))), span_f1(times @ counts))


def reliability(confidences: Sequence[float], right: Sequence[bool]) -> list[Bin]:
    """Accuracy by confidence, in bins of equal width without the empty ones."""
    sure, is_right = np.asarray(confidences, float), np.asarray(right, float)
    places = np.minimum((sure * BINS).astype(int), BINS - 1)
    bins = []
    for number in range(BINS):
        inside = places == number
        if inside.any():
            bins.append(
                Bin(
                    number / BINS,
                    (number + 1) / BINS,
                    int(inside.sum()),
                    float(sure[inside].mean()),
                    float(is_right[inside].mean()),
                )
            )
    return bins


def calibration_error(bins: Sequence[Bin]) -> float:
    """Expected calibration error: the mean gap of the bins, weighted by their posts."""
    posts = sum(one.posts for one in bins)
    gaps = sum(one.posts * abs(one.confidence - one.accuracy) for one in bins)
    return gaps / posts if posts else float("nan")


def _interval(value: float, samples: Floats) -> Interval:
    low, high = np.nanpercentile(samples, (2.5, 97.5))
    return Interval(100 * value, 100 * float(low), 100 * float(high))


def _share(part: Counts, whole: Counts) -> Floats:
    """Quotient; NaN where the whole is 0."""
    empty = np.full(np.broadcast(part, whole).shape, np.nan)
    shares: Floats = np.divide(part, whole, out=empty, where=np.asarray(whole) > 0)
    return shares


def _mean(scores: Floats) -> Floats:
    """The mean over the last axis without NaN."""
    known = ~np.isnan(scores)
    return np.nan_to_num(_share(np.where(known, scores, 0).sum(-1), known.sum(-1)))
