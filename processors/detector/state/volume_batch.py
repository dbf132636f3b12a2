"""Learns the counts of many brands together: one operation of NumPy for all of them.

A brand learns as if it were alone, since ``VolumeBank`` keeps its columns apart and a count that is
missing changes nothing.
"""

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np

from processors.detector.state.counts import time_of
from processors.detector.state.volume import NAMES, STEP, VolumeBaselines
from processors.volume.detector import VolumeBank

TOGETHER: Final = 128
"""Brands that learn together: more would not fit the caches, and hold the event loop."""


def learn_together(many: Iterable[VolumeBaselines]) -> None:
    """Learn the counts that wait."""
    waiting = [volumes for volumes in many if volumes.waiting]
    for volumes in waiting:
        if not volumes.is_regular:
            volumes.learn()
    # Brands with about as many counts together: a count that is missing costs as much.
    regular = sorted(
        (volumes for volumes in waiting if volumes.waiting), key=lambda volumes: volumes.waiting
    )
    for first in range(0, len(regular), TOGETHER):
        _learn(regular[first : first + TOGETHER])


def _learn(many: Sequence[VolumeBaselines]) -> None:
    known, counted = zip(*(volumes.known for volumes in many), strict=True)
    bank = VolumeBank(len(NAMES) * len(many))
    bank.set_state(np.concatenate(known), float(STEP), np.repeat(counted, len(NAMES)))
    waiting = [volumes.counts() for volumes in many]
    together = np.concatenate(waiting)
    places = np.repeat(np.arange(len(many)), list(map(len, waiting)))
    times, rows = np.unique(together[:, 0], return_inverse=True)
    counts = np.full((len(times), len(many), len(NAMES)), np.nan)
    counts[rows, places] = together[:, 1:]
    usual, above = np.empty_like(counts), np.empty_like(counts)
    for row, first in enumerate(times.tolist()):
        bank.update_many(time_of(int(first)), counts[row].ravel())
        usual[row] = bank.expected.reshape(len(many), -1)
        above[row] = (bank.evidence / bank.bars).reshape(len(many), -1)
    numbers = bank.state().reshape(len(many), len(NAMES), -1)
    for place, volumes in enumerate(many):
        mine = rows[places == place]
        volumes.learnt(numbers[place].copy(), bank.step, usual[mine, place], above[mine[-1], place])
