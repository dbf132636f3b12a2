"""Invented series: counts with daily and weekly seasonality, and planted bursts."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

START = datetime(2024, 1, 1, tzinfo=UTC)
"""A Monday."""


@dataclass(frozen=True, slots=True)
class Brand:
    """A brand's level and dispersion without events."""

    level: float
    """Mean count in 5 minutes."""
    dispersion: float = 0.0
    """Variance beyond Poisson's, as a share of the mean squared."""
    daily: float = 0.5
    """Height of the day's wave, as a share of the mean."""
    weekly: float = 0.2
    """By how much less is said on a weekend day, as a share."""


def quiet(
    brands: tuple[Brand, ...], days: int, minutes: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Counts without events; shape (rows, brands), one row every ``minutes`` minutes."""
    rows = int(days * 1440 / minutes)
    hours = np.arange(rows) * minutes / 60
    wave = np.sin(2 * np.pi * (hours - 9) / 24)[:, None]
    weekend = ((hours // 24) % 7 >= 5)[:, None]
    level = np.array([brand.level for brand in brands]) * minutes / 5
    mean = level * (1 + np.array([b.daily for b in brands]) * wave)
    mean = mean * (1 - np.array([b.weekly for b in brands]) * weekend)
    spread = np.array([b.dispersion for b in brands])
    shape = 1 / np.maximum(spread, 1e-9)
    rate = mean
    if np.any(spread > 0):
        gamma = rng.gamma(np.broadcast_to(np.minimum(shape, 1e6), mean.shape))
        rate = np.where(spread > 0, mean * gamma / shape, mean)
    return np.asarray(rng.poisson(rate), dtype=np.float64)


def times(rows: int, minutes: float) -> list[datetime]:
    return [START + timedelta(minutes=minutes * row) for row in range(rows)]
