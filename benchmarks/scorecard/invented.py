"""False alarms on series without events, and recall of bursts planted in series of every volume."""

import numpy as np

from benchmarks.markdown import table
from benchmarks.scorecard.synthetic import Brand, quiet, times
from processors.volume.detector import VolumeBank

LEVELS = (0.1, 1.0, 10.0, 100.0, 1_000.0, 10_000.0)
DISPERSIONS = (0.0, 0.02, 0.1, 0.3)
WAVES = ((0.0, 0.0), (0.5, 0.2), (0.8, 0.5))
DAYS, MINUTES = 30, 5.0
BURSTS = (2.0, 3.0, 5.0, 10.0)
LENGTHS = (6, 24)
"""Length of a burst in rows: half an hour, two hours."""
EACH = 12
DISPERSION = 0.1


def false_alarms(seed: int = 1) -> dict[tuple[float, float], float]:
    """False alarms per brand-day by dispersion and level, on series without events."""
    brands = tuple(Brand(m, d, *w) for d in DISPERSIONS for m in LEVELS for w in WAVES)
    counts = quiet(brands, DAYS, MINUTES, np.random.default_rng(seed))
    bank, alarms = VolumeBank(len(brands)), np.zeros(len(brands))
    for at, row in zip(times(len(counts), MINUTES), counts, strict=True):
        alarms += bank.update_many(at, row)[1]
    found: dict[tuple[float, float], float] = {}
    for brand, alarm in zip(brands, alarms.tolist(), strict=True):
        key = (brand.dispersion, brand.level)
        found[key] = found.get(key, 0.0) + alarm / DAYS / len(WAVES)
    return found


def recall(seed: int = 2) -> dict[tuple[float, int, float], float]:
    """Share of planted bursts found by level, length (rows) and size (times the usual).

    Each brand has one burst, at a random time after two weeks; it is found if an alert opens during
    it.
    """
    rng = np.random.default_rng(seed)
    keys = [(m, n, b) for m in LEVELS for n in LENGTHS for b in BURSTS for _ in range(EACH)]
    brands = tuple(Brand(level, DISPERSION) for level, _, _ in keys)
    days = 21
    counts = quiet(brands, days, MINUTES, rng)
    starts = rng.integers(14 * 288, days * 288 - 24, len(keys))
    for column, ((level, rows, size), start) in enumerate(zip(keys, starts.tolist(), strict=True)):
        extra = rng.poisson(level * (size - 1), rows)
        counts[start : start + rows, column] += extra
    bank = VolumeBank(len(keys))
    hits: dict[tuple[float, int, float], float] = dict.fromkeys(keys, 0.0)
    for place, (at, row) in enumerate(zip(times(len(counts), MINUTES), counts, strict=True)):
        for column in np.flatnonzero(bank.update_many(at, row)[1]).tolist():
            key = keys[column]
            if starts[column] <= place < starts[column] + key[1]:
                hits[key] += 1 / EACH
    return hits


def lines() -> list[str]:
    alarms, found = false_alarms(), recall()
    quiet_rows = [[f"{d:g}", *(f"{alarms[d, level]:.3f}" for level in LEVELS)] for d in DISPERSIONS]
    bursts = [
        [f"{level:g}", *(f"{100 * found[level, n, b]:.0f}" for n in LENGTHS for b in BURSTS)]
        for level in LEVELS
    ]
    sizes = [f"times {b:g}, {n * MINUTES:.0f} min" for n in LENGTHS for b in BURSTS]
    return [
        "### On invented series",
        "",
        f"Negative binomial counts with days and weeks and no event ({DAYS} days, from none to "
        "strong waves): false alarms a brand-day, by dispersion and by mean count in 5 minutes.",
        "",
        *table(("dispersion", *(f"{level:g}" for level in LEVELS)), quiet_rows),
        f"Bursts laid over such series (dispersion {DISPERSION:g}, after two weeks): share found "
        "while they last, in %, by mean count in 5 minutes.",
        "",
        *table(("mean", *sizes), bursts),
    ]
