"""A streaming detector of unusually high volumes, over regular counts.

It reads each count once, in order, and never looks ahead; a brand's state is some 240 floats.

1. expect a count: level times share of the hour times share of the weekday (``seasonality``);
2. sum counts and expectations over 5 minutes, an hour and 8 hours, leakily (``deviation``);
3. bring both to a scale of unit variance, and divide their difference by the usual deviation;
4. take a power mean over the windows: an isolated spike and a rise without a burst both weigh
   less than a sudden rise that lasts;
5. raise the bar where the brand has had as much before (``daily_highs``): false alarms are rare on
   brands that burst often, too, at the price that such a burst is no news there;
6. open an alert where the evidence passes the bar (``alert_gate``);
7. only then learn, from clipped counts.

A fall in volume never alerts here: the detector's coverage finds a source that is down.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
from msgspec import Struct

from processors.volume.alert_gate import NEVER, AlertGate, bar_for
from processors.volume.daily_highs import DailyHighs
from processors.volume.deviation import Deviation
from processors.volume.parameters import VolumeParameters
from processors.volume.seasonality import Flags, Floats, Moment, Seasonality

MAX_COUNT = 1e12
"""Larger counts are read as this, so squares stay finite."""
DEFAULT_STEP = 5.0
"""Minutes between counts, until two of them show it."""


class VolumeState(Struct, frozen=True, kw_only=True):
    at: datetime
    value: float
    expected: float
    evidence: float
    """How unusual all windows are together, in usual deviations; 0 where the count is missing."""
    score: float
    """0 to 1; 0.5 is the bar. Stays below it while an alert lasts."""
    alert: bool


class VolumeMemory(Struct, frozen=True, kw_only=True):
    """The snapshot of one brand; plain JSON."""

    step: float | None
    """Minutes between counts."""
    last: float
    """Time of the last count, minutes since 1970."""
    floats: list[float]
    """In the order of ``VolumeBank.state``."""


def minutes_of(at: datetime) -> float:
    """Minutes since 1970; a time without a zone is UTC."""
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() / 60


class VolumeBank:
    """The detector over many brands at once; each result is as if the brand were alone.

    Columns of numpy arrays are brands. All are updated at the same times; NaN is a missing count.
    """

    def __init__(self, size: int, parameters: VolumeParameters | None = None) -> None:
        self.parameters = parameters or VolumeParameters()
        self.size = size
        self._step: float | None = None
        self._now = NEVER
        self._last: Floats = np.full(size, NEVER)
        self._seasonality = Seasonality(self.parameters, size)
        self._deviation = Deviation(self.parameters, size)
        self._highs = DailyHighs(self.parameters, size)
        self._gate = AlertGate(self.parameters, size)
        parts = (self._seasonality, self._deviation, self._gate, self._highs)
        self._parts = [part.state for part in parts]
        """The state, in the order of a snapshot; add new numbers at the end."""
        self.expected: Floats = np.zeros(size)
        self.evidence: Floats = np.zeros(size)
        self.times: Floats = np.zeros(size)
        """On how many days the brand had this volume; 0 where evidence is below half the bar."""
        self.days: Floats = np.zeros(size)
        """Of how many days; 0 there as well."""
        self.bars: Floats = np.full(size, self.parameters.lowest_bar)
        """The evidence that an alert needs, without echoes."""

    def update_many(self, at: datetime, values: Sequence[float] | Floats) -> tuple[Floats, Flags]:
        """Read one count of each brand; returns scores in [0, 1] and where alerts open.

        Shapes are (brands,). NaN, infinite and negative counts are missing. Raises ``ValueError``
        unless ``at`` is after the last time.
        """
        now = minutes_of(at)
        step = self._spacing(now)
        raw = np.asarray(values, dtype=np.float64)
        present = np.isfinite(raw) & (raw >= 0)
        counts = np.minimum(np.where(present, raw, 0.0), MAX_COUNT)
        moment = Moment(at)
        season, deviation = self._seasonality, self._deviation
        season.begin(counts, step, present)
        shares = season.shares(moment)
        self.expected = season.expected(shares, step)
        steps = np.where(season.seen > 0, np.maximum(np.rint((now - self._last) / step), 1.0), 1.0)
        deviations = deviation.weigh(counts, self.expected, steps, step, present)
        self.evidence = np.where(present, deviation.evidence(deviations), 0.0)
        self._rank(now, present)
        scores, opens = self._gate.judge(self.evidence, self.bars, now, present)
        deviation.learn(deviations, season.seen, step, present)
        limit = self.parameters.clip * deviation.noise(self.expected)
        clipped = np.clip(counts, self.expected - limit, self.expected + limit)
        season.learn(np.maximum(clipped, 0.0), shares, moment, step, present)
        np.copyto(self._last, now, where=present)
        return scores, opens

    def _rank(self, now: float, present: Flags) -> None:
        """Compare the sums with those of the days before, of the few brands where it matters."""
        sums, levels = self._deviation.sums, self._seasonality.level
        lowest = self.parameters.lowest_bar
        self._highs.begin(levels, now, present)
        self.times, self.days = np.zeros(self.size), np.zeros(self.size)
        self.bars = np.full(self.size, lowest)
        unusual = np.flatnonzero(self.evidence > lowest / 2)
        if len(unusual):
            times, days = self._highs.reached(sums, levels, now, unusual)
            self.times[unusual], self.days[unusual] = times, days
            self.bars[unusual] = bar_for(self.parameters, times, days)
        self._highs.learn(sums, now, present)

    def _spacing(self, now: float) -> float:
        if self._now > NEVER:
            passed = now - self._now
            if passed <= 0:
                raise ValueError("counts must come in the order of their times, each time once")
            if self._step is None or passed < 0.75 * self._step:
                # The counts were right, but they cover less time than assumed.
                self._seasonality.level *= (self._step or DEFAULT_STEP) / passed
                self._step = passed
        self._now = now
        return DEFAULT_STEP if self._step is None else self._step

    @property
    def step(self) -> float | None:
        """Minutes between counts; None until two of them show it."""
        return self._step

    def state(self) -> Floats:
        """A copy of all numbers but times; shape (brands, numbers of a brand)."""
        return np.ascontiguousarray(np.concatenate(self._parts).T)

    def set_state(self, state: Floats, step: float | None, last: Floats) -> None:
        """Take what ``state`` gave, with the time of each brand's last count, shape (brands,)."""
        self._fill(slice(None), state.T)
        self._step, self._last[:] = step, last
        self._now = float(last.min(initial=np.inf))

    def _fill(self, brand: int | slice, state: Floats) -> None:
        first = 0
        for part in self._parts:
            if first < len(state):
                part[:, brand] = state[first : first + len(part)]
            first += len(part)

    def snapshot(self, brand: int) -> VolumeMemory:
        return memory_of(np.concatenate([part[:, brand] for part in self._parts]), self._step,
                         float(self._last[brand]))  # fmt: skip

    def restore(self, brand: int, memory: VolumeMemory) -> None:
        """Restore a column; its next count must be later than all before.

        A snapshot of an older release, without daily highs, is taken; the highs are learnt anew.
        """
        numbers = sum(map(len, self._parts))
        if len(memory.floats) not in (numbers, numbers - len(self._parts[-1])):
            raise ValueError(
                "the snapshot has other parameters: use the same ones, or start without it"
            )
        self._fill(brand, np.array(memory.floats))
        if self._gate.since[brand] == NEVER:
            self._gate.since[brand] = np.inf
        self._last[brand] = memory.last
        if memory.step is not None:
            self._step = memory.step
        elif self._step is not None:
            self._seasonality.level[brand] *= DEFAULT_STEP / self._step
        self._now = max(self._now, memory.last)


def memory_of(numbers: Floats, step: float | None, last: float) -> VolumeMemory:
    """The snapshot of one brand, a row of ``VolumeBank.state``."""
    # JSON has no infinity.
    finite = np.where(np.isinf(numbers), NEVER, numbers)
    return VolumeMemory(step=step, last=last, floats=finite.tolist())


class VolumeDetector:
    def __init__(self, parameters: VolumeParameters | None = None) -> None:
        self._bank = VolumeBank(1, parameters)

    def update(self, at: datetime, value: float) -> VolumeState:
        """Read one count, as :meth:`VolumeBank.update_many` does."""
        scores, opens = self._bank.update_many(at, [value])
        return VolumeState(
            at=at,
            value=value,
            expected=float(self._bank.expected[0]),
            evidence=float(self._bank.evidence[0]),
            score=float(scores[0]),
            alert=bool(opens[0]),
        )

    def snapshot(self) -> VolumeMemory:
        return self._bank.snapshot(0)

    @classmethod
    def restore(
        cls, memory: VolumeMemory, parameters: VolumeParameters | None = None
    ) -> "VolumeDetector":
        detector = cls(parameters)
        detector._bank.restore(0, memory)
        return detector
