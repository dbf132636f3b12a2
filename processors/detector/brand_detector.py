"""Crisis detection of one brand: records in, alerts out, in event time alone.

``observe`` and ``advance`` look at every minute that has passed, in order: the same records and
times give the same alerts live, in a back-test and after a restart. A minute is looked at as soon
as a later record comes; a late record counts from its arrival on, and a count can only grow.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final, TypeVar

import msgspec
import zstandard
from msgspec import Struct, field

from brands.alert_policy import channels_of, is_muted
from processors.detector.evidence import evidence, headline, rounded
from processors.detector.lifecycle import AlertLifecycle, Change
from processors.detector.severity import is_below_minimum, severity
from processors.detector.signals.summary import WindowSummary, summarize
from processors.detector.state.baseline import Baseline
from processors.detector.state.counts import (
    KEPT,
    BrandCounts,
    CountsState,
    Minute,
    minute_of,
    time_of,
)
from processors.detector.state.volume import SETTLES, STEP, VolumeBaselines, VolumeBaselinesState
from processors.detector.state.window import LONG, Window, totals
from schemas.activity import Activity
from schemas.alert import Alert
from schemas.brand import AlertPolicy, Brand
from text.alert_title import WIRE, crisis_title

LEARNS_AFTER: Final = 60
"""Minutes after which a minute is learnt."""
LEARNS_EVERY: Final = 10
HISTORY: Final = 180
"""Minutes that a brand must be known before anything is unusual."""
MAX_UNLEARNT_MINUTES: Final = 24 * 60
"""Minutes after which an open alert's volume is learnt: it is the new usual."""
_STRIDE: Final = 24 * 60
"""Minutes of silence that are looked at one by one; later ones show nothing."""
_LEVEL: Final = 3
"""Of the zstandard compression."""
S = TypeVar("S", bound=Struct)


def pack(state: Struct) -> bytes:
    return zstandard.compress(msgspec.msgpack.encode(state), _LEVEL)


def unpack(data: bytes, type_: type[S]) -> S | None:
    try:
        return msgspec.msgpack.decode(zstandard.decompress(data), type=type_)
    except (zstandard.ZstdError, msgspec.DecodeError, UnicodeDecodeError):
        return None


class DetectorState(Struct, kw_only=True):
    """The snapshot of one brand's detector."""

    brand: str
    looked: int = 0
    counts: CountsState = field(default_factory=CountsState)
    baseline: Baseline = field(default_factory=Baseline, name="usual")
    volumes: VolumeBaselinesState = field(default_factory=VolumeBaselinesState)
    lifecycle: AlertLifecycle = field(default_factory=AlertLifecycle, name="episode")
    late: int = 0


