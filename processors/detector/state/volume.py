"""The expectations of a brand's three volumes, by the model of ``tocsin score-series``.

It learns hours and weekdays from the counts of every five minutes, once they have settled.
"""

import math
from array import array
from typing import Final

import numpy as np
from msgspec import Struct, field
from msgspec.structs import replace

from processors.detector.state.counts import time_of
from processors.detector.state.window import WindowTotals
from processors.volume.alert_gate import NEVER
from processors.volume.detector import VolumeBank, VolumeMemory, minutes_of
from processors.volume.seasonality import Floats, expected_at_least

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
WAITS: Final = 24
"""Counts that may wait to be learnt: two hours of them."""
_WIDTH: Final = 1 + len(NAMES)
"""Numbers of a count that waits: its first minute, and its volumes."""


class VolumeBaselinesState(Struct, kw_only=True):
    """The snapshot of a brand's volumes."""

    memories: list[VolumeMemory] = field(default_factory=list)
    """Of older states, which have no ``numbers``."""
    numbers: bytes = b""
    """What the model knows: 64-bit floats, little-endian, a row a volume."""
    step: float | None = None
    counted: float = NEVER
    """Time of the last count that was learnt, minutes since 1970."""
    waiting: bytes = b""
    """The counts that are not learnt yet: 64-bit floats, four a count."""
    expected: list[float] = field(default_factory=lambda: [0.0] * len(NAMES))
    above: list[float] = field(default_factory=lambda: [0.0] * len(NAMES))
    """Evidence over the bar of its brand and volume."""
    counts: int = 0
    recent: list[list[float]] = field(default_factory=list)
    """The expectations of the last counts, oldest first; empty in older states."""
    last: int = 0
    """First minute of the newest count."""


class VolumeBaselines:
    """The three volumes of one brand; some 7 kB.

    A count waits until a result is asked for: ``volume_batch`` learns the counts of many brands
    together, at a tenth of the cost.
    """

    __slots__ = ("_counted", "_numbers", "_state", "_step", "_waiting")

    def __init__(self, state: VolumeBaselinesState | None = None) -> None:
        state = state or VolumeBaselinesState()
        self._numbers: Floats | None = None
        """Of the bank's state, a row a volume; None before the first count."""
        self._step, self._counted = state.step, state.counted
        self._waiting = array("d", state.waiting)
        if state.numbers:
            numbers = np.frombuffer(state.numbers, "<f8").reshape(len(NAMES), -1)
            self._numbers = numbers.astype(np.float64)
        elif state.memories:
            bank = VolumeBank(len(NAMES))
            for column, memory in enumerate(state.memories):
                bank.restore(column, memory)
            self._numbers, self._step = bank.state(), bank.step
            self._counted = state.memories[0].last
        self._state = replace(state, memories=[], numbers=b"", waiting=b"")

    @property
    def is_known(self) -> bool:
        return self._state.counts > 0 or bool(self._waiting)

    @property
    def waiting(self) -> int:
        """Counts that wait to be learnt."""
        return len(self._waiting) // _WIDTH

    @property
    def is_regular(self) -> bool:
        """Whether its counts are known to be ``STEP`` apart."""
        return self._step == STEP

    def snapshot(self) -> VolumeBaselinesState:
        numbers = self._numbers
        return replace(
            self._state,
            numbers=b"" if numbers is None else numbers.astype("<f8").tobytes(),
            step=self._step,
            counted=self._counted,
            waiting=self._waiting.tobytes(),
        )

    def close(self, first: int, counted: WindowTotals) -> None:
        """Take the counts of the ``STEP`` minutes from ``first`` on."""
        self._waiting.extend((first, counted.mentions, counted.authors, counted.discounted))

    def learn(self) -> None:
        """Learn the counts that wait."""
        if not self._waiting:
            return
        bank = VolumeBank(len(NAMES))
        self.load(bank)
        counts = self.counts()
        usual = np.empty((len(counts), len(NAMES)))
        for row, (first, *volumes) in enumerate(counts.tolist()):
            bank.update_many(time_of(int(first)), volumes)
            usual[row] = bank.expected
        self.learnt(bank.state(), bank.step, usual, bank.evidence / bank.bars)

    def load(self, bank: VolumeBank) -> None:
        """Make ``bank`` know what this knows."""
        if self._numbers is not None:
            bank.set_state(self._numbers, self._step, np.full(len(NAMES), self._counted))

    @property
    def known(self) -> tuple[Floats, float]:
        """The numbers, and the time of the last count that was learnt."""
        assert self._numbers is not None
        return self._numbers, self._counted

    def counts(self) -> Floats:
        """The counts that wait, a row each: the first minute, and the volumes."""
        return np.array(self._waiting).reshape(-1, _WIDTH)

    def learnt(self, numbers: Floats, step: float | None, usual: Floats, above: Floats) -> None:
        """Take what a bank made of the counts that waited; ``usual``: a row a count."""
        state, firsts = self._state, list(map(int, self._waiting[::_WIDTH]))
        state.counts += len(firsts)
        for row in range(max(0, len(firsts) - MAX_RECENT), len(firsts)):
            before = firsts[row - 1] if row else state.last
            recent = state.recent if firsts[row] == before + STEP else []
            state.recent = [*recent, usual[row].tolist()][-MAX_RECENT:]
        state.last = firsts[-1]
        state.expected, state.above = state.recent[-1], above.tolist()
        self._numbers, self._step = numbers, step
        self._counted = minutes_of(time_of(state.last))
        self._waiting = array("d")

    @property
    def knows_weeks(self) -> bool:
        """Whether it knows the days of the week."""
        return self._state.counts + self.waiting >= WEEKS

    def per_minute(self, name: str, minute: int) -> tuple[float, int]:
        """The expectation of a volume in a minute, and the minute that it is of.

        The nearest count's; the newest minutes have none yet.
        """
        self.learn()
        state, column = self._state, NAMES.index(name)
        recent = state.recent or [state.expected]
        first = state.last - STEP * (len(recent) - 1)
        number = min(max((minute - first) // STEP, 0), len(recent) - 1)
        return recent[number][column] / STEP, first + number * STEP + STEP // 2

    def at_least(self, end: int) -> float:
        """The least mentions that ``per_minute`` may give for a minute, looked at before ``end``.

        The counts that wait need not be learnt for it, nor those that are still to come.
        """
        if self._numbers is None:
            return 0.0
        first, counted = self._counted + STEP, self.waiting + max(end - self._counted, 0) / STEP
        coming = expected_at_least(
            self._numbers[0], time_of(int(first)), time_of(end), STEP, math.ceil(counted)
        )
        known = self._state.recent or [self._state.expected]
        return min(coming, *(usual[0] for usual in known)) / STEP

    def evidence(self, name: str) -> float:
        """How far the last counts were above expectation; 1 is the bar of an alert."""
        if self._state.counts + self.waiting < KNOWN:
            return 0.0
        self.learn()
        return self._state.above[NAMES.index(name)]
