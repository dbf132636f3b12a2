"""What a query finds in posts: how many, when, in which languages, which of them, and why.

::

    Preview             what is shown; the same for a file and for the index
    preview_posts       of posts that are read one by one
    preview_index       of the index: tocsin.offline.preview_index
"""

import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
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
"""Languages and sources that are listed."""


@dataclass(frozen=True, slots=True)
class Volume:
    """Matches over time, without gaps."""

    interval: str
    """What a bar is: minute, hour, day, week, month or year (UTC)."""
    counts: list[tuple[datetime, int]]


@dataclass(frozen=True, slots=True)
class Example:
    """A post that matches, and where the query's words stand in it."""

    mention: Mention
    spans: list[MatchedSpan]


@dataclass(frozen=True, slots=True)
class Preview:
    """What a query finds."""

    read: int
    matches: int
    volume: Volume
    languages: list[tuple[str, int]]
    sources: list[tuple[str, int]]
    sentiments: list[tuple[str, int]]
    sample: list[Example]
    effects: list[Effect]
    left_out: int
    """Clauses that were not looked at."""

    @property
    def share(self) -> float:
        """Of the posts that were looked at."""
        return self.matches / self.read if self.read else 0.0


def preview_posts(
    parts: Clauses,
    mentions: Iterable[Mention],
    *,
    sample: int,
    within: Range | None = None,
    find: Find | None = None,
    describe: Callable[[Sequence[Mention]], None] = lambda batch: None,
) -> Preview:
    """What a query finds among ``mentions``, and what its clauses do.

    ``within``: only of that time. ``find`` says which of ``parts.queries`` posts match, where it
    takes more than to ask; ``describe`` fills languages and sentiments of those that do.
    """
    find = find or QueryMatcher(parts.queries).match
    found, read, counts = _Found(sample, describe), 0, Counter[str]()
    for batch in batches(_within(mentions, within)):
        read += len(batch)
        answers = find(batch)
        counts.update(match.name for matches in answers for match in matches)
        found.add([match for matches in answers for match in matches if match.name == WHOLE])
    return Preview(
        read,
        counts[WHOLE],
        volume_of(found.minutes),
        _most(found.languages),
        _most(found.sources),
        _most(found.sentiments),
        [Example(m.asked.document.mention, sorted(m.spans())) for m in found.sample],
        parts.effects(counts),
        parts.left_out,
    )


def _most(counts: Counter[str]) -> list[tuple[str, int]]:
    """The most frequent values; of two as frequent, as the index has it, the first by name."""
    return sorted(counts.items(), key=lambda one: (-one[1], one[0]))[:MAX_VALUES]


def _within(mentions: Iterable[Mention], within: Range | None) -> Iterable[Mention]:
    if within is None:
        return mentions
    matcher = QueryMatcher({"within": within})
    return (mention for mention in mentions if matcher.match([mention])[0])


@dataclass
class _Found:
    """What is kept of the posts that match."""

    size: int
    describe: Callable[[Sequence[Mention]], None]
    minutes: Counter[datetime] = field(default_factory=Counter)
    languages: Counter[str] = field(default_factory=Counter)
    sources: Counter[str] = field(default_factory=Counter)
    sentiments: Counter[str] = field(default_factory=Counter)
    count: int = 0

    def __post_init__(self) -> None:
        # The same posts each time that the same file is asked.
        self._chance = random.Random(0)
        self._drawn: list[tuple[int, QueryMatch]] = []

    @property
    def sample(self) -> list[QueryMatch]:
        """Posts drawn from all that match, in their order."""
        return [match for _, match in sorted(self._drawn, key=lambda one: one[0])]

    def add(self, matches: Sequence[QueryMatch]) -> None:
        """Take in the matches of a batch."""
        if not matches:
            return
        mentions = [match.asked.document.mention for match in matches]
        self.describe(mentions)
        for mention in mentions:
            self.minutes[_floor_minute(mention.post.created_at)] += 1
            self.sources[mention.post.source] += 1
            if mention.language is not None:
                self.languages[mention.language.code] += 1
            if mention.sentiment is not None:
                self.sentiments[mention.sentiment.label] += 1
        for match in matches:
            self._draw(match)

    def _draw(self, match: QueryMatch) -> None:
        self.count += 1
        if len(self._drawn) < self.size:
            self._drawn.append((self.count, match))
        elif self.size:
            place = self._chance.randrange(self.count)
            if place < self.size:
                self._drawn[place] = self.count, match


# --- over time -----------------------------------------------------------------------------------


def _floor_minute(when: datetime) -> datetime:
    return when.astimezone(UTC).replace(second=0, microsecond=0)


def _floor_hour(when: datetime) -> datetime:
    return when.replace(minute=0)


def _floor_day(when: datetime) -> datetime:
    return when.replace(hour=0, minute=0)


def _floor_week(when: datetime) -> datetime:
    return _floor_day(when) - timedelta(days=when.weekday())


def _floor_month(when: datetime) -> datetime:
    return _floor_day(when).replace(day=1)


def _floor_year(when: datetime) -> datetime:
    return _floor_month(when).replace(month=1)


_UNITS: Final[dict[str, tuple[Callable[[datetime], datetime], timedelta]]] = {
    "minute": (lambda when: when, timedelta(minutes=1)),
    "hour": (_floor_hour, timedelta(hours=1)),
    "day": (_floor_day, timedelta(days=1)),
    "week": (_floor_week, timedelta(weeks=1)),
    "month": (_floor_month, timedelta(days=31)),
    "year": (_floor_year, timedelta(days=366)),
}
"""Where each begins, and a step that from its beginning always leads into the next one."""


def unit_of(first: datetime, last: datetime) -> str:
    """The smallest unit of which at most so many bars reach from one time to the other."""
    return next((unit for unit in _UNITS if _bars(unit, first, last) is not None), "year")


def volume_of(minutes: Counter[datetime]) -> Volume:
    """Counts by minute as bars."""
    if not minutes:
        return Volume("day", [])
    first, last = min(minutes), max(minutes)
    unit = unit_of(first, last)
    bars = _bars(unit, first, last) or {}
    for when, count in minutes.items():
        bars[_UNITS[unit][0](when)] += count
    return Volume(unit, list(bars.items()))


def _bars(unit: str, first: datetime, last: datetime) -> dict[datetime, int] | None:
    """Empty bars without gaps; None if they are too many."""
    floor, step = _UNITS[unit]
    first, last = floor(_floor_minute(first)), floor(_floor_minute(last))
    bars = {first: 0}
    while first < last:
        if len(bars) == MAX_BARS and unit != "year":
            return None
        first = floor(first + step)
        bars[first] = 0
    return bars
