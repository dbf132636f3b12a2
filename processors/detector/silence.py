"""Tells calm from blindness: finds sources that usually send all the time and now are silent.

A source is chatty if its records are a few minutes apart at its busiest hour. A chatty source that
has missed many records is blind, and an alert says since when. How many it has missed is judged by
what it sends at that hour (`source_rhythm`): most sources sleep at night.

Several processes hear a source, each on its own partitions. All write the same alert under the same
id and versions, since each reads what the others heard before it calls a source blind.
"""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Final, NamedTuple

import msgspec
from msgspec import Struct, field

from processors.detector.event_time import EARLIEST
from processors.detector.state.counts import time_of
from processors.detector.state.source_rhythm import SourceRhythm
from schemas.activity import Activity
from schemas.alert import Alert
from schemas.coverage import CoverageInterval, interval_id
from text.alert_title import WIRE

CHATTY: Final = timedelta(minutes=3)
"""Maximum mean gap between records of a chatty source, at its busiest hour."""
TIMES: Final = 20
"""Usual records that a blind source has missed. By chance alone 8 would do; records come in bursts.
"""
MIN_SILENCE: Final = timedelta(minutes=15)
LEARNT: Final = 100
"""Records of a source before its mean gap counts."""
FORGOTTEN: Final = timedelta(days=7)
"""Silence after which a source is no longer expected."""
LIVE: Final = timedelta(hours=1)
"""Maximum age of a live record; older ones were read from a file."""
_MEMORY: Final = 0.98
SEVERITY: Final = 2
MAX_SOURCES: Final = 1_000
"""Sources are named by posts; beyond this many, the one that was heard longest ago is dropped."""
MAX_NAME: Final = 200
"""Characters of a source's name."""
TOLD_EVERY: Final = timedelta(minutes=1)
"""How often the record of a source that is still blind is told again."""


class SourceState(Struct):
    last: datetime
    gap_s: float = 0.0
    records: int = 0
    blind_since: datetime | None = None
    rhythm: SourceRhythm = field(default_factory=SourceRhythm)
    """Empty in states that are older than this field: its hours are learnt anew."""

    def is_silent(self, now: datetime) -> bool:
        """Whether it has missed so many records that it is blind."""
        silence = now - self.last
        if self.records < LEARNT or silence <= MIN_SILENCE:
            return False
        if self.rhythm.is_young:
            gap = timedelta(seconds=self.gap_s)
            return gap <= CHATTY and silence > TIMES * gap
        if self.rhythm.busiest * CHATTY.total_seconds() < 60:
            return False
        return self.rhythm.missed(self.last, now, TIMES) > TIMES


class Silence(NamedTuple):
    """A time in which a source was blind; ``until`` is None if it still is."""

    source: str
    since: datetime
    until: datetime | None


class Coverage(Struct):
    """Sources by name. Pure: times come from records and from ``advance``."""

    sources: dict[str, SourceState] = field(default_factory=dict)

    @property
    def blind(self) -> dict[str, datetime]:
        """The blind sources with the times of their last records."""
        return {name: s.blind_since for name, s in self.sources.items() if s.blind_since}

    def observe(self, source: str, at: datetime) -> list[Alert]:
        """Take a record of a source, by its ingestion time."""
        source = source[:MAX_NAME]
        state = self.sources.get(source)
        if state is None:
            state = self.sources[source] = SourceState(at)
            state.rhythm.learn(at)
            return self._bound(at)
        passed = (at - state.last).total_seconds()
        if passed < 0:
            return []
        if state.blind_since is not None:
            return self._back(source, state, at)
        state.last = at
        state.records += 1
        state.rhythm.learn(at)
        kept = min(_MEMORY, state.records / (state.records + 1))
        state.gap_s = state.gap_s * kept + passed * (1 - kept)
        return []

    def _bound(self, at: datetime) -> list[Alert]:
        """Drop the sources that were heard longest ago; the alert of a blind one ends."""
        alerts = []
        while len(self.sources) > MAX_SOURCES:
            name = min(self.sources, key=lambda source: self.sources[source].last)
            state = self.sources.pop(name)
            if state.blind_since is not None:
                words = "not heard for longest of too many sources, no longer expected"
                alerts.append(_alert(name, state.blind_since, at, words, is_over=True))
        return alerts

    def horizon(self) -> timedelta | None:
        """How long without any record event time may go on; None if no source is known well.

        The quickest source would have been heard by then: later minutes are not silent but unheard.
        """
        gaps = [state.gap_s for state in self.sources.values() if state.records >= LEARNT]
        return max(MIN_SILENCE, TIMES * timedelta(seconds=min(gaps))) if gaps else None

    def _back(self, source: str, state: SourceState, at: datetime) -> list[Alert]:
        since = state.blind_since
        # Its last record may be read again after a restart.
        if since is None or at <= since:
            return []
        state.last, state.blind_since = at, None
        state.rhythm.learn(at, was_blind=True)
        return [_alert(source, since, at, WIRE.title.restored, is_over=True)]

    def silent(self, now: datetime) -> list[str]:
        """The sources that ``advance`` would call blind."""
        return [
            source
            for source, state in sorted(self.sources.items())
            if state.blind_since is None and state.is_silent(now)
        ]

    def advance(self, now: datetime) -> list[Alert]:
        """Advance to ``now``: everything ingested earlier has been observed."""
        alerts = self._forget(now)
        for source in self.silent(now):
            state = self.sources[source]
            state.blind_since = since = state.last
            words = WIRE.title.blind.format(f"{since:%H:%M} UTC")
            alerts.append(_alert(source, since, now, words, is_over=False))
        return alerts

    def _forget(self, now: datetime) -> list[Alert]:
        alerts = []
        for source, state in sorted(self.sources.items()):
            if now - state.last <= FORGOTTEN:
                continue
            del self.sources[source]
            if state.blind_since is not None:
                words = f"silent for {FORGOTTEN.days} days, no longer expected"
                alerts.append(_alert(source, state.blind_since, now, words, is_over=True))
        return alerts

    def hear(self, others: Iterable["Coverage"]) -> list[Alert]:
        """Merge what other processes heard; a source that one of them hears is not blind."""
        alerts: list[Alert] = []
        for other in others:
            for source, theirs in sorted(other.sources.items()):
                state = self.sources.get(source)
                if state is None or theirs.last <= state.last:
                    continue
                alerts += self._back(source, state, theirs.last)
                state.last = theirs.last
        return alerts

    def take_over(self, saved: "Coverage", now: datetime | None = None) -> None:
        """Merge the ledger of an assigned partition; of each source the newest state counts.

        None was heard after ``now``.
        """
        for source, theirs in saved.sources.items():
            last = theirs.last if now is None else min(theirs.last, now)
            state = self.sources.get(source)
            if state is None or last > state.last:
                # A copy: both go on by themselves.
                rhythm = msgspec.structs.replace(
                    theirs.rhythm,
                    records=list(theirs.rhythm.records),
                    minutes=list(theirs.rhythm.minutes),
                )
                self.sources[source] = msgspec.structs.replace(theirs, last=last, rhythm=rhythm)
        self._bound(EARLIEST)


