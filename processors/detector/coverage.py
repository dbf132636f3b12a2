"""Whether a silence is calm or blindness: sources that usually speak all the time and now do not.

A source is chatty if its records are a few minutes apart at most, told by a decayed mean. One that
has been silent for many times that is away; quiet is then no calm, and the desk is told since when.

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
            source: known.blind_since
            for source, known in self.sources.items()
            if known.blind_since is not None
        }

    def observe(self, source: str, at: datetime) -> list[Alert]:
        """A record of a source, by the time at which it was ingested."""
        known = self.sources.get(source)
        if known is None:
            self.sources[source] = SourceState(at)
            return []
        passed = (at - known.last).total_seconds()
        if passed < 0:
            return []
        if known.blind_since is not None:
            return self._back(source, known, at)
        known.last = at
        known.records += 1
        kept = min(_MEMORY, known.records / (known.records + 1))
        known.gap_s = known.gap_s * kept + passed * (1 - kept)
        return []

    def _back(self, source: str, known: SourceState, at: datetime) -> list[Alert]:
        since = known.blind_since
        # Its last record may come again after a restart; that is no news of it.
        if since is None or at <= since:
            return []
        known.last, known.blind_since = at, None
        return [_alert(source, since, at, WIRE.title.restored, is_over=True)]

    def silent(self, now: datetime) -> list[str]:
        """The sources that ``advance`` would call away."""
        return [
            source
            for source, known in sorted(self.sources.items())
            if known.blind_since is None
            and known.records >= LEARNT
            and known.gap_s <= CHATTY.total_seconds()
            and now - known.last > max(MIN_SILENCE, timedelta(seconds=TIMES * known.gap_s))
        ]

    def advance(self, now: datetime) -> list[Alert]:
        """It is ``now``, and all that was ingested before has been seen."""
        found = self._forget(now)
        for source in self.silent(now):
            known = self.sources[source]
            known.blind_since = since = known.last
            words = WIRE.title.blind.format(f"{since:%H:%M} UTC")
            found.append(_alert(source, since, now, words, is_over=False))
        return found

    def _forget(self, now: datetime) -> list[Alert]:
        found = []
        for source, known in sorted(self.sources.items()):
            if now - known.last <= FORGOTTEN:
                continue
            del self.sources[source]
            if known.blind_since is not None:
                words = f"silent for {FORGOTTEN.days} days, no longer expected"
                found.append(_alert(source, known.blind_since, now, words, is_over=True))
        return found

    def hear(self, others: Iterable["Coverage"]) -> list[Alert]:
        """What other processes have heard: a source that speaks to one of them is not away."""
        found: list[Alert] = []
        for other in others:
            for source, theirs in sorted(other.sources.items()):
                known = self.sources.get(source)
                if known is None or theirs.last <= known.last:
                    continue
                found += self._back(source, known, theirs.last)
                known.last = theirs.last
        return found

    def take_over(self, saved: "Coverage") -> None:
        """What was saved with a partition that is ours now; of each source the newest counts."""
        for source, theirs in saved.sources.items():
            known = self.sources.get(source)
            if known is None or theirs.last > known.last:
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
        self._found: dict[str, Silence] = {}

    def take(self, record: Activity) -> None:
        """The next record of any brand, in the order in which they were ingested."""
        at = heard_at(record)
        self._tell(self._coverage.advance(at))
        self._tell(self._coverage.observe(record.source, at))

    def silences(self, end: datetime) -> list[Silence]:
        """Those up to ``end``, in the order in which they began."""
        self._tell(self._coverage.advance(end))
        return sorted(self._found.values(), key=lambda one: (one.since, one.source))

    def _tell(self, alerts: Iterable[Alert]) -> None:
        for alert in alerts:
            source = alert.brand.partition(":")[2]
            known = self._found.get(alert.id, Silence(source, alert.began_at, None))
            self._found[alert.id] = known._replace(
                until=alert.raised_at if alert.status == "close" else None
            )
