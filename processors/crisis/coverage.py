"""Whether a silence is calm or blindness: sources that usually speak all the time and now do not.

A source is chatty if its records are a few minutes apart at most, told by a decayed mean. One that
has been silent for many times that is away; quiet is then no calm, and the desk is told since when.
"""

from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct, field

from processors.crisis.counts import time_of
from schemas.alert import Alert

CHATTY: Final = timedelta(minutes=3)
"""Mean gap between records up to which silence says something."""
TIMES: Final = 20
"""Mean gaps of silence from which a source is away."""
LEAST: Final = timedelta(minutes=15)
LEARNT: Final = 100
"""Records of a source before its mean gap is believed."""
_MEMORY: Final = 0.98
SEVERITY: Final = 2


class SourceState(Struct):
    """One source, as records of all brands show it."""

    last: datetime
    gap_s: float = 0.0
    records: int = 0
    blind_since: datetime | None = None


class Coverage(Struct):
    """Sources by name. Pure: times come from records and from ``advance``."""

    sources: dict[str, SourceState] = field(default_factory=dict)

    def observe(self, source: str, at: datetime) -> list[Alert]:
        """A record of a source, by the time at which it was ingested."""
        known = self.sources.get(source)
        if known is None:
            self.sources[source] = SourceState(at)
            return []
        passed = (at - known.last).total_seconds()
        if passed < 0:
            return []
        known.last = at
        known.records += 1
        if known.blind_since is None:
            kept = min(_MEMORY, known.records / (known.records + 1))
            known.gap_s = known.gap_s * kept + passed * (1 - kept)
            return []
        since, known.blind_since = known.blind_since, None
        return [_alert(source, since, at, is_over=True)]

    def advance(self, now: datetime) -> list[Alert]:
        """It is ``now``, and all that was ingested before has been seen."""
        found = []
        for source, known in sorted(self.sources.items()):
            if known.blind_since is not None or known.records < LEARNT:
                continue
            if known.gap_s > CHATTY.total_seconds():
                continue
            limit = max(LEAST, timedelta(seconds=TIMES * known.gap_s))
            if now - known.last > limit:
                known.blind_since = known.last
                found.append(_alert(source, known.last, now, is_over=False))
        return found


def _alert(source: str, since: datetime, at: datetime, *, is_over: bool) -> Alert:
    minute = since.replace(second=0, microsecond=0)
    words = "speaks again" if is_over else f"blind since {minute:%H:%M} UTC, quiet may not be calm"
    return Alert(
        id=f"blind-{source}-{minute:%Y-%m-%dT%H:%MZ}",
        brand=f"source:{source}",
        version=int(at.timestamp()) * 1_000_000,
        status="close" if is_over else "open",
        severity=SEVERITY,
        began_at=time_of(int(since.timestamp()) // 60),
        raised_at=at,
        title=f"{source}: {words}",
        kind="blind",
    )
