"""What was said of one brand, minute by minute of event time, for the last hour or so.

Pure and bounded: a minute keeps the first authors, terms and posts that it meets up to a limit, and
counts the rest. The same records in the same order give the same minutes; a record that comes twice
counts once.
"""

import math
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Final

from msgspec import Struct, field

from processors.detector.state.near_duplicates import DuplicateWindow, WindowState
from schemas.activity import Activity
from schemas.types import Kind

KEPT: Final = 90
"""Minutes that are kept: the hour that is judged, and what may still come late."""
LATENESS: Final = 10
"""Minutes by which a record may come behind the newest one and still count."""
MAX_AUTHORS: Final = 500
"""Of one minute; the rest are counted without being told apart. With the other limits this keeps
a brand's state, whatever is said of it, within what a message of its topic may have (2 MiB)."""
MAX_GROUPS: Final = 300
"""Of copies, in one minute."""
DETAILED: Final = 31
"""Minutes that keep who wrote and what; of older ones numbers and terms are left, to learn, and
the first post, which may be the first of an alert."""
MAX_TERMS: Final = 500
MAX_ENTITIES: Final = 200
VOICES: Final = 32
"""Bits in which the authors of a term leave a mark: enough to tell five of them from fifty."""
MAX_POSTS: Final = 8
"""Posts kept of one minute, those with the widest reach; and its first."""
MAX_SEEN: Final = 10_000
"""Posts that are remembered so that none counts twice."""
YOUNG_DAYS: Final = 30
"""Below this age an account is new."""
COPY_WEIGHT: Final = 0.1
"""What a copy of an earlier text counts among the discounted mentions."""
YOUNG_WEIGHT: Final = 0.3
"""What the post of a new account counts there."""
TALKATIVE: Final = 3
"""Posts of one author in a minute beyond which the rest count as copies."""
_GROUPS: Final = 300
_WINDOW = timedelta(minutes=60)


class PostRef(Struct, frozen=True):
    """One post, as far as evidence needs it."""

    id: str
    at: datetime
    author: str
    reach: int
    score: float | None
    url: str | None
    group: str


class Minute(Struct):
    """The mentions of one minute."""

    start: int
    """Minutes since 1970."""
    mentions: int = 0
    discounted: float = 0.0
    copies: int = 0
    reposts: int = 0
    young: int = 0
    aged: int = 0
    """Posts of accounts whose age is known."""
    scored: int = 0
    negative: int = 0
    score_sum: float = 0.0
    score_squares: float = 0.0
    reach: int = 0
    lexicon: int = 0
    distinct: int = 0
    """Authors."""
    authors: dict[str, int] = field(default_factory=dict)
    groups: dict[str, int] = field(default_factory=dict)
    sources: dict[str, int] = field(default_factory=dict)
    languages: dict[str, int] = field(default_factory=dict)
    countries: dict[str, int] = field(default_factory=dict)
    terms: dict[str, int] = field(default_factory=dict)
    entities: dict[str, int] = field(default_factory=dict)
    voices: dict[str, int] = field(default_factory=dict)
    """Of each term and entity, the marks of its authors: see `voices`."""
    posts: list[PostRef] = field(default_factory=list)


class CountsState(Struct, kw_only=True):
    """All of one brand's counts, for JSON."""

    minutes: list[Minute] = field(default_factory=list)
    newest: int = 0
    seen: dict[int, int] = field(default_factory=dict)
    """Minute by a hash of 64 bits of the post's id."""
    duplicates: WindowState | None = None


def minute_of(at: datetime) -> int:
    """Minutes since 1970."""
    return int(at.timestamp()) // 60


def time_of(minute: int) -> datetime:
    """The beginning of a minute."""
    return datetime.fromtimestamp(minute * 60, UTC)