def _alert(source: str, since: datetime, at: datetime, words: str, *, is_over: bool) -> Alert:
    minute = since.replace(second=0, microsecond=0)
    return Alert(
        id=f"blind-{source}-{minute:%Y-%m-%dT%H:%MZ}",
        brand=f"source:{source}",
        # Without the process and its time: the alert of a second process is a repetition.
        version=int(minute.timestamp()) * 1_000_000 + is_over,
        status="close" if is_over else "open",
        severity=SEVERITY,
        began_at=time_of(int(since.timestamp()) // 60),
        raised_at=at,
        title=f"{source}: {words}",
        kind="blind",
    )


def blind_interval(alert: Alert) -> CoverageInterval:
    """The record of coverage for an alert of ours; any process writes the same one."""
    source = alert.brand.partition(":")[2] or "unknown"
    is_over = alert.status == "close"
    return CoverageInterval(
        id=interval_id("detector", "blind", source, "", alert.began_at),
        version=alert.version,
        source=source,
        state="blind",
        why="silent",
        told_by="detector",
        told_at=alert.raised_at,
        from_=alert.began_at,
        to=max(alert.began_at, alert.raised_at) if is_over else None,
    )


class BlindRecords:
    """Tells alerts of silence as records of coverage too. ``put`` returns at once.

    A record that is open is told again while it is: a kill may have come between alert and record.
    """

    def __init__(self, put: Callable[[CoverageInterval], None]) -> None:
        self._put = put
        self._told_at: datetime | None = None

    def take(self, alerts: Iterable[Alert]) -> None:
        for alert in alerts:
            if alert.kind == "blind":
                self._put(blind_interval(alert))

    def repeat(self, coverage: Coverage, now: datetime) -> None:
        if self._told_at is not None and timedelta(0) <= now - self._told_at < TOLD_EVERY:
            return
        self._told_at = now
        for source, since in sorted(coverage.blind.items()):
            self._put(blind_interval(_alert(source, since, now, "", is_over=False)))


def heard_at(record: Activity) -> datetime:
    """When a record was ingested, or written if it was read from a file much later."""
    return record.ingested_at if record.ingested_at - record.at <= LIVE else record.at


class Listening:
    """Collects the silences that the live detector would have found in past records."""

    def __init__(self) -> None:
        self._coverage = Coverage()
        self._silences: dict[str, Silence] = {}

    def take(self, record: Activity) -> None:
        """Take the records of all brands in the order of their ingestion."""
        at = heard_at(record)
        self._collect(self._coverage.advance(at))
        self._collect(self._coverage.observe(record.source, at))

    def silences(self, end: datetime) -> list[Silence]:
        """The silences up to ``end``, in the order of their beginnings."""
        self._collect(self._coverage.advance(end))
        return sorted(self._silences.values(), key=lambda silence: (silence.since, silence.source))

    def _collect(self, alerts: Iterable[Alert]) -> None:
        for alert in alerts:
            source = alert.brand.partition(":")[2]
            until = alert.raised_at if alert.status == "close" else None
            self._silences[alert.id] = Silence(source, alert.began_at, until)
