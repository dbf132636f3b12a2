"""Cost of the volume detector: updates per second on one core, and bytes per brand."""

import time
from dataclasses import dataclass
from datetime import timedelta

import msgspec
import numpy as np

from benchmarks.scorecard.synthetic import START
from processors.volume.detector import VolumeBank

TICKS = 20


@dataclass(frozen=True, slots=True)
class Speed:
    """The speed at one number of brands."""

    brands: int
    a_second: float
    """Counts read a second of processor time."""
    bytes_a_brand: int
    """In memory."""
    snapshot_bytes: int
    """Of one brand's memory as JSON."""


def measure(brands: int, ticks: int = TICKS) -> Speed:
    """Sends counts of a minute repeatedly through one bank."""
    rng = np.random.default_rng(1)
    counts = rng.poisson(rng.gamma(0.5, 6.0, brands), (ticks, brands)).astype(np.float64)
    bank = VolumeBank(brands)
    bank.update_many(START, counts[0])
    begun = time.process_time()
    for tick in range(ticks):
        bank.update_many(START + timedelta(minutes=tick + 1), counts[tick])
    took = time.process_time() - begun
    memory = bank.snapshot(0)
    size = 8 * (len(memory.floats) + 3)
    return Speed(brands, ticks * brands / took, size, len(msgspec.json.encode(memory)))
