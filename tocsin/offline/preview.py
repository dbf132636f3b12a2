"""What a query finds in posts: how many, when, in which languages, examples, and why.

``preview_posts`` reads posts one by one; ``tocsin.offline.preview_index`` asks the index. Both
return a ``Preview``.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final, TypeAlias

from queries.language.ast import Range
from queries.matching.document import MatchedSpan
from queries.matching.query_matcher import QueryMatch, QueryMatcher
from queries.tools.clause_effects import WHOLE, Clauses, Effect
from schemas.mention import Mention
from tocsin.offline.post_reader import batches

Find: TypeAlias = Callable[[Sequence[Mention]], list[list[QueryMatch]]]
MAX_BARS: Final = 60
MAX_VALUES: Final = 8
"""Languages, sources and sentiments that are listed."""


@dataclass(frozen=True, slots=True)
class Volume:
    interval: str
    """The length of a bar: minute, hour, day, week, month or year."""
    counts: list[tuple[datetime, int]]
    """The beginning of each bar, in the zone, and its posts."""


@dataclass(frozen=True, slots=True)
class Example:
    mention: Mention
    spans: list[MatchedSpan]


@dataclass(frozen=True, slots=True)
class Preview:
    read: int
    matches: int
    volume: Volume
    languages: list[tuple[str, int]]
    sources: list[tuple[str, int]]
    sentiments: list[tuple[str, int]]
    sample: list[Example]
    effects: list[Effect]
    left_out: int
    """Number of clauses without an effect here, because there were too many."""

    @property
    def share(self) -> float:
        return self.matches / self.read if self.read else 0.0


def preview_posts(
    parts: Clauses,
    mentions: Iterable[Mention],
    *,
    sample: int,
    within: Range | None = None,
    zone: tzinfo = UTC,
    find: Find | None = None,
    describe: Callable[[Sequence[Mention]], None] = lambda batch: None,
) -> Preview:
    """What a query finds among ``mentions``, and what its clauses do.

    ``within``: a bound on the time. ``zone``: of the hours and days that are counted. ``find``
    matches posts against ``parts.queries``, if a plain matcher is not enough; ``describe`` fills
    languages and sentiments of those that match.
    """
    find = find or QueryMatcher(parts.queries).match
    matched, read, counts = _Matched(sample, describe), 0, Counter[str]()
    for batch in batches(_within(mentions, within)):
        read += len(batch)
        matches = [match for matches in find(batch) for match in matches]
        counts.update(match.name for match in matches)
        matched.add([match for match in matches if match.name == WHOLE])
    return Preview(
        read,
        counts[WHOLE],
        volume_of(matched.minutes, zone),
        _top(matched.languages),
        _top(matched.sources),
        _top(matched.sentiments),
        matched.examples(),
        parts.effects(counts),
        parts.left_out,
    )


def _top(counts: Counter[str]) -> list[tuple[str, int]]:
    """The most frequent values; equal counts in the order of names, as in the index."""
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:MAX_VALUES]


def _within(mentions: Iterable[Mention], within: Range | None) -> Iterable[Mention]:
    if within is None:
        return mentions
    matcher = QueryMatcher({"within": within})
    return (mention for mention in mentions if matcher.match([mention])[0])


class _Matched:
    """The posts that match: counts, and a random sample of ``size``."""

    def __init__(self, size: int, describe: Callable[[Sequence[Mention]], None]) -> None:
        self.minutes, self.languages = Counter[datetime](), Counter[str]()
        self.sources, self.sentiments = Counter[str](), Counter[str]()
        self._size, self._describe, self._count = size, describe, 0
        # Seeded: the same file gives the same sample.
        self._random = random.Random(0)
        self._drawn: list[tuple[int, QueryMatch]] = []

    def examples(self) -> list[Example]:
        matches = [match for _, match in sorted(self._drawn, key=lambda drawn: drawn[0])]
        return [Example(match.asked.document.mention, sorted(match.spans())) for match in matches]

    def add(self, matches: Sequence[QueryMatch]) -> None:
        mentions = [match.asked.document.mention for match in matches]
        self._describe(mentions)
        for mention in mentions:
            self.minutes[_floor(mention.post.created_at, "minute", UTC)] += 1
            self.sources[mention.post.source] += 1
            if mention.language is not None:
                self.languages[mention.language.code] += 1
            if mention.sentiment is not None:
                self.sentiments[mention.sentiment.label] += 1
        for match in matches:
            self._draw(match)

    def _draw(self, match: QueryMatch) -> None:
        self._count += 1
        if len(self._drawn) < self._size:
            self._drawn.append((self._count, match))
        elif self._size:
            index = self._random.randrange(self._count)
            if index < self._size:
                self._drawn[index] = self._count, match


_STEPS: Final = {
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1, hours=2),
    "week": timedelta(weeks=1, hours=2),
    "month": timedelta(days=31, hours=2),
    "year": timedelta(days=366, hours=2),
}
"""By unit, a step from its beginning that always ends in the next one: a day may have 25 hours."""


def _floor(when: datetime, unit: str, zone: tzinfo) -> datetime:
    """The beginning, in UTC, of the minute, hour, … of a time in its zone.

    In UTC, since the hour that comes twice at the end of summer time is two hours.
    """
    here = when.astimezone(zone).replace(second=0, microsecond=0)
    if unit == "minute":
        return here.astimezone(UTC)
    here = here.replace(minute=0)
    if unit == "hour":
        return here.astimezone(UTC)
    here = here.replace(hour=0, fold=0)
    if unit == "week":
        here -= timedelta(days=here.weekday())
    elif unit == "month":
        here = here.replace(day=1)
    elif unit == "year":
        here = here.replace(month=1, day=1)
    return here.astimezone(UTC)


def unit_of(first: datetime, last: datetime, zone: tzinfo = UTC) -> str:
    """The smallest unit that needs at most ``MAX_BARS`` bars."""
    return next((unit for unit in _STEPS if _bars(unit, first, last, zone) is not None), "year")


def volume_of(minutes: Counter[datetime], zone: tzinfo = UTC, unit: str | None = None) -> Volume:
    """The bars of some counts by time; without a ``unit``, of the smallest that is enough."""
    if not minutes:
        return Volume("day", [])
    first, last = min(minutes), max(minutes)
    if unit is None or _bars(unit, first, last, zone) is None:
        unit = unit_of(first, last, zone)
    bars = _bars(unit, first, last, zone) or {}
    for when, count in minutes.items():
        bars[_floor(when, unit, zone)] += count
    return Volume(unit, [(when.astimezone(zone), count) for when, count in bars.items()])


def _bars(unit: str, first: datetime, last: datetime, zone: tzinfo) -> dict[datetime, int] | None:
    """Empty bars without gaps; None if they are too many."""
    first, last = _floor(first, unit, zone), _floor(last, unit, zone)
    bars = {first: 0}
    while first < last:
        if len(bars) == MAX_BARS and unit != "year":
            return None
        first = _floor(first + _STEPS[unit], unit, zone)
        bars[first] = 0
    return bars