class BrandCounts:
    """The last minutes of one brand."""

    def __init__(self, state: CountsState | None = None) -> None:
        state = state or CountsState()
        self._minutes = {minute.start: minute for minute in state.minutes}
        self._newest = state.newest
        self._seen = dict(state.seen)
        self._duplicates = (
            DuplicateWindow.restore(state.duplicates)
            if state.duplicates
            else DuplicateWindow(_WINDOW, _GROUPS)
        )

    @property
    def newest(self) -> int:
        """The newest minute that anything was said in."""
        return self._newest

    def snapshot(self) -> CountsState:
        """Everything, so that what is restored goes on the same."""
        return CountsState(
            minutes=[self._minutes[start] for start in sorted(self._minutes)],
            newest=self._newest,
            seen=dict(self._seen),
            duplicates=self._duplicates.snapshot(),
        )

    def add(self, record: Activity) -> bool:
        """Count a record; False if it is there already, or so late that its minute is closed."""
        start = minute_of(record.at)
        post = int.from_bytes(blake2b(record.post_id.encode(), digest_size=8).digest())
        if start < self._newest - LATENESS or post in self._seen:
            return False
        if start > self._newest:
            self._newest = start
            self._forget()
        self._seen[post] = start
        minute = self._minutes.get(start)
        if minute is None:
            minute = self._minutes[start] = Minute(start)
        self._count(minute, record)
        return True

    def between(self, first: int, end: int) -> list[Minute]:
        """The minutes from ``first`` up to ``end``, without it, that anything was said in."""
        minutes = self._minutes
        return [minutes[start] for start in range(max(first, end - KEPT), end) if start in minutes]

    def _forget(self) -> None:
        oldest = self._newest - KEPT
        for start, minute in list(self._minutes.items()):
            if start < oldest:
                del self._minutes[start]
            elif start < self._newest - DETAILED - LATENESS and minute.authors:
                minute.authors, minute.groups, minute.voices = {}, {}, {}
                del minute.posts[1:]
        limit = self._newest - LATENESS
        # In the order in which they came, so nearly of their minutes.
        for post, start in list(self._seen.items()):
            if start >= limit and len(self._seen) <= MAX_SEEN:
                break
            del self._seen[post]

    def _count(self, minute: Minute, record: Activity) -> None:
        minute.mentions += 1
        group = self._duplicates.add(record.at, record.post_id, record.duplicate_keys)
        copied = group != record.post_id
        minute.copies += copied
        minute.reposts += record.kind == "repost"
        minute.reach += record.reach
        minute.lexicon += "crisis" in record.intents
        posts = _bump(minute.authors, record.author, MAX_AUTHORS)
        minute.distinct += posts == 1
        young = record.account_age_days is not None and record.account_age_days < YOUNG_DAYS
        minute.aged += record.account_age_days is not None
        minute.young += young
        minute.discounted += weight(record.kind, copied, young, posts)
        if copied:
            _bump(minute.groups, group, MAX_GROUPS)
        if record.score is not None:
            minute.scored += 1
            minute.negative += record.sentiment == "negative"
            minute.score_sum += record.score
            minute.score_squares += record.score**2
        _bump(minute.sources, record.source, MAX_TERMS)
        _bump(minute.languages, record.language or "und", MAX_TERMS)
        if record.country:
            _bump(minute.countries, record.country, MAX_TERMS)
        _count_terms(minute, record)
        _show(minute.posts, record, group)


def _count_terms(minute: Minute, record: Activity) -> None:
    mark = 1 << blake2b(record.author.encode(), digest_size=1).digest()[0] % VOICES
    for counts, names, most in (
        (minute.terms, record.terms, MAX_TERMS),
        (minute.entities, record.entities, MAX_ENTITIES),
    ):
        for name in names:
            _bump(counts, name, most)
            if name in counts:
                minute.voices[name] = minute.voices.get(name, 0) | mark


def voices(minutes: Iterable[Minute], name: str) -> float:
    """About how many authors said a term or named an entity; 111 at most.

    Linear counting (Whang et al. 1990, https://doi.org/10.1145/78922.78925): each author marks one
    of ``VOICES`` bits, and the bits that are left say how many did.
    """
    marks = 0
    for minute in minutes:
        marks |= minute.voices.get(name, 0)
    left = max(VOICES - marks.bit_count(), 1)
    return VOICES * math.log(VOICES / left)


def weight(kind: Kind, copied: bool, young: bool, posts: int) -> float:
    """What a mention counts among the discounted ones, the author's ``posts``-th of its minute.

    A repost says openly that it is one, and is a person's attention still: it counts as a copy, and
    the volume of authors has it whole.
    """
    if copied or kind == "repost" or posts > TALKATIVE:
        return COPY_WEIGHT
    return YOUNG_WEIGHT if young else 1.0


def _bump(counts: dict[str, int], key: str, most: int) -> int:
    count = counts.get(key, 0) + 1
    if count > 1 or len(counts) < most:
        counts[key] = count
    return count


def _show(posts: list[PostRef], record: Activity, group: str) -> None:
    """Keep the first post, and those of the widest reach."""
    if len(posts) == MAX_POSTS and record.reach <= min(post.reach for post in posts[1:]):
        return
    posts.append(
        PostRef(record.post_id, record.at, record.author, record.reach, record.score, record.url,
             group)
    )  # fmt: skip
    if len(posts) > MAX_POSTS:
        del posts[min(range(1, len(posts)), key=lambda at: posts[at].reach)]
