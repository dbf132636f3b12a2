"""Series in which nothing new happens, of twelve kinds: light and heavy tails, bursts, rhythms.

Each kind is generated at four levels. All have a daily wave and quieter weekends. What a kind does
again and again (bursts, cascades, a daily contest) is part of it, so each alert is a false one.
"""

import zlib
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from benchmarks.scorecard.nab import Labelled
from benchmarks.scorecard.series import Series
from benchmarks.scorecard.synthetic import Brand, times

Counts = NDArray[np.float64]
Kind = Callable[[Counts, np.random.Generator], Counts]
"""From the means of each five minutes, shape (rows,), to counts."""

LEVELS = (0.4, 3.0, 20.0, 60.0)
"""Mean counts in five minutes."""
DAYS, MINUTES, DAY = 90, 5.0, 288
FIRST_DAYS = 10
"""Alerts of these days are not counted."""
BURST_DAYS = 1 / 1.2
"""Days between two single bursts."""
MAX_BURST = 80.0
"""A burst is at most so many times the smallest one."""


def _negative_binomial(dispersion: float) -> Kind:
    def kind(mean: Counts, rng: np.random.Generator) -> Counts:
        rates = rng.gamma(1 / dispersion, dispersion, mean.shape)
        return np.asarray(rng.poisson(mean * rates), dtype=np.float64)

    return kind


def _wandering_level(mean: Counts, rng: np.random.Generator) -> Counts:
    """A level that strays for hours (Ornstein and Uhlenbeck)."""
    kept = np.exp(-MINUTES / 480)
    steps = rng.normal(0, np.sqrt(1 - kept * kept), len(mean)).tolist()
    place, path = 0.0, []
    for step in steps:
        place = kept * place + step
        path.append(place)
    return _negative_binomial(0.05)(mean * np.exp(0.4 * np.array(path) - 0.08), rng)


def _hawkes(branching: float) -> Kind:
    """Posts that call forth posts within the hour, each so many on average."""

    def kind(mean: Counts, rng: np.random.Generator) -> Counts:
        fade, extra, counts = np.exp(-5 / 60), 0.0, []
        for rate in mean.tolist():
            count = rng.poisson(rate * (1 - branching) + extra)
            extra = min(extra * fade + branching * (1 - fade) * count, 1e5)
            counts.append(count)
        return np.array(counts, dtype=np.float64)

    return kind


def _sizes(mean: Counts, exponent: float, number: int, rng: np.random.Generator) -> Counts:
    """Posts of bursts, with a power law's tail."""
    smallest = 4 * max(float(mean.mean()), 1.0)
    return np.asarray(smallest * np.minimum(rng.pareto(exponent, number) + 1, MAX_BURST))


def single_bursts(exponent: float) -> Kind:
    """Bursts of five minutes, 1.2 a day."""

    def kind(mean: Counts, rng: np.random.Generator) -> Counts:
        counts = _negative_binomial(0.1)(mean, rng)
        rows = rng.integers(0, len(mean), rng.poisson(len(mean) / DAY / BURST_DAYS))
        np.add.at(counts, rows, rng.poisson(_sizes(mean, exponent, len(rows), rng)))
        return counts

    return kind


def cascades(exponent: float) -> Kind:
    """Bursts that fade within some hours, 0.8 a day."""

    def kind(mean: Counts, rng: np.random.Generator) -> Counts:
        counts = _negative_binomial(0.1)(mean, rng)
        rows = rng.integers(0, len(mean) - 60, rng.poisson(0.8 * len(mean) / DAY))
        for row, size in zip(rows, 2 * _sizes(mean, exponent, len(rows), rng), strict=True):
            length = rng.uniform(3, 18)
            fading = np.exp(-np.arange(60) / length)
            counts[row : row + 60] += rng.poisson(size / length * fading)
        return counts

    return kind


def _log_normal(mean: Counts, rng: np.random.Generator) -> Counts:
    return np.asarray(rng.poisson(mean * rng.lognormal(-0.5, 1.0, len(mean))), dtype=np.float64)


def _daily_contest(mean: Counts, rng: np.random.Generator) -> Counts:
    counts = _negative_binomial(0.1)(mean, rng)
    size = 8 * max(float(mean.mean()), 1.0)
    for day in range(len(mean) // DAY):
        row = int(day * DAY + (18 + rng.normal(0, 0.2)) * 12)
        fading = np.exp(-np.arange(6) / 2)
        counts[row : row + 6] += rng.poisson(size * rng.lognormal(0, 0.5) * fading)
    return counts


def _level_shifts(mean: Counts, rng: np.random.Generator) -> Counts:
    """A new level for good, every twelve days."""
    steps = (rng.random(len(mean)) < 1 / (12 * DAY)) * rng.normal(0, 0.5, len(mean))
    levels = np.clip(np.exp(np.cumsum(steps)), 0.1, 10)
    return _negative_binomial(0.1)(mean * levels, rng)


KINDS: dict[str, Kind] = {
    "negative binomial, 0.02": _negative_binomial(0.02),
    "negative binomial, 0.3": _negative_binomial(0.3),
    "wandering level": _wandering_level,
    "self-exciting, 0.6": _hawkes(0.6),
    "self-exciting, 0.9": _hawkes(0.9),
    "single bursts, exponent 2.5": single_bursts(2.5),
    "single bursts, exponent 1.3": single_bursts(1.3),
    "cascades, exponent 2.5": cascades(2.5),
    "cascades, exponent 1.3": cascades(1.3),
    "log-normal": _log_normal,
    "daily contest": _daily_contest,
    "level shifts": _level_shifts,
}


def _mean(level: float, rows: int) -> Counts:
    hours = np.arange(rows) / 12
    brand = Brand(level)
    wave = 1 + brand.daily * np.sin(2 * np.pi * (hours - 9) / 24)
    return np.asarray(level * wave * (1 - brand.weekly * ((hours // 24) % 7 >= 5)))


def null_series() -> list[tuple[str, Series]]:
    """Each kind at each level, without windows."""
    rows = DAYS * DAY
    moments = tuple(times(rows, MINUTES))
    found = []
    for name, kind in KINDS.items():
        for number, level in enumerate(LEVELS):
            # The built-in hash of a text differs between runs.
            rng = np.random.default_rng([17, number, zlib.crc32(name.encode())])
            counts = kind(_mean(level, rows), rng)
            found.append((name, Series(f"{name} {level:g}", moments, counts, Labelled(rows, ()))))
    return found


def planted(series: Series, apart: int = 9, times_busiest: float = 1.5) -> Series:
    """The series with an event of an hour every so many days; windows are the two hours from it.

    An event has 1.5 times the posts of the busiest hour of the ten days before it.
    """
    rng = np.random.default_rng([19, zlib.crc32(series.name.encode())])
    counts, windows = series.counts.copy(), []
    for day in range(14, len(counts) // DAY - 1, apart):
        row = day * DAY + int(rng.integers(0, 200))
        busiest = np.convolve(series.counts[row - 10 * DAY : row], np.ones(12), "valid").max()
        counts[row : row + 12] += rng.poisson(max(times_busiest * busiest, 12) / 12, 12)
        windows.append((row, row + 24))
    return Series(series.name, series.times, counts, Labelled(len(counts), tuple(windows)))
