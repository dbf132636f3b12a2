"""Crisis detection of one brand: records in, alerts out, in event time alone.

``observe`` and ``advance`` look at every minute that has passed, in order: the same records and
times give the same alerts live, in a back-test and after a restart. A minute is looked at as soon
as a later record comes. A record that comes for a minute that has been looked at counts all the
same, and ``advance`` looks again at the windows that it touches: what they show is told as found
afterwards, once.
"""

from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from datetime import datetime
from typing import Final

from msgspec.structs import replace

from brands.alert_policy import is_declared
from processors.detector.afterwards import (
    Retold,
    Told,
    afterwards,
    alert_id,
    overlapping,
    taken_up,
    told_and_open,
)
from processors.detector.evidence import alert_of, evidence
from processors.detector.lifecycle import AlertLifecycle, Change
from processors.detector.severity import is_below_minimum, severity
from processors.detector.signals.calm import is_calm, stays_calm
from processors.detector.signals.summary import WindowSummary, summarize
from processors.detector.state.baseline import LEARNS_AFTER, Baseline
from processors.detector.state.brand_state import DetectorState
from processors.detector.state.counts import (
    DETAILED,
    KEPT,
    LATENESS,
    BrandCounts,
    minute_of,
    time_of,
)
from processors.detector.state.late_counts import MAX_LATE, LateCounts
from processors.detector.state.minute import AnyMinute, Minute
from processors.detector.state.volume import SETTLES, STEP, VolumeBaselines
from processors.detector.state.window import LONG, SHORT, Window, totals
from schemas.activity import Activity
from schemas.alert import Alert
from schemas.brand import Brand

LEARNS_EVERY: Final = 10
HISTORY: Final = 180
"""Minutes that a brand must be known before anything is unusual."""
MIN_MENTIONS: Final = 1_000
"""Mentions before the first live one that make a past: fewer may be posts that claim old dates, to
pass as hours in which the brand was hardly mentioned."""
MAX_RUN: Final = 240
"""Minutes of one run of late mentions that are looked at again together."""
MAX_LOOKS_AGAIN: Final = 600
"""Minutes that one ``advance`` looks at again; the rest is left to the next one."""
AT_ONCE: Final = 5
"""Of these minutes, between two parts of an ``advancing``."""
MAX_TOLD: Final = 64
"""Alerts that are remembered, to tell none of them again."""
MAX_UNLEARNT_MINUTES: Final = 24 * 60
"""Minutes after which an open alert's volume is learnt: it is the new usual."""
_STRIDE: Final = 24 * 60
"""Minutes of silence that are looked at one by one; later ones show nothing."""


