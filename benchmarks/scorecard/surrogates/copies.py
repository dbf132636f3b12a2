"""Copies of the labelled series: thinned, or with bursts added; their labels stay.

A thinned copy is the same brand at a smaller sample of the posts. A copy with bursts is a stand-in
for a bursty brand that nobody has seen. Some of its bursts exceed what the labels call unusual, so
that no detector finds all windows; it serves to compare detectors, not to predict a score.
"""

import zlib
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.scorecard.series import Series

Counts = NDArray[np.float64]
SHARES = (0.75, 0.5, 0.25)
"""Shares of the posts that are kept."""
EACH = 2
"""Copies of a kind and series."""
DAY = 288
_EPISODE = 72
"""Rows of a real episode: six hours."""


def _rng(*names: str, number: int) -> np.random.Generator:
    return np.random.default_rng([23, number, *(zlib.crc32(name.encode()) for name in names)])


def _with(series: Series, counts: NDArray[np.float64] | NDArray[np.int64]) -> Series:
    return Series(series.name, series.times, counts.astype(np.float64), series.labelled)


def thinned(series: Sequence[Series]) -> list[tuple[str, Series]]:
    """Each post kept with the same chance."""
    return [
        (
            f"{share:.0%} of the posts",
            _with(each, _rng(each.name, number=number).binomial(each.counts.astype(int), share)),
        )
        for share in SHARES
        for each in series
        for number in range(EACH)
    ]


def _smallest(counts: Counts) -> float:
    return 4 * max(float(counts.mean()), 1.0)


def _single(exponent: float) -> Callable[[Counts, np.random.Generator], None]:
    def add(counts: Counts, rng: np.random.Generator) -> None:
        rows = rng.integers(0, len(counts), rng.poisson(1.2 * len(counts) / DAY))
        sizes = np.minimum(rng.pareto(exponent, len(rows)) + 1, 50)
        np.add.at(counts, rows, rng.poisson(_smallest(counts) * sizes))

    return add


def _cascades(counts: Counts, rng: np.random.Generator) -> None:
    smallest = _smallest(counts)
    for row in rng.integers(0, len(counts) - 60, rng.poisson(0.8 * len(counts) / DAY)):
        size = 2 * smallest * min(rng.pareto(1.8) + 1, 30)
        length = rng.uniform(3, 18)
        counts[row : row + 60] += rng.poisson(1.5 * size / length * np.exp(-np.arange(60) / length))


def _daily(counts: Counts, rng: np.random.Generator) -> None:
    smallest = _smallest(counts)
    for day in range(len(counts) // DAY):
        row = int(day * DAY + (14 + rng.normal(0, 0.4)) * 12)
        if rng.random() < 0.8:
            size = smallest * rng.lognormal(0, 0.6) * np.exp(-np.arange(4))
            counts[row : row + 4] += rng.poisson(size[: len(counts) - row])


def _automata(counts: Counts, rng: np.random.Generator) -> None:
    """Several bursts a day on two days in five, at working hours."""
    smallest = _smallest(counts)
    for day in range(len(counts) // DAY):
        for _ in range(rng.poisson(5) if rng.random() < 0.4 else 0):
            row = int(day * DAY + rng.uniform(9, 22) * 12)
            counts[row] += rng.poisson(0.7 * smallest * rng.lognormal(0, 0.7))


ADDED: dict[str, Callable[[Counts, np.random.Generator], None]] = {
    "single bursts": _single(2.5),
    "single bursts, heavy": _single(1.3),
    "cascades": _cascades,
    "daily bursts": _daily,
    "automata": _automata,
}


def _episodes(series: Series) -> list[Counts]:
    """The dozen largest episodes of a series, in multiples of its mean."""
    counts = series.counts
    mean = max(float(counts.mean()), 0.3)
    hourly = np.convolve(counts, np.ones(6), "full")[: len(counts)]
    taken, found = np.zeros(len(counts), dtype=bool), []
    for row in np.argsort(-hourly):
        start = max(0, int(row) - 12)
        near = slice(max(0, int(row) - DAY // 2), int(row) + DAY // 2)
        if taken[near].any() or start + _EPISODE > len(counts):
            continue
        taken[near] = True
        found.append(np.maximum(counts[start : start + _EPISODE] / mean - 1.5, 0))
        if len(found) == 12:
            break
    return found


def _with_episodes(series: Series, others: Sequence[Series], number: int) -> Series:
    """Other brands' episodes, at a fifth to four fifths of their size, 0.7 a day."""
    rng = _rng("episodes", series.name, number=number)
    shapes = [shape for other in others for shape in _episodes(other)]
    counts = series.counts.copy()
    mean = max(float(counts.mean()), 0.3)
    for row in rng.integers(0, len(counts) - _EPISODE, rng.poisson(0.7 * len(counts) / DAY)):
        shape = shapes[int(rng.integers(len(shapes)))]
        counts[row : row + _EPISODE] += rng.poisson(shape * mean * rng.uniform(0.2, 0.8))
    return _with(series, counts)


def bursty(series: Sequence[Series]) -> list[tuple[str, Series]]:
    """Copies with added bursts, by kind."""
    found = []
    for each in series:
        for number in range(EACH):
            for name, add in ADDED.items():
                counts = each.counts.copy()
                add(counts, _rng(name, each.name, number=number))
                found.append((name, _with(each, counts)))
            others = [other for other in series if other is not each]
            if others:
                found.append(("others' episodes", _with_episodes(each, others, number)))
    return found
