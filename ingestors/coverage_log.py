"""Follows one source and says what of its time was heard, late, unheard or lost. Pure.

- A source that is read is ``listening``, from the moment until which everything was handed over.
- One that is not connected, not read, or behind its platform is ``late``: its posts may still come.
  The interval ends, and is made up for, once everything up to now was handed over again.
- The time in which no ingestor ran is ``away``: from the last checkpoint, or from the stop, to the
  next connection. It is made up for in the same way. What the platform does not repeat is a ``gap``
  beside it: the source tells that.
- A source that has never been heard has no position to resume at, so what it misses is ``away`` and
  stays so.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

import msgspec
from msgspec.structs import replace

from ingestors.source import Gap
from schemas.bounds import clean_text
from schemas.coverage import (
    MAX_DETAIL,
    CoverageInterval,
    CoverageReason,
    CoverageState,
    interval_id,
    source_and_part,
)
from schemas.ids import microseconds

SETTLED: Final = timedelta(seconds=10)
"""A connection that is back within it ends no interval: the source resumes, or tells a gap."""
MAX_BEHIND: Final = timedelta(minutes=1)
"""A source that is further behind is late, until it is behind by half of it."""
MAX_UNFINISHED: Final = 50
"""Intervals that wait to be made up for; the oldest ones then stay as they were told."""


class Seen(NamedTuple):
    """One look at a source; ``why`` and ``detail`` are those of an obstacle, if there is one."""

    why: CoverageReason | None = None
    detail: str | None = None
    heard_until: datetime | None = None
    played: tuple[datetime, datetime] | None = None
    gaps: Sequence[Gap] = ()


class CoverageLog:
    """The intervals of one source. Each method returns the records to tell, oldest first.

    ``every``: an open interval is told again after it. ``is_live``: what nobody reads is missed.
    """

    def __init__(self, source_id: str, *, is_live: bool, every: timedelta) -> None:
        self.source, self.part = source_and_part(source_id)
        self.is_live = is_live
        self._every = every
        self._open: CoverageInterval | None = None
        self._unmade: list[CoverageInterval] = []
        self._can_resume = False
        self._floor: datetime | None = None
        """Nothing begins before it: the end of what was told."""
        self._obstacle: tuple[datetime, CoverageReason] | None = None

    @property
    def unfinished(self) -> list[CoverageInterval]:
        """What the next start has to end: the interval that lasts, and those not made up for."""
        lasts = [] if self._open is None or self._open.to is not None else [self._open]
        return [*self._unmade, *lasts]

    def start(
        self, now: datetime, saved_at: datetime | None, left: Iterable[Any] = ()
    ) -> list[CoverageInterval]:
        """Begin at ``now`` with the checkpoint of ``saved_at`` and what it left ``unfinished``."""
        self._can_resume, self._floor = saved_at is not None or not self.is_live, now
        told = []
        for record in self._of_before(left):
            if record.to is None and record.state == "away":
                self._open = record
            elif record.to is None and saved_at is not None:
                # What was heard after the checkpoint is heard again.
                record = _told(replace(record, to=max(record.from_, saved_at)), now)
                told.append(record)
                self._await(record)
            else:
                self._await(record)
        if self.is_live and saved_at is not None and self._open is None:
            self._open = self._interval("away", "killed", min(saved_at, now), now)
            told.append(self._open)
        return told

    def _of_before(self, left: Iterable[Any]) -> list[CoverageInterval]:
        """The records of an earlier run; what cannot be read, or is another source's, is left."""
        records = []
        for each in left:
            try:
                record = msgspec.convert(each, CoverageInterval)
            except msgspec.ValidationError:
                continue
            if (record.source, record.part) == (self.source, self.part):
                records.append(record)
        return records[-MAX_UNFINISHED:]

    def observe(self, now: datetime, seen: Seen) -> list[CoverageInterval]:
        told = [
            self._interval(
                "gap",
                gap.why,
                gap.since,
                now,
                to=max(gap.since, gap.until),
                lost=gap.lost,
                detail=gap.detail,
            )
            for gap in seen.gaps
        ]
        if seen.played is not None:
            return told + self._play(now, *seen.played)
        told += self._change(now, seen)
        if seen.heard_until is not None:
            told += self._make_up(now, seen.heard_until)
        return told + self._repeat(now)

    def stop(
        self, now: datetime, why: CoverageReason | None, detail: str | None = None
    ) -> list[CoverageInterval]:
        """End at ``now``; ``why`` is None of a source that came to its end."""
        told = self._close(now, now)
        if self.is_live and why is not None:
            self._open = self._interval("away", why, now, now, detail=detail)
            told.append(self._open)
        return told

    # --- transitions ----------------------------------------------------------------------------

    def _change(self, now: datetime, seen: Seen) -> list[CoverageInterval]:
        """End the interval that lasts and begin another, if the state is another one."""
        state = None if self._open is None else self._open.state
        if seen.why is not None:
            since, why = self._obstacle = self._obstacle or (now, seen.why)
            if now - since < SETTLED:
                return []
            missing: CoverageState = "late" if self._can_resume else "away"
            begin = since if self._open is not None else self._floor or since
            return [] if state == missing else self._turn(now, begin, missing, why, seen.detail)
        self._obstacle = None
        resumed, heard = self._can_resume, seen.heard_until
        if self.is_live and heard is not None:
            self._can_resume = True
            if self._open is not None and state == "late":
                if now - heard > MAX_BEHIND / 2 or heard < self._open.from_:
                    return []
            elif resumed and now - heard > MAX_BEHIND:
                return self._turn(now, heard, "late", "catching_up")
        if state == "listening":
            return []
        begin = heard if state == "late" and heard is not None else now
        return self._turn(now, begin, "listening", "live" if self.is_live else "replayed")

    def _turn(
        self,
        now: datetime,
        begin: datetime,
        state: CoverageState,
        why: CoverageReason,
        detail: str | None = None,
    ) -> list[CoverageInterval]:
        begin = min(now, begin if self._floor is None else max(begin, self._floor))
        told = self._close(now, begin, made_up=state == "listening")
        self._open = self._interval(state, why, begin, now, detail=detail)
        return [*told, self._open]

    def _close(
        self, now: datetime, at: datetime, *, made_up: bool = False
    ) -> list[CoverageInterval]:
        record, self._open = self._open, None
        if record is None:
            return []
        end = max(record.from_, at) if record.to is None else record.to
        is_made_up = made_up and record.state == "late"
        record = _told(replace(record, to=end, made_up_at=now if is_made_up else None), now)
        self._floor = end
        if not is_made_up:
            self._await(record)
        return [record]

    def _make_up(self, now: datetime, heard_until: datetime) -> list[CoverageInterval]:
        made = [each for each in self._unmade if each.to is not None and each.to <= heard_until]
        self._unmade = [each for each in self._unmade if each not in made]
        return [_told(replace(each, made_up_at=now), now) for each in made]

    def _repeat(self, now: datetime) -> list[CoverageInterval]:
        if self._open is None or not self._is_due(self._open, now):
            return []
        self._open = _told(self._open, now)
        return [self._open]

    def _play(self, now: datetime, since: datetime, until: datetime) -> list[CoverageInterval]:
        """The played time ends where it was played to, so that it counts whatever comes then."""
        if self._open is None:
            self._open = self._interval("listening", "replayed", since, now, to=until)
            return [self._open]
        is_due = self._is_due(self._open, now)
        self._open = replace(self._open, to=until)
        if not is_due:
            return []
        self._open = _told(self._open, now)
        return [self._open]

    # --- records --------------------------------------------------------------------------------

    def _is_due(self, record: CoverageInterval, now: datetime) -> bool:
        # Also when the clock was set back since.
        return not timedelta(0) <= now - record.told_at < self._every

    def _await(self, record: CoverageInterval) -> None:
        # What came before anything was heard is never made up for: there is no position.
        if record.state == "late" or (record.state == "away" and record.why != "connecting"):
            self._unmade = [*self._unmade, record][-MAX_UNFINISHED:]

    def _interval(
        self,
        state: CoverageState,
        why: CoverageReason,
        begin: datetime,
        now: datetime,
        **fields: Any,
    ) -> CoverageInterval:
        detail = fields.pop("detail", None)
        return CoverageInterval(
            id=interval_id("ingest", state, self.source, self.part, begin),
            version=max(0, microseconds(now)),
            source=self.source,
            part=self.part,
            state=state,
            why=why,
            told_by="ingest",
            told_at=now,
            from_=begin,
            detail=None if detail is None else clean_text(detail)[:MAX_DETAIL],
            **fields,
        )


def _told(record: CoverageInterval, now: datetime) -> CoverageInterval:
    """The next state of a record: newer than the last one, whatever the clock says."""
    return replace(record, told_at=now, version=max(record.version + 1, microseconds(now)))
