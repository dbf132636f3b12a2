"""Is this brand spoken of more than it should be? A streaming detector over regular counts.

It reads each count once, in order, and never looks ahead; what it knows of a brand are some 80
floats, however long the series. Ten lines of it:

1. expect a count: level times share of the hour times share of the weekday (``seasonality``);
2. sum counts and expectations over 5 minutes, an hour and 8 hours, leakily (``deviation``);
3. bring both to a scale of unit variance, and divide their difference by what is usual;
4. take the mean over the windows: a spike that nobody follows and a rise without a burst are both
   less than what is sudden and lasts;
5. open an alert where that passes the bar, once (``alert_gate``);
6. only then learn, from counts cut to what is usual.

Falls in volume never alert here: a source that is down is another signal's business.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
from msgspec import Struct

from processors.volume.alert_gate import NEVER, AlertGate
from processors.volume.deviation import Deviation
from processors.volume.parameters import VolumeParameters
from processors.volume.seasonality import Flags, Floats, Moment, Seasonality

__all__ = ["VolumeBank", "VolumeDetector", "VolumeMemory", "VolumeParameters", "VolumeState"]

MAX_COUNT = 1e12
"""Counts beyond are read as this: nobody has more, and squares stay finite."""
DEFAULT_STEP = 5.0
"""Minutes between counts, until two of them say otherwise."""


class VolumeState(Struct, frozen=True, kw_only=True):
    """What one count came to."""

    at: datetime
    value: float
    expected: float
    """The count that was to be expected."""
    evidence: float
    """Mean deviation over the windows, in usual ones; 0 where the count is missing."""
    score: float
    """0 to 1; 0.5 is the bar. Stays below it while an alert lasts: what goes on is not news."""
    alert: bool
    """Whether an alert opens here."""


class VolumeMemory(Struct, frozen=True, kw_only=True):
    """All that is known of a brand, to be kept and given back; plain JSON."""

    step: float | None
    """Minutes between counts."""
    last: float
    """Time of the last count, minutes since 1970."""
    floats: list[float]
    """In the order of ``VolumeBank._columns``."""


def minutes_of(at: datetime) -> float:
    """Minutes since 1970; a time without a zone is UTC."""
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() / 60


class VolumeBank:
    """The detector over many brands at once, each result as if it were alone.

    Columns of numpy arrays are brands. All are updated at the same times; a brand without a count
    at some time has NaN there.
    """

    def __init__(self, size: int, parameters: VolumeParameters | None = None) -> None:
        self.parameters = parameters or VolumeParameters()
        self.size = size
        self._step: float | None = None
        self._now = NEVER
        self._last: Floats = np.full(size, NEVER)
        self._seasonality = Seasonality(self.parameters, size)
        self._deviation = Deviation(self.parameters, size)
        self._gate = AlertGate(self.parameters, size)
        self.expected: Floats = np.zeros(size)
        """Of the last update."""
        self.evidence: Floats = np.zeros(size)
        """Of the last update."""

    def update_many(self, at: datetime, values: Sequence[float] | Floats) -> tuple[Floats, Flags]:
        """Read one count of each brand; returns scores in [0, 1] and where alerts open.

        Shapes are (brands,). NaN, infinite and negative counts are missing ones. A time that is
        not after the last one is refused with ``ValueError``.
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
        means = (deviations / deviation.scale).mean(axis=0)
        self.evidence = np.where(present, means, 0.0)
        scores, opens = self._gate.judge(self.evidence, now, present)
        deviation.learn(deviations, season.seen, step, present)
        most = self.parameters.clip * deviation.noise(self.expected)
        cut = np.clip(counts, self.expected - most, self.expected + most)
        season.learn(np.maximum(cut, 0.0), shares, moment, step, present)
        np.copyto(self._last, now, where=present)
        return scores, opens

    def _spacing(self, now: float) -> float:
        """Minutes between counts: the least distance of two so far."""
        if self._now > NEVER:
            passed = now - self._now
            if passed <= 0:
                raise ValueError("counts must come in the order of their times, each time once")
            if self._step is None or passed < 0.75 * self._step:
                # The counts were right, and the time that they were thought to cover was not.
                self._seasonality.level *= (self._step or DEFAULT_STEP) / passed
                self._step = passed
        self._now = now
        return DEFAULT_STEP if self._step is None else self._step

    def _columns(self) -> list[Floats]:
        """Every array of the state, as rows over brands; what is added comes last."""
        season, deviation, gate = self._seasonality, self._deviation, self._gate
        return [
            *(season.level, season.seen),
            *(*season.hour_sums, *season.hour_weights, *season.day_sums, *season.day_weights),
            *(*deviation.counts, *deviation.expected, *deviation.weights, *deviation.scale),
            *(gate.since, gate.active, gate.echo, gate.echo_at),
        ]

    def snapshot(self, brand: int) -> VolumeMemory:
        """What is known of a brand, by its column."""
        floats = [float(column[brand]) for column in self._columns()]
        # JSON has no infinity: a brand without a count is one without a past.
        finite = [NEVER if np.isinf(value) else value for value in floats]
        return VolumeMemory(step=self._step, last=float(self._last[brand]), floats=finite)

    def restore(self, brand: int, memory: VolumeMemory) -> None:
        """Put a brand back as it was; its next count must be later than all before."""
        columns = self._columns()
        if len(memory.floats) != len(columns):
            raise ValueError("this memory is of other parameters: begin anew or use the same ones")
        for column, value in zip(columns, memory.floats, strict=True):
            column[brand] = value
        if self._gate.since[brand] == NEVER:
            self._gate.since[brand] = np.inf
        self._last[brand] = memory.last
        if memory.step is not None:
            self._step = memory.step
        elif self._step is not None:
            self._seasonality.level[brand] *= DEFAULT_STEP / self._step
        self._now = max(self._now, memory.last)


class VolumeDetector:
    """The detector of one brand: ``update`` with each count in turn."""

    def __init__(self, parameters: VolumeParameters | None = None) -> None:
        self._bank = VolumeBank(1, parameters)

    def update(self, at: datetime, value: float) -> VolumeState:
        """Read one count; NaN, infinite or negative is a missing one. Times must increase."""
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
        """All that is known, to go on from later with the same results."""
        return self._bank.snapshot(0)

    @classmethod
    def restore(
        cls, memory: VolumeMemory, parameters: VolumeParameters | None = None
    ) -> "VolumeDetector":
        """A detector that goes on where the snapshot was taken."""
        detector = cls(parameters)
        detector._bank.restore(0, memory)
        return detector
