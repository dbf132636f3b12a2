"""Folds records of coverage into one line of time a source: what was heard, and what was not. Pure.

Where records overlap, the worst state counts: gap, blind, away, late, listening. Time that was late
or away and is made up for was heard in the end, so a silence within it (``blind``) is none either.

A record that lasts is believed until its teller would have told it again. After that an ingestor
that says nothing is away, since a kill tells nothing.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final, NamedTuple

import msgspec

from schemas.coverage import CoverageInterval, CoverageReason, CoverageState

MAX_SILENCE: Final = timedelta(minutes=5)
"""Without a word of an ingestor that listens, or of the detector: both tell what lasts again, every
two minutes at least."""
MAX_EXPECTED: Final = timedelta(days=7)
"""A source that is away, or silent, for longer is no longer expected: nothing is known of it."""
WORST_FIRST: Final[tuple[CoverageState, ...]] = ("gap", "blind", "away", "late", "listening")


class Stretch(msgspec.Struct, frozen=True, kw_only=True):
    """Time in one state; ``lasts`` if it went on when it was asked for."""

    since: datetime
    until: datetime
    state: CoverageState
    why: CoverageReason
    detail: str | None = None
    lasts: bool = False


class Timeline(msgspec.Struct, frozen=True, kw_only=True):
    """One source, or one part of it, in a window; time without a stretch is unknown."""

    source: str
    part: str
    stretches: list[Stretch]
    heard: float
    """Share of the window that was heard, 0 to 1; what lies ahead of now is no part of it."""
    known: float
    """Share of the window of which anything is known."""
    lost: int | None = None
    """Posts that are known to be lost, if any gap tells their number."""


class _Span(NamedTuple):
    begin: datetime
    end: datetime
    state: CoverageState
    record: CoverageInterval
    was_made_up: bool = False
    lasts: bool = False


def timelines(
    records: Iterable[CoverageInterval], since: datetime, until: datetime, now: datetime
) -> list[Timeline]:
    """The timelines between ``since`` and ``until``, by source and part.

    ``records``: each in its newest state. ``now``: nothing is told of the time after it.
    """
    until = max(since, min(until, now))
    by_source: dict[tuple[str, str], list[CoverageInterval]] = defaultdict(list)
    for record in records:
        by_source[record.source, record.part].append(record)
    found = [
        _timeline(source, part, told, since, until, now)
        for (source, part), told in sorted(by_source.items())
    ]
    return [timeline for timeline in found if timeline.stretches]


def _begin(record: CoverageInterval) -> datetime:
    return record.from_


def _timeline(
    source: str,
    part: str,
    records: Sequence[CoverageInterval],
    since: datetime,
    until: datetime,
    now: datetime,
) -> Timeline:
    # The order of the index: records count alike in whatever order they come.
    records = sorted(sorted(records, key=lambda one: one.id), key=_begin, reverse=True)
    spans = [
        span._replace(begin=max(span.begin, since), end=min(span.end, until))
        for span in _spans(records, now)
    ]
    spans = [span for span in spans if span.begin < span.end]
    stretches = list(_merged(_slices(spans)))
    lost = {span.record.id: span.record.lost for span in spans if span.record.lost is not None}
    return Timeline(
        source=source,
        part=part,
        stretches=stretches,
        heard=_share((one for one in stretches if one.state == "listening"), since, until),
        known=_share(stretches, since, until),
        lost=sum(lost.values()) if lost else None,
    )


def _share(stretches: Iterable[Stretch], since: datetime, until: datetime) -> float:
    if until <= since:
        return 0.0
    covered = sum((one.until - one.since for one in stretches), timedelta())
    return covered / (until - since)


# --- the end of what lasts ----------------------------------------------------------------------


def _spans(records: Sequence[CoverageInterval], now: datetime) -> Iterator[_Span]:
    # An ingestor is in one state at a time, so its next interval ends the one before.
    own = [one for one in records if one.told_by == "ingest" and one.state != "gap"]
    own.sort(key=lambda one: (one.from_, one.id))
    following = {one.id: later.from_ for one, later in pairwise(own)}
    for record in records:
        yield from _span(record, now, following.get(record.id))


def _span(record: CoverageInterval, now: datetime, following: datetime | None) -> Iterator[_Span]:
    if record.to is not None:
        was_made_up = record.made_up_at is not None
        state: CoverageState = "listening" if was_made_up else record.state
        yield _Span(record.from_, record.to, state, record, was_made_up)
        return
    end = min(now, following or now)
    believed = record.told_at + MAX_SILENCE
    if record.state not in ("listening", "late"):
        # A stop is told once; the detector tells a silence as long as it lasts.
        end = min(end, believed if record.state == "blind" else record.told_at + MAX_EXPECTED)
        yield _Span(record.from_, end, record.state, record, lasts=end == now)
        return
    if following is not None or believed >= now:
        yield _Span(record.from_, min(end, believed), record.state, record, lasts=end == now)
    else:
        yield _Span(record.from_, record.told_at, record.state, record)
    if believed < end:
        begin = believed if following is not None else record.told_at
        gone = msgspec.structs.replace(record, why="killed", detail=None)
        end = min(end, record.told_at + MAX_EXPECTED)
        yield _Span(begin, end, "away", gone, lasts=end == now)


# --- the worst of what overlaps -----------------------------------------------------------------


def _slices(spans: Sequence[_Span]) -> Iterator[Stretch]:
    """Stretches in order, each between two neighbouring ends of spans."""
    begins, ends = defaultdict[datetime, list[int]](list), defaultdict[datetime, list[int]](list)
    for number, span in enumerate(spans):
        begins[span.begin].append(number)
        ends[span.end].append(number)
    active: dict[CoverageState, dict[int, _Span]] = {state: {} for state in WORST_FIRST}
    made_up = 0
    for at, after in pairwise(sorted(begins.keys() | ends.keys())):
        for number in ends[at]:
            del active[spans[number].state][number]
            made_up -= spans[number].was_made_up
        for number in begins[at]:
            active[spans[number].state][number] = spans[number]
            made_up += spans[number].was_made_up
        worst = _worst(active, bool(made_up))
        if worst is not None:
            yield Stretch(
                since=at,
                until=after,
                state=worst.state,
                why=worst.record.why,
                detail=worst.record.detail,
                lasts=worst.lasts and worst.end == after,
            )


def _worst(active: dict[CoverageState, dict[int, _Span]], was_made_up: bool) -> _Span | None:
    for state in WORST_FIRST:
        if active[state] and not (state == "blind" and was_made_up):
            return next(reversed(active[state].values()))
    return None


def _merged(stretches: Iterable[Stretch]) -> Iterator[Stretch]:
    """Neighbours of one state and reason as one; how a source is heard makes no difference."""
    last: Stretch | None = None
    for one in stretches:
        if last is not None and last.until == one.since and _is_alike(last, one):
            last = msgspec.structs.replace(last, until=one.until, lasts=one.lasts)
            continue
        if last is not None:
            yield last
        last = one
    if last is not None:
        yield last


def _is_alike(one: Stretch, other: Stretch) -> bool:
    if one.state != other.state:
        return False
    return one.state == "listening" or (one.why, one.detail) == (other.why, other.detail)


# --- for pictures -------------------------------------------------------------------------------


def cells(
    timeline: Timeline, since: datetime, until: datetime, count: int
) -> list[CoverageState | None]:
    """The worst state in each of ``count`` equal steps of the window; None where all is unknown.

    A picture has as many cells as it has room for, so a gap of a second is seen in a month, too.
    """
    step = (until - since) / count
    found: list[CoverageState | None] = [None] * count
    if step <= timedelta(0):
        return found
    rank = {state: number for number, state in enumerate(WORST_FIRST)}
    for one in timeline.stretches:
        begin, end = max(one.since, since), min(one.until, until)
        if begin >= end:
            continue
        last = min(count - 1, -((since - end) // step) - 1)
        for number in range((begin - since) // step, last + 1):
            before = found[number]
            if before is None or rank[one.state] < rank[before]:
                found[number] = one.state
    return found


# --- for people -------------------------------------------------------------------------------


def trouble(timeline: Timeline) -> Stretch | None:
    """The stretch that lasts, if the source is not heard now."""
    last = timeline.stretches[-1]
    return last if last.lasts and last.state != "listening" else None


def sentence(timeline: Timeline) -> str:
    """What a person has to know of one source, on one line; times in UTC."""
    words = f"{timeline.source} {timeline.part}".strip() + f": {timeline.heard:.1%} heard"
    if timeline.known < 1:
        words += f", {1 - timeline.known:.1%} unknown"
    gaps = sum(one.state == "gap" for one in timeline.stretches)
    if gaps:
        words += f", {gaps} gap{'s' if gaps > 1 else ''}"
    if timeline.lost:
        words += f", {timeline.lost:,} post{'s' if timeline.lost > 1 else ''} lost"
    now = trouble(timeline)
    if now is not None:
        since = now.since.astimezone(UTC)
        words += f"; {now.state} since {since:%Y-%m-%d %H:%M} UTC ({now.why})"
    return words
