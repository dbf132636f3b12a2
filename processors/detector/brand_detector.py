"""Crisis detection of one brand: records in, alerts out, in event time alone.

``observe`` takes a record, ``advance`` says how late it is when nothing comes; both look at every
minute that has passed since, in order, so that the same records and times give the same alerts
live, in a back-test and after a restart. A minute is looked at as soon as a later record comes:
what comes late counts from then on, and a count can only grow.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from msgspec import Struct, field

from brands.policy import channels_of, is_muted
from processors.detector.evidence import evidence, headline, rounded
from processors.detector.lifecycle import AlertLifecycle, Change
from processors.detector.severity import is_too_little, severity
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
"""Minutes after which a minute becomes a part of what is usual."""
LEARNS_EVERY: Final = 10
HISTORY: Final = 180
"""Minutes of a brand that have to be known before it can be told what is unusual."""
MAX_UNLEARNT_MINUTES: Final = 24 * 60
"""Minutes after which an open alert's volume is learnt all the same: it is the new usual."""
_STRIDE: Final = 24 * 60
"""Minutes of silence that are looked at one by one; further ones show nothing."""


class DetectorState(Struct, kw_only=True):
    """All that is known of one brand, for JSON."""

    brand: str
    looked: int = 0
    counts: CountsState = field(default_factory=CountsState)
    baseline: Baseline = field(default_factory=Baseline, name="usual")
    volumes: VolumeBaselinesState = field(default_factory=VolumeBaselinesState)
    lifecycle: AlertLifecycle = field(default_factory=AlertLifecycle, name="episode")
    late: int = 0


class BrandDetector:
    """One brand. Not thread-safe; bounded memory.

    ``passes_over``: whether minutes are so few that nothing can come of them.
    """

    def __init__(
        self,
        brand: Brand,
        state: DetectorState | None = None,
        passes_over: Callable[[Sequence[Minute], AlertPolicy], bool] = is_too_little,
    ) -> None:
        state = state or DetectorState(brand=brand.id)
        self.brand = brand
        self.looked = state.looked
        """The minute up to which it has looked."""
        self.late = state.late
        """Records that came too late to count, or twice."""
        self._counts = BrandCounts(state.counts)
        self._baseline = state.baseline
        self._volumes = VolumeBaselines(state.volumes)
        self._lifecycle = state.lifecycle
        self._passes_over = passes_over

    def snapshot(self) -> DetectorState:
        """Everything, so that what is restored goes on the same."""
        return DetectorState(
            brand=self.brand.id,
            looked=self.looked,
            counts=self._counts.snapshot(),
            baseline=self._baseline,
            volumes=self._volumes.snapshot(),
            lifecycle=self._lifecycle,
            late=self.late,
        )

    def may_rest(self, silent: int = 0) -> bool:
        """Whether nothing can come of any minute before the next record.

        ``silent``: minutes since the newest one that anything was said in, at least.
        """
        lifecycle, newest = self._lifecycle, self._counts.newest
        if self.looked - newest < silent or lifecycle.is_open or lifecycle.above:
            return False
        first, end = self.looked - LONG, max(self.looked, newest + 1)
        minutes = self._counts.between(first, end)
        return end - first < KEPT and self._passes_over(minutes, self.brand.alerts)

    def observe(self, record: Activity) -> list[Alert]:
        """Take a record; gives the alerts of the minutes that it ends."""
        alerts = self._look_up_to(minute_of(record.at))
        if not self._counts.add(record):
            self.late += 1
        return alerts

    def advance(self, now: datetime) -> list[Alert]:
        """It is ``now`` and all that was written before has come."""
        return self._look_up_to(minute_of(now))

    def _look_up_to(self, minute: int) -> list[Alert]:
        if not self.looked:
            self.looked = minute
        alerts: list[Alert] = []
        if minute - self.looked > _STRIDE:
            # Long silence: an open alert has closed in its first hour.
            alerts += self._look_up_to(self.looked + _STRIDE)
            self.looked = minute
        while self.looked < minute:
            self.looked += 1
            if self.looked % STEP == 0:
                self._close(self.looked - SETTLES - STEP)
            alert = self._look(self.looked)
            if alert is not None:
                alerts.append(alert)
            if self.looked % LEARNS_EVERY == 0:
                self._learn(self.looked - LEARNS_AFTER)
        return alerts

    def _close(self, first: int) -> None:
        """Five minutes have settled; before the first mention there is nothing to expect."""
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
            # A crisis is not usual: its minutes are passed over, as if they had not been.
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
        if not lifecycle.is_open and self._passes_over(minutes, policy):
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
        # None where the first minutes of the shift are kept no more.
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
