"""What is to be expected of a brand's three volumes, by the model of ``tocsin score-series``.

It gets the counts of every five minutes, once these can hardly change any more. Hours and weekdays
are its business; the minutes since are held against what it expects.
"""

from typing import Final

import numpy as np
from msgspec import Struct, field

from processors.detector.state.counts import time_of
from processors.detector.state.window import WindowTotals
from processors.volume.detector import VolumeBank, VolumeMemory

NAMES: Final = ("mentions", "authors", "discounted")
STEP: Final = 5
"""Minutes of one count."""
SETTLES: Final = 5
"""Minutes after which a count is taken for final."""
KNOWN: Final = 288
"""Counts, a day of them, before its evidence is believed."""
WEEKS: Final = 14 * 288
"""Counts before it knows the days of the week, which is what it expects better than `Baseline`."""


class VolumeBaselinesState(Struct, kw_only=True):
    """All of it, for JSON."""

    memories: list[VolumeMemory] = field(default_factory=list)
    expected: list[float] = field(default_factory=lambda: [0.0] * len(NAMES))
    evidence: list[float] = field(default_factory=lambda: [0.0] * len(NAMES))
    counts: int = 0


class VolumeBaselines:
    """The volumes of one brand."""

    def __init__(self, state: VolumeBaselinesState | None = None) -> None:
        state = state or VolumeBaselinesState()
        self._bank = VolumeBank(len(NAMES))
        for column, memory in enumerate(state.memories):
            self._bank.restore(column, memory)
        self._expected = state.expected
        self._evidence = state.evidence
        self._counts = state.counts

    @property
    def is_known(self) -> bool:
        """Whether any count was taken."""
        return self._counts > 0

    def snapshot(self) -> VolumeBaselinesState:
        """Everything, so that what is restored goes on the same."""
        memories = [self._bank.snapshot(column) for column in range(len(NAMES))]
        return VolumeBaselinesState(
            memories=memories if self._counts else [],
            expected=self._expected,
            evidence=self._evidence,
            counts=self._counts,
        )

    def close(self, first: int, counted: WindowTotals) -> None:
        """Take the counts of the ``STEP`` minutes from ``first`` on."""
        values = np.array([float(getattr(counted, name)) for name in NAMES])
        self._bank.update_many(time_of(first), values)
        self._expected = self._bank.expected.tolist()
        self._evidence = self._bank.evidence.tolist()
        self._counts += 1

    def per_minute(self, name: str) -> float | None:
        """What is expected of a volume in a minute; None until it has seen two weeks."""
        if self._counts < WEEKS:
            return None
        return self._expected[NAMES.index(name)] / STEP

    def evidence(self, name: str) -> float:
        """How far the last counts lay above what was expected; 1 is where it opens an alert."""
        if self._counts < KNOWN:
            return 0.0
        return self._evidence[NAMES.index(name)] / self._bank.parameters.bar
