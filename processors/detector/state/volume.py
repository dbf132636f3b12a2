"""The expectations of a brand's three volumes, by the model of ``tocsin score-series``.

It learns hours and weekdays from the counts of every five minutes, once they have settled.
"""

from typing import Final

import numpy as np
from msgspec import Struct, field
from msgspec.structs import replace

from processors.detector.state.counts import time_of
from processors.detector.state.window import WindowTotals
from processors.volume.detector import VolumeBank, VolumeMemory

NAMES: Final = ("mentions", "authors", "discounted")
STEP: Final = 5
"""Minutes of one count."""
SETTLES: Final = 5
"""Minutes after which a count is final."""
KNOWN: Final = 288
"""Counts, a day of them, before its evidence counts."""
MAX_RECENT: Final = 9
"""Counts: those of half an hour, and of the minutes that settle after it."""
WEEKS: Final = 14 * 288
"""Counts before it knows the days of the week, and so expects better than `Baseline`."""


class VolumeBaselinesState(Struct, kw_only=True):
    """The snapshot of a brand's volumes."""

    memories: list[VolumeMemory] = field(default_factory=list)
    expected: list[float] = field(default_factory=lambda: [0.0] * len(NAMES))
    above: list[float] = field(default_factory=lambda: [0.0] * len(NAMES))
    """Evidence over the bar of its brand and volume."""
    counts: int = 0
    recent: list[list[float]] = field(default_factory=list)
    """The expectations of the last counts, oldest first; empty in older states."""
    last: int = 0
    """First minute of the newest count."""


class VolumeBaselines:
    def __init__(self, state: VolumeBaselinesState | None = None) -> None:
        self._state = state or VolumeBaselinesState()
        self._bank = VolumeBank(len(NAMES))
        for column, memory in enumerate(self._state.memories):
            self._bank.restore(column, memory)

    @property
    def is_known(self) -> bool:
        return self._state.counts > 0

    def snapshot(self) -> VolumeBaselinesState:
        columns = range(len(NAMES)) if self.is_known else ()
        return replace(self._state, memories=[self._bank.snapshot(column) for column in columns])

    def close(self, first: int, counted: WindowTotals) -> None:
        """Take the counts of the ``STEP`` minutes from ``first`` on."""
        values = np.array([float(getattr(counted, name)) for name in NAMES])
        self._bank.update_many(time_of(first), values)
        expected = self._bank.expected.tolist()
        follows = first == self._state.last + STEP
        self._state.recent = [*(self._state.recent if follows else ()), expected][-MAX_RECENT:]
        self._state.expected, self._state.last = expected, first
        self._state.above = (self._bank.evidence / self._bank.bars).tolist()
        self._state.counts += 1

    @property
    def knows_weeks(self) -> bool:
        """Whether it knows the days of the week."""
        return self._state.counts >= WEEKS

    def per_minute(self, name: str, minute: int) -> tuple[float, int]:
        """The expectation of a volume in a minute, and the minute that it is of.

        The nearest count's; the newest minutes have none yet.
        """
        state, column = self._state, NAMES.index(name)
        recent = state.recent or [state.expected]
        first = state.last - STEP * (len(recent) - 1)
        number = min(max((minute - first) // STEP, 0), len(recent) - 1)
        return recent[number][column] / STEP, first + number * STEP + STEP // 2

    def evidence(self, name: str) -> float:
        """How far the last counts were above expectation; 1 is the bar of an alert."""
        if self._state.counts < KNOWN:
            return 0.0
        return self._state.above[NAMES.index(name)]
