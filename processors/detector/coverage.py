"""Whether a silence is calm or blindness: sources that usually speak all the time and now do not.

A source is chatty if its records are a few minutes apart at most, told by a decayed mean. One that
has been silent for many times that is away; quiet is then no calm, and an alert says since when.

Several processes hear a source, each on its own partitions. They come to the same alert under the
same id and versions, since each asks what the others heard before it calls a source away.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final, NamedTuple

import msgspec
from msgspec import Struct, field

from processors.detector.state.counts import time_of
from schemas.activity import Activity
from schemas.alert import Alert
from text.alert_title import WIRE

CHATTY: Final = timedelta(minutes=3)
"""Mean gap between records up to which silence says something."""
TIMES: Final = 20
"""Mean gaps of silence from which a source is away."""
MIN_SILENCE: Final = timedelta(minutes=15)
LEARNT: Final = 100
"""Records of a source before its mean gap is believed."""
FORGOTTEN: Final = timedelta(days=7)
"""Silence after which a source is no longer expected to speak."""
LIVE: Final = timedelta(hours=1)
"""Age up to which a record was heard as it was written; older ones were read from a file."""
_MEMORY: Final = 0.98
SEVERITY: Final = 2


class SourceState(Struct):
    """One source, as records of all brands show it."""

    last: datetime
    gap_s: float = 0.0
    records: int = 0
    blind_since: datetime | None = None


class Silence(NamedTuple):
    """A time in which a source was away; ``until`` is None where it still is."""

    source: str
    since: datetime
    until: datetime | None


class Coverage(Struct):
    """Sources by name. Pure: times come from records and from ``advance``."""

    sources: dict[str, SourceState] = field(default_factory=dict)

    @property
    def blind(self) -> dict[str, datetime]:
        """The sources that are away, with the time of their last record."""
        return {
            source: state.blind_since
            for source, state in self.sources.items()
            if state.blind_since is not None
        }

    def observe(self, source: str, at: datetime) -> list[Alert]:
        """A record of a source, by the time at which it was ingested."""
        state = self.sources.get(source)
        if state is None:
            self.sources[source] = SourceState(at)
            return []
        passed = (at - state.last).total_seconds()
        if passed < 0:
            return []
        if state.blind_since is not None:
            return self._back(source, state, at)
        state.last = at
        state.records += 1
        kept = min(_MEMORY, state.records / (state.records + 1))
        state.gap_s = state.gap_s * kept + passed * (1 - kept)
        return []

    def _back(self, source: str, state: SourceState, at: datetime) -> list[Alert]:
        since = state.blind_since
        # Its last record may come again after a restart; that is no news of it.
        if since is None or at <= since:
            return []
        state.last, state.blind_since = at, None
        return [_alert(source, since, at, WIRE.title.restored, is_over=True)]

    def silent(self, now: datetime) -> list[str]:
        """The sources that ``advance`` would call away."""
        return [
            source
            for source, state in sorted(self.sources.items())
            if state.blind_since is None
            and state.records >= LEARNT
            and state.gap_s <= CHATTY.total_seconds()
            and now - state.last > max(MIN_SILENCE, timedelta(seconds=TIMES * state.gap_s))
        ]

    def advance(self, now: datetime) -> list[Alert]:
        """It is ``now``, and all that was ingested before has been seen."""
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
        """What other processes have heard: a source that speaks to one of them is not away."""
        alerts: list[Alert] = []
        for other in others:
            for source, theirs in sorted(other.sources.items()):
                state = self.sources.get(source)
                if state is None or theirs.last <= state.last:
                    continue
                alerts += self._back(source, state, theirs.last)
                state.last = theirs.last
        return alerts

    def take_over(self, saved: "Coverage") -> None:
        """What was saved with a partition that is ours now; of each source the newest counts."""
        for source, theirs in saved.sources.items():
            state = self.sources.get(source)
            if state is None or theirs.last > state.last:
                self.sources[source] = msgspec.structs.replace(theirs)


def _alert(source: str, since: datetime, at: datetime, words: str, *, is_over: bool) -> Alert:
    minute = since.replace(second=0, microsecond=0)
    return Alert(
        id=f"blind-{source}-{minute:%Y-%m-%dT%H:%MZ}",
        brand=f"source:{source}",
        # Nothing of who tells it, and when: whoever does it second repeats it.
        version=int(minute.timestamp()) * 1_000_000 + is_over,
        status="close" if is_over else "open",
        severity=SEVERITY,
        began_at=time_of(int(since.timestamp()) // 60),
        raised_at=at,
        title=f"{source}: {words}",
        kind="blind",
    )


def heard_at(record: Activity) -> datetime:
    """When a record was heard; by its own time where it was read from a file long afterwards."""
    return record.ingested_at if record.ingested_at - record.at <= LIVE else record.at


class Listening:
    """The silences of records that are passed through it, as the live detector would tell them."""

    def __init__(self) -> None:
        self._coverage = Coverage()
        self._silences: dict[str, Silence] = {}

    def take(self, record: Activity) -> None:
        """The next record of any brand, in the order in which they were ingested."""
        at = heard_at(record)
        self._tell(self._coverage.advance(at))
        self._tell(self._coverage.observe(record.source, at))

    def silences(self, end: datetime) -> list[Silence]:
        """Those up to ``end``, in the order in which they began."""
        self._tell(self._coverage.advance(end))
        return sorted(self._silences.values(), key=lambda silence: (silence.since, silence.source))

    def _tell(self, alerts: Iterable[Alert]) -> None:
        for alert in alerts:
            source = alert.brand.partition(":")[2]
            until = alert.raised_at if alert.status == "close" else None
            self._silences[alert.id] = Silence(source, alert.began_at, until)