class BrandDetector:
    """One brand. Not thread-safe; bounded memory.

    ``thorough``: compute the signals of every window, also of one that is calm by its numbers.
    ``known``: the minute since which its mentions would have been heard, if any. ``tally`` counts
    records and looks by what became of them.
    """

    def __init__(
        self,
        brand: Brand,
        state: DetectorState | None = None,
        thorough: bool = False,
        known: int | None = None,
        tally: Counter[str] | None = None,
    ) -> None:
        state = state or DetectorState(brand=brand.id, heard=0)
        self.brand = brand
        self.looked = state.looked
        """The last minute that was judged."""
        self.known = known
        self.tally: Counter[str] = Counter() if tally is None else tally
        self.looks = 0
        """Windows whose signals were computed: that costs some milliseconds each."""
        self.failure: Exception | None = None
        """Why the last look failed, if one did."""
        self._heard = state.heard
        self._counts = BrandCounts(state.counts)
        self._late = LateCounts(state.afterwards)
        self._baseline = state.baseline
        self.volumes = VolumeBaselines(state.volumes)
        """Its counts may be learnt from outside, together with those of other brands."""
        self._lifecycle, self._recurrence = state.lifecycle, state.recurrence
        # Older states remember an alert that is found afterwards and goes on as one that is over.
        opened = alert_id(brand.id, state.lifecycle.opened) if state.lifecycle.is_open else ""
        self._told = [one for one in state.told if one.id != opened]
        self._thorough = thorough

    def snapshot(self) -> DetectorState:
        """The live state: encode it before the detector goes on.

        It names no post older than the evidence of a new alert, but for the shift of an open one.
        """
        lifecycle, before = self._lifecycle, self.looked - DETAILED - LATENESS
        if lifecycle.is_open or lifecycle.above:
            before = min(before, lifecycle.began - 1)
        self._counts.strip(before)
        return DetectorState(
            brand=self.brand.id,
            looked=self.looked,
            counts=self._counts.snapshot(),
            baseline=self._baseline,
            volumes=self.volumes.snapshot(),
            lifecycle=self._lifecycle,
            heard=self._heard,
            afterwards=self._late.snapshot(),
            told=self._told,
            recurrence=self._recurrence,
        )

    def forget_posts(self) -> None:
        """Drop what names posts and authors; the numbers of minutes stay, but not of late ones."""
        self._late = LateCounts()
        self._counts.strip(max(self.looked, self._counts.newest) + 1)

    def is_idle(self, min_silence: int = 0) -> bool:
        """Whether no minute before the next record can raise an alert.

        ``min_silence``: minutes that must have passed since the newest mention.
        """
        lifecycle, newest = self._lifecycle, self._counts.newest
        is_active = lifecycle.is_open or lifecycle.above or self._late or self._thorough
        if self.looked - newest < min_silence or is_active:
            return False
        first, end = self.looked - LONG, max(self.looked, newest + 1)
        minutes = self._counts.numbers_between(first, end)
        policy, baseline = self.brand.alerts, self._baseline
        if end - first >= KEPT:
            return False
        if is_below_minimum(minutes, policy):
            return True
        unlearnt = self._counts.mentions
        return stays_calm(minutes, self.looked, policy, baseline, self.volumes, unlearnt)

    def close_minutes(self) -> None:
        """Keep the minutes in less memory, unless looks need the whole of them."""
        if not (self._lifecycle.is_open or self._lifecycle.above):
            self._counts.close()

    @property
    def names_posts_until(self) -> int | None:
        """The minute after which a snapshot would name no post any more; None if it names none."""
        if not self.names_posts:
            return None
        return self._counts.newest + DETAILED + LATENESS + 1

    @property
    def names_posts(self) -> bool:
        """Whether a snapshot names a post or an author."""
        return self._counts.names_posts() or self._late.names_posts()

    def observe(self, record: Activity) -> list[Alert]:
        """Take a record; returns the alerts of the minutes that it ends."""
        minute = minute_of(record.at)
        alerts = self._look_up_to(minute)
        self._hear(record, minute)
        if minute >= self.looked - LATENESS:
            counted = self._counts.add(record)
            if counted and minute < self.looked - SHORT:
                # The next windows of half an hour hold it, those of a few minutes do not.
                self._late.touch(minute, self.looked)
        elif minute < self.looked - MAX_LATE:
            self.tally["lost"] += 1
            return alerts
        else:
            counted = not self._counts.knows(record) and self._late.add(record, self.looked)
            self.tally["made_up"] += counted
        self.tally["repeated"] += not counted
        if self._late.is_full:
            alerts += self.look_again(MAX_LOOKS_AGAIN)
            self._rest()
        return alerts

    def _hear(self, record: Activity, minute: int) -> None:
        """Note since when the brand is heard, at its first live record.

        Only what was heard is a past: a post that claims an old date is none, and silence is one if
        the brand was known and its sources were heard.
        """
        if self._heard:
            return
        known, newest = self.known, self._counts.newest
        has_past = self._baseline.mentions >= MIN_MENTIONS and minute - newest <= KEPT
        if known is not None and known < minute and not has_past:
            self._baseline, self.volumes = Baseline(), VolumeBaselines()
            self._baseline.begin(known)
            self._baseline.learn([], minute - LEARNS_AFTER)
            self._heard = known
        elif (ingested := minute_of(record.ingested_at)) - minute <= KEPT:
            if newest and not has_past:
                self._baseline, self.volumes = Baseline(), VolumeBaselines()
            # By the ingestion: posts of the last ninety minutes may be written at once, too.
            self._heard = self._baseline.first if has_past else ingested - LEARNS_AFTER

    def advance(self, now: datetime, looks: int = MAX_LOOKS_AGAIN) -> list[Alert]:
        """Advance event time; ``looks``: how many minutes may be looked at again."""
        return [alert for alerts in self.advancing(now, looks) for alert in alerts]

    def advancing(self, now: datetime, looks: int) -> Iterator[list[Alert]]:
        """``advance`` in parts of at most ``AT_ONCE`` late windows; nothing may come between."""
        yield self._look_up_to(minute_of(now))
        if looks > 0 and self._late.has_settled(self.looked):
            yield from self._looking_again(looks)

    @property
    def late_minutes(self) -> int:
        """Minutes whose windows wait to be looked at again."""
        return len(self._late.dirty)

    def look_again(self, looks: int) -> list[Alert]:
        """Look at the windows of late mentions, oldest first; returns what was not told yet."""
        return [alert for alerts in self._looking_again(looks) for alert in alerts]

    def _looking_again(self, looks: int) -> Iterator[list[Alert]]:
        while looks > 0 and (run := self._late.run(MAX_RUN)):
            first, last = run
            end = min(last + LONG, self.looked)
            looks -= yield from self._looking_at_run(first + 1, end)
            self._late.looked_at(first, last)

    def _looking_at_run(self, first: int, end: int) -> Generator[list[Alert], None, int]:
        """Returns how many minutes it has looked at: a storm is followed until it is over."""
        lane = AlertLifecycle()
        retold = Retold(self.brand.id, self._told, self._lifecycle, self.looked)
        minute, beyond = first - 1, min(end + KEPT, self.looked)
        while minute < end or (lane.is_open and minute < beyond):
            minute += 1
            state = self._look(minute, lane, _NO_VOLUMES)
            if state is not None:
                retold.take(state, lane, minute)
            if (minute - first) % AT_ONCE == AT_ONCE - 1:
                yield []
        if retold.end(lane, minute):
            self._lifecycle = lane
        alerts = retold.alerts
        if retold.reopened is not None:
            alerts.append(self._reopened(lane, minute, retold.reopened.version))
        self._told = retold.told[-MAX_TOLD:]
        yield [afterwards(alert) for alert in alerts]
        return max(minute + 1 - first, 1)

    def _reopened(self, lane: AlertLifecycle, minute: int, version: int) -> Alert:
        """The present state of an alert that was over and goes on."""
        window = Window(self._between(minute - LONG, minute), minute)
        summary = summarize(window, self._baseline, _NO_VOLUMES)
        state = self._alert("update", window, summary, lane)
        return replace(state, version=max(state.version, version + 1))

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
            try:
                alert = self._pass(self.looked)
            except Exception as error:  # noqa: BLE001
                # A policy or a state that breaks costs its brand this minute, and nobody else.
                self.failure = error
                self.tally["failed"] += 1
                continue
            if alert is not None:
                alerts.append(alert)
        return alerts

    def _pass(self, minute: int) -> Alert | None:
        if minute % STEP == 0:
            self._count_volumes(minute - SETTLES - STEP)
        alert = self._look(minute, self._lifecycle, self.volumes)
        if alert is not None and alert.status == "close":
            lifecycle = self._lifecycle
            told = Told(alert.id, lifecycle.began, minute, alert.severity, alert.version)
            self._told = [*self._told, told][-MAX_TOLD:]
        if minute % LEARNS_EVERY == 0:
            self._learn(minute - LEARNS_AFTER)
            self._rest()
        return alert

    def _rest(self) -> None:
        """Learn the late minutes once no more come, except those of a crisis."""
        if not self._late:
            return
        minutes = self._late.rested(self.looked, self.looked - LEARNS_AFTER)
        told = told_and_open(self._told, self.brand.id, self._lifecycle, self.looked)
        if self._baseline.upto:
            self._baseline.learn_late(
                [m for m in minutes if not overlapping(told, m.start, m.start, 0)]
            )

    def _count_volumes(self, first: int) -> None:
        minutes = self._counts.between(first, first + STEP)
        if minutes or self.volumes.is_known:
            self.volumes.close(first, totals(minutes, STEP))

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

    def _is_warm(self, now: int) -> bool:
        baseline = self._baseline
        if not baseline.upto:
            return False
        # A minute before the brand was heard live belongs to a past that is read at once.
        first = max(baseline.first, self._heard) if now >= self._heard else baseline.first
        return now - first >= HISTORY

    def _between(self, first: int, end: int) -> list[Minute]:
        """The minutes with mentions, those in time and late ones; a minute may have one of each."""
        if not self._late:
            return self._counts.between(first, end)
        minutes = range(first, end)
        both = (one for at in minutes for one in (self._counts.get(at), self._late.get(at)))
        return [minute for minute in both if minute is not None]

    def _look(self, now: int, lifecycle: AlertLifecycle, volumes: VolumeBaselines) -> Alert | None:
        policy, first = self.brand.alerts, now - LONG
        numbers: Sequence[AnyMinute] = (
            self._between(first, now) if self._late else self._counts.numbers_between(first, now)
        )
        if not self._is_warm(now) or not (numbers or lifecycle.is_open or lifecycle.above):
            return None
        if not lifecycle.is_open and self._is_calm(now, numbers, volumes):
            lifecycle.step(now, 0)
            return None
        minutes = self._between(first, now)
        self.looks += 1
        window = Window(minutes, now)
        summary = summarize(window, self._baseline, volumes)
        is_new = lifecycle is self._lifecycle and (
            lifecycle.is_open or not is_below_minimum(minutes, policy)
        )
        declared = is_declared(policy, time_of(now), LONG)
        summary = self._recurrence.judged(now, summary, declared, is_new)
        change = lifecycle.step(now, severity(summary, policy, lifecycle.severity))
        if change == "open" and lifecycle is self._lifecycle:
            change = taken_up(self._told, lifecycle)
        return self._alert(change, window, summary, lifecycle) if change else None

    def _is_calm(self, now: int, minutes: Sequence[AnyMinute], volumes: VolumeBaselines) -> bool:
        """Whether a window is proved to open no alert and to be no peak."""
        policy = self.brand.alerts
        return not self._thorough and (
            is_below_minimum(minutes, policy)
            or (
                not self._recurrence.peers(now)
                and is_calm(minutes, now, policy, self._baseline, volumes)
            )
        )

    def _alert(
        self, change: Change, window: Window, summary: WindowSummary, lifecycle: AlertLifecycle
    ) -> Alert:
        began = lifecycle.began - 1
        # Empty once the first minutes of the shift have expired.
        shift = self._between(began, window.end) if began >= window.end - KEPT else []
        shown = evidence(window, self._baseline, shift)
        return alert_of(self.brand, change, window.end, summary, lifecycle, shown, self.looked)


_NO_VOLUMES: Final = VolumeBaselines()
"""The model of volumes knows the present alone: windows of the past are judged without it."""
