"""A streaming detector of unusually high volumes, over regular counts.

It reads each count once, in order, and never looks ahead; a brand's state is some 80 floats.

1. expect a count: level times share of the hour times share of the weekday (``seasonality``);
2. sum counts and expectations over 5 minutes, an hour and 8 hours, leakily (``deviation``);
3. bring both to a scale of unit variance, and divide their difference by the usual deviation;
4. take the mean over the windows: an isolated spike and a rise without a burst both weigh less
   than a sudden rise that lasts;
5. open an alert where that passes the bar (``AlertGate``);
6. only then learn, from clipped counts.

A fall in volume never alerts here: the detector's coverage finds a source that is down.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
from msgspec import Struct

from processors.volume.deviation import Deviation
from processors.volume.parameters import VolumeParameters
from processors.volume.seasonality import DAY_MINUTES, Flags, Floats, Moment, Seasonality

MAX_COUNT = 1e12
"""Larger counts are read as this, so squares stay finite."""
DEFAULT_STEP = 5.0
"""Minutes between counts, until two of them show it."""
NEVER = -1e12
"""Minutes; long before any count."""
_NOT_NEWS = 0.49


class VolumeState(Struct, frozen=True, kw_only=True):
    at: datetime
    value: float
    expected: float
    evidence: float
    """Mean deviation over the windows, in usual ones; 0 where the count is missing."""
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
    """In the order of ``VolumeBank._columns``."""


def minutes_of(at: datetime) -> float:
    """Minutes since 1970; a time without a zone is UTC."""
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() / 60


class AlertGate:
    """When evidence opens an alert, for ``size`` brands; times are minutes since 1970.

    An alert opens when evidence passes the bar, lasts while evidence stays above half of it, and
    another may open only after a quiet time. A peak raises the bar for some days, since a crisis
    has aftershocks.
    """

    def __init__(self, parameters: VolumeParameters, size: int) -> None:
        self._parameters = parameters
        self.since: Floats = np.full(size, np.inf)
        self.active: Floats = np.full(size, NEVER)
        """The last moment of the last alert."""
        self.echo: Floats = np.zeros(size)
        """The last peak's addition to the bar, at its time."""
        self.echo_at: Floats = np.full(size, NEVER)

    def judge(self, evidence: Floats, now: float, present: Flags) -> tuple[Floats, Flags]:
        """Score in [0, 1], 0.5 at the present bar, and whether an alert opens."""
        parameters = self._parameters
        np.copyto(self.since, now, where=present & np.isinf(self.since))
        echo = self.echo * np.exp((self.echo_at - now) / (parameters.echo_days * DAY_MINUTES))
        bar = parameters.bar + echo
        armed = now - self.active > parameters.quiet_minutes
        learnt = now - self.since >= parameters.learn_days * DAY_MINUTES
        opens = present & armed & learnt & (evidence > bar)
        lasts = present & ~armed & (evidence > parameters.bar / 2)
        np.copyto(self.active, now, where=opens | lasts)
        peak = parameters.echo * (evidence - parameters.bar)
        higher = present & (peak > echo)
        np.copyto(self.echo, peak, where=higher)
        np.copyto(self.echo_at, now, where=higher)
        score = 1 - np.exp2(-np.maximum(evidence, 0) / bar)
        # An alert that lasts is not news; without a history nothing can be called news.
        score = np.where(opens, score, np.minimum(score, _NOT_NEWS))
        return np.where(present, score, 0.0), opens


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
        self._gate = AlertGate(self.parameters, size)
        self.expected: Floats = np.zeros(size)
        self.evidence: Floats = np.zeros(size)

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
        means = (deviations / deviation.scale).mean(axis=0)
        self.evidence = np.where(present, means, 0.0)
        scores, opens = self._gate.judge(self.evidence, now, present)
        deviation.learn(deviations, season.seen, step, present)
        limit = self.parameters.clip * deviation.noise(self.expected)
        clipped = np.clip(counts, self.expected - limit, self.expected + limit)
        season.learn(np.maximum(clipped, 0.0), shares, moment, step, present)
        np.copyto(self._last, now, where=present)
        return scores, opens

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

    def _columns(self) -> list[Floats]:
        """Every array of the state, as rows over brands; add new ones at the end."""
        season, deviation, gate = self._seasonality, self._deviation, self._gate
        return [
            *(season.level, season.seen),
            *(*season.hour_sums, *season.hour_weights, *season.day_sums, *season.day_weights),
            *(*deviation.counts, *deviation.expected, *deviation.weights, *deviation.scale),
            *(gate.since, gate.active, gate.echo, gate.echo_at),
        ]

    def snapshot(self, brand: int) -> VolumeMemory:
        floats = [float(column[brand]) for column in self._columns()]
        # JSON has no infinity.
        finite = [NEVER if np.isinf(value) else value for value in floats]
        return VolumeMemory(step=self._step, last=float(self._last[brand]), floats=finite)

    def restore(self, brand: int, memory: VolumeMemory) -> None:
        """Restore a column; its next count must be later than all before."""
        columns = self._columns()
        if len(memory.floats) != len(columns):
            raise ValueError(
                "the snapshot has other parameters: use the same ones, or start without it"
            )
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
