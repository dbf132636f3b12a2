"""Crisis detection of one brand: records in, alerts out, in event time alone.

``observe`` takes a record, ``advance`` says how late it is when nothing comes; both look at every
minute that has passed since, in order, so that the same records and times give the same alerts
live, in a back-test and after a restart. A minute is looked at as soon as a later record comes:
what comes late counts from then on, and a count can only grow.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from msgspec import Struct, field

from brands.policy import channels_of, is_muted
from processors.detector.evidence import evidence, headline, rounded
from processors.detector.lifecycle import AlertLifecycle, Change, step
from processors.detector.severity import is_too_little, severity
from processors.detector.signals.window import LONG, WindowSummary, summarize
from processors.detector.state.baseline import Baseline, learn
from processors.detector.state.counts import (
    KEPT,
    BrandCounts,
    CountsState,
    Minute,
    minute_of,
    time_of,
    totals,
)
from processors.detector.state.volume import SETTLES, STEP, VolumeBaselines, VolumeBaselinesState
from schemas.activity import Activity
from schemas.alert import Alert
from schemas.brand import Brand
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
    usual: Baseline = field(default_factory=Baseline)
    volumes: VolumeBaselinesState = field(default_factory=VolumeBaselinesState)
    episode: AlertLifecycle = field(default_factory=AlertLifecycle)
    late: int = 0


class BrandDetector:
    """One brand. Not thread-safe; bounded memory."""

    def __init__(self, brand: Brand, state: DetectorState | None = None) -> None:
        state = state or DetectorState(brand=brand.id)
        self.brand = brand
        self._looked = state.looked
        self._counts = BrandCounts(state.counts)
        self._usual = state.usual
        self._volumes = VolumeBaselines(state.volumes)
        self._episode = state.episode
        self.late = state.late
        """Records that came too late to count, or twice."""

    def snapshot(self) -> DetectorState:
        """Everything, so that what is restored goes on the same."""
        return DetectorState(
            brand=self.brand.id,
            looked=self._looked,
            counts=self._counts.snapshot(),
            usual=self._usual,
            volumes=self._volumes.snapshot(),
            episode=self._episode,
            late=self.late,
        )

    @property
    def looked(self) -> int:
        """The minute up to which it has looked."""
        return self._looked

    def may_rest(self, silent: int = 0) -> bool:
        """Whether nothing can come of any minute before the next record.

        ``silent``: minutes since the newest one that anything was said in, at least.
        """
        episode, newest = self._episode, self._counts.newest
        if self._looked - newest < silent or episode.is_open or episode.above:
            return False
        first, end = self._looked - LONG, max(self._looked, newest + 1)
        return end - first < KEPT and is_too_little(
            self._counts.between(first, end), self.brand.alerts
        )

    @property
    def usual(self) -> Baseline:
        """What is usual of the brand, to read."""
        return self._usual

    def minutes(self, first: int, end: int) -> Sequence[Minute]:
        """The minutes that are kept, to read."""
        return self._counts.between(first, end)

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
        if not self._looked:
            self._looked = minute
        alerts: list[Alert] = []
        if minute - self._looked > _STRIDE:
            # Long silence: an open alert has closed in its first hour.
            alerts += self._look_up_to(self._looked + _STRIDE)
            self._looked = minute
        while self._looked < minute:
            self._looked += 1
            if self._looked % STEP == 0:
                self._close(self._looked - SETTLES - STEP)
            alert = self._look(self._looked)
            if alert is not None:
                alerts.append(alert)
            if self._looked % LEARNS_EVERY == 0:
                self._learn(self._looked - LEARNS_AFTER)
        return alerts

    def _close(self, first: int) -> None:
        """Five minutes have settled; before the first mention there is nothing to expect."""
        minutes = self._counts.between(first, first + STEP)
        if minutes or self._volumes.is_known:
            self._volumes.close(first, totals(minutes, STEP))

    def _learn(self, upto: int) -> None:
        usual, episode = self._usual, self._episode
        if (
            episode.is_open
            and upto >= episode.began
            and self._looked - episode.opened < MAX_UNLEARNT_MINUTES
        ):
            # A crisis is not usual: its minutes are passed over, as if they had not been.
            if usual.upto:
                usual.upto = upto
            return
        if not usual.upto and not self._counts.newest:
            return
        learn(usual, self._counts.between(usual.upto or upto - KEPT, upto), upto)

    def _look(self, now: int) -> Alert | None:
        usual, episode = self._usual, self._episode
        if not usual.upto or now - usual.first < HISTORY:
            return None
        minutes = self._counts.between(now - LONG, now)
        if not minutes and not episode.is_open and not episode.above:
            return None
        if not episode.is_open and is_too_little(minutes, self.brand.alerts):
            step(episode, now, 0)
            return None
        seen = summarize(minutes, usual, self._volumes, now)
        grade = severity(seen, self.brand.alerts, episode.severity)
        change = step(episode, now, grade)
        return self._alert(change, seen, minutes) if change else None

    def _alert(self, change: Change, seen: WindowSummary, minutes: Sequence[Minute]) -> Alert:
        episode, policy = self._episode, self.brand.alerts
        grade = episode.severity or episode.last
        at = time_of(seen.minute)
        facts = headline(self.brand.name, seen)
        return Alert(
            id=f"{self.brand.id}-{time_of(episode.opened):%Y-%m-%dT%H:%MZ}",
            brand=self.brand.id,
            version=seen.minute * 60_000_000,
            status=change,
            severity=grade,
            began_at=time_of(episode.began - 1),
            raised_at=at,
            title=crisis_title(facts, change, WIRE),
            signals=sorted(seen.signals.values(), key=lambda s: -(s.significance or 0)),
            evidence=evidence(minutes, self._usual, seen, self._shift(seen.minute)),
            channels=channels_of(policy, grade),
            muted=is_muted(policy, grade, at),
            headline=rounded(facts),
        )

    def _shift(self, now: int) -> Sequence[Minute]:
        """The minutes since the shift began; none where the first of them are kept no more."""
        began = self._episode.began - 1
        return self._counts.between(began, now) if began >= now - KEPT else []