class BrandDetector:
    """One brand. Not thread-safe; bounded memory.

    ``can_skip``: whether minutes certainly have severity 0 while no alert is open.
    """

    def __init__(
        self,
        brand: Brand,
        state: DetectorState | None = None,
        can_skip: Callable[[Sequence[Minute], AlertPolicy], bool] = is_below_minimum,
    ) -> None:
        state = state or DetectorState(brand=brand.id)
        self.brand = brand
        self.looked = state.looked
        """The last minute that was judged."""
        self.late = state.late
        self._counts = BrandCounts(state.counts)
        self._baseline = state.baseline
        self._volumes = VolumeBaselines(state.volumes)
        self._lifecycle = state.lifecycle
        self._can_skip = can_skip

    def snapshot(self) -> DetectorState:
        """The live state: encode it before the detector goes on."""
        return DetectorState(
            brand=self.brand.id,
            looked=self.looked,
            counts=self._counts.snapshot(),
            baseline=self._baseline,
            volumes=self._volumes.snapshot(),
            lifecycle=self._lifecycle,
            late=self.late,
        )

    def is_idle(self, min_silence: int = 0) -> bool:
        """Whether no minute before the next record can raise an alert.

        ``min_silence``: minutes that must have passed since the newest mention.
        """
        lifecycle, newest = self._lifecycle, self._counts.newest
        if self.looked - newest < min_silence or lifecycle.is_open or lifecycle.above:
            return False
        first, end = self.looked - LONG, max(self.looked, newest + 1)
        minutes = self._counts.between(first, end)
        return end - first < KEPT and self._can_skip(minutes, self.brand.alerts)

    def observe(self, record: Activity) -> list[Alert]:
        """Take a record; returns the alerts of the minutes that it ends."""
        alerts = self._look_up_to(minute_of(record.at))
        if not self._counts.add(record):
            self.late += 1
        return alerts

    def advance(self, now: datetime) -> list[Alert]:
        return self._look_up_to(minute_of(now))

    def _look_up_to(self, minute: int) -> list[Alert]:
        if not self.looked:
            self.looked = minute
        alerts: list[Alert] = []
        if minute - self.looked > _STRIDE:
            # An open alert closes in the first hour of silence.
            alerts += self._look_up_to(self.looked + _STRIDE)
            self.looked = minute
        while self.looked < minute:
            self.looked += 1
            if self.looked % STEP == 0:
                self._count_volumes(self.looked - SETTLES - STEP)
            alert = self._look(self.looked)
            if alert is not None:
                alerts.append(alert)
            if self.looked % LEARNS_EVERY == 0:
                self._learn(self.looked - LEARNS_AFTER)
        return alerts

    def _count_volumes(self, first: int) -> None:
        minutes = self._counts.between(first, first + STEP)
        if minutes or self._volumes.is_known:
            self._volumes.close(first, totals(minutes, STEP))

    def _learn(self, upto: int) -> None:
        baseline, lifecycle = self._baseline, self._lifecycle
        if (
            lifecycle.is_open
            and upto >= lifecycle.began
            and self.looked - lifecycle.opened < MAX_UNLEARNT_MINUTES
        ):
            # A crisis is not usual: its minutes are skipped.
            if baseline.upto:
                baseline.upto = upto
            return
        if not baseline.upto and not self._counts.newest:
            return
        baseline.learn(self._counts.between(baseline.upto or upto - KEPT, upto), upto)

    def _look(self, now: int) -> Alert | None:
        baseline, lifecycle, policy = self._baseline, self._lifecycle, self.brand.alerts
        if not baseline.upto or now - baseline.first < HISTORY:
            return None
        minutes = self._counts.between(now - LONG, now)
        if not minutes and not lifecycle.is_open and not lifecycle.above:
            return None
        if not lifecycle.is_open and self._can_skip(minutes, policy):
            lifecycle.step(now, 0)
            return None
        window = Window(minutes, now)
        summary = summarize(window, baseline, self._volumes)
        change = lifecycle.step(now, severity(summary, policy, lifecycle.severity))
        return self._alert(change, window, summary) if change else None

    def _alert(self, change: Change, window: Window, summary: WindowSummary) -> Alert:
        lifecycle, policy = self._lifecycle, self.brand.alerts
        grade = lifecycle.severity or lifecycle.last
        at, began = time_of(window.end), lifecycle.began - 1
        facts = headline(self.brand.name, summary)
        # Empty once the first minutes of the shift have expired.
        shift = self._counts.between(began, window.end) if began >= window.end - KEPT else []
        return Alert(
            id=f"{self.brand.id}-{time_of(lifecycle.opened):%Y-%m-%dT%H:%MZ}",
            brand=self.brand.id,
            version=window.end * 60_000_000,
            status=change,
            severity=grade,
            began_at=time_of(began),
            raised_at=at,
            title=crisis_title(facts, change, WIRE),
            signals=sorted(summary.signals.values(), key=lambda s: -(s.significance or 0)),
            evidence=evidence(window, self._baseline, shift),
            channels=channels_of(policy, grade),
            muted=is_muted(policy, grade, at),
            headline=rounded(facts),
        )
