"""Counts of one brand's mentions by minute of event time, for the last ``KEPT`` minutes.

Pure and bounded: a minute keeps its first authors, terms and posts up to a limit, and counts the
rest. The same records in the same order give the same minutes; a duplicate counts once.
"""

import math
from collections.abc import Iterable, Iterator, MutableMapping
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Final

from msgspec import Struct, field

from processors.detector.state.minute import (
    AnyMinute,
    ClosedMinute,
    Minute,
    PostRef,
    closed,
    names_posts,
    opened,
)
from processors.detector.state.near_duplicates import DuplicateWindow, WindowState
from schemas.activity import Activity
from schemas.types import Kind
from text.fingerprint import is_short

KEPT: Final = 90
"""Minutes that are kept: an hour until they are learnt, and the lateness."""
LATENESS: Final = 10
"""Minutes by which a record may be older than the minute that was looked at last, and still count
in its own; an older one is counted by `late_counts`."""
MAX_AUTHORS: Final = 500
"""Of one minute; the rest count as distinct. The limits keep a brand's state within the maximum
message size of its topic (2 MiB)."""
MAX_GROUPS: Final = 300
"""Of copies, in one minute."""
DETAILED: Final = 31
"""Minutes that keep authors, groups and posts; older ones keep numbers, terms and the first post,
which may be the first of an alert."""
MAX_TERMS: Final = 500
MAX_ENTITIES: Final = 200
VOICES: Final = 32
"""Bits of a term's sketch of authors: enough to tell five of them from fifty."""
MAX_POSTS: Final = 8
"""Of one minute: its first, and those with the widest reach."""
MAX_SEEN: Final = 10_000
"""Post ids that are remembered to skip duplicates."""
YOUNG_DAYS: Final = 30
"""Below this age an account is new."""
COPY_WEIGHT: Final = 0.1
"""Of a copy among the discounted mentions."""
YOUNG_WEIGHT: Final = 0.3
"""Of a new account's post."""
TALKATIVE: Final = 3
"""An author's further posts in a minute count as copies."""
_GROUPS: Final = 300
_WINDOW = timedelta(minutes=60)


class CountsState(Struct, kw_only=True):
    """The snapshot of one brand's counts."""

    minutes: list[Minute] = field(default_factory=list)
    """The newest; all of them in older states."""
    closed: list[ClosedMinute] = field(default_factory=list)
    newest: int = 0
    seen: dict[int, int] = field(default_factory=dict)
    """Minute by the 64-bit hash of a post id."""
    duplicates: WindowState | None = None

    def every(self) -> list[Minute]:
        """All minutes, the newest last."""
        minutes = [*map(opened, self.closed), *self.minutes]
        return sorted(minutes, key=lambda minute: minute.start)


def minute_of(at: datetime) -> int:
    """Minutes since 1970."""
    return int(at.timestamp()) // 60


def post_key(post_id: str) -> int:
    """64 bits of a post's id, by which a duplicate is known."""
    return int.from_bytes(blake2b(post_id.encode(), digest_size=8).digest())


def post_name(post_id: str) -> str:
    """What a group of copies is named after its first post: an id may hold an account's."""
    return f"{post_key(post_id):016x}"


def time_of(minute: int) -> datetime:
    return datetime.fromtimestamp(minute * 60, UTC)


class BrandCounts:
    def __init__(self, state: CountsState | None = None) -> None:
        state = state or CountsState()
        self._minutes = {minute.start: minute for minute in state.minutes}
        self._closed = {minute.start: minute for minute in state.closed}
        """The others; no minute is both open and closed."""
        self.newest = state.newest
        """The newest minute with a mention."""
        self._seen = dict(state.seen)
        self._duplicates = (
            DuplicateWindow.restore(state.duplicates)
            if state.duplicates
            else DuplicateWindow(_WINDOW, _GROUPS)
        )

    def snapshot(self) -> CountsState:
        open_ones = sorted(self._minutes.items())
        others = [closed(minute) for start, minute in open_ones if start < self.newest]
        others += self._closed.values()
        return CountsState(
            minutes=[minute for start, minute in open_ones if start >= self.newest],
            closed=sorted(others, key=lambda minute: minute.start),
            newest=self.newest,
            seen=dict(self._seen),
            duplicates=self._duplicates.snapshot(),
        )

    def knows(self, record: Activity) -> bool:
        """Whether the post was counted in the last ``KEPT`` minutes."""
        return post_key(record.post_id) in self._seen

    def add(self, record: Activity) -> bool:
        """Count a record; False if it is a duplicate, or its minute is closed."""
        start = minute_of(record.at)
        post = post_key(record.post_id)
        if start < self.newest - LATENESS or post in self._seen:
            return False
        if start > self.newest:
            self.newest = start
            self._forget()
        self._seen[post] = start
        self._open(start)
        count_in(self._minutes, record, self._duplicates)
        return True

    def get(self, start: int) -> Minute | None:
        minute = self._closed.get(start)
        return self._minutes.get(start) if minute is None else opened(minute)

    @property
    def mentions(self) -> int:
        """Of all minutes that are kept."""
        return sum(minute.mentions for minute in self._every())

    def _every(self) -> Iterator[AnyMinute]:
        yield from self._minutes.values()
        yield from self._closed.values()

    def close(self) -> None:
        """Close all minutes but the newest."""
        for start in [start for start in self._minutes if start < self.newest]:
            self._closed[start] = closed(self._minutes.pop(start))

    def _open(self, start: int) -> None:
        minute = self._closed.pop(start, None)
        if minute is not None:
            self._minutes[start] = opened(minute)

    def strip(self, before: int) -> bool:
        """Drop what names posts and authors in minutes before ``before``; says if there was any.

        Numbers and terms stay.
        """
        stripped = False
        for start, one in list(self._closed.items()):
            if start < before and (one.has_posts or one.has_authors):
                self._open(start)
        for start, minute in self._minutes.items():
            if start < before and (minute.posts or minute.authors or minute.groups):
                minute.authors, minute.groups, minute.voices = {}, {}, {}
                minute.posts = []
                stripped = True
        return stripped

    def names_posts(self) -> bool:
        """Whether a minute names a post or an author."""
        return any(map(names_posts, self._minutes.values())) or any(
            minute.has_posts or minute.has_authors for minute in self._closed.values()
        )

    def between(self, first: int, end: int) -> list[Minute]:
        """The minutes with mentions from ``first`` up to ``end``, which is excluded."""
        return [
            opened(minute) if isinstance(minute, ClosedMinute) else minute
            for minute in self.numbers_between(first, end)
        ]

    def numbers_between(self, first: int, end: int) -> list[AnyMinute]:
        """``between`` where the numbers of the minutes suffice."""
        minutes, closed_ones = self._minutes, self._closed
        return [
            minute
            for start in range(max(first, end - KEPT), end)
            if (minute := closed_ones.get(start) or minutes.get(start)) is not None
        ]

    def _forget(self) -> None:
        oldest, detailed = self.newest - KEPT, self.newest - DETAILED - LATENESS
        for start, one in list(self._closed.items()):
            if start < oldest:
                del self._closed[start]
            elif start < detailed and one.has_authors:
                self._open(start)
        for start, minute in list(self._minutes.items()):
            if start < oldest:
                del self._minutes[start]
            elif start < detailed and minute.authors:
                minute.authors, minute.groups, minute.voices = {}, {}, {}
                del minute.posts[1:]
        limit = self.newest - KEPT
        # In the order of arrival, which is nearly that of their minutes.
        gone: list[int] = []
        for post, start in self._seen.items():
            if start >= limit and len(self._seen) - len(gone) <= MAX_SEEN:
                break
            gone.append(post)
        for post in gone:
            del self._seen[post]


def count_in(
    minutes: MutableMapping[int, Minute], record: Activity, duplicates: DuplicateWindow
) -> None:
    """Count a record in its minute, which is made if there is none."""
    start, name = minute_of(record.at), post_name(record.post_id)
    minute = minutes.get(start)
    if minute is None:
        minute = minutes[start] = Minute(start)
    _count(minute, record, name, duplicates.add(record.at, name, record.duplicate_keys))


def _count(minute: Minute, record: Activity, name: str, group: str) -> None:
    """``group``: the ``post_name`` of the first post of its copies, ``name``: its own."""
    minute.mentions += 1
    copied = group != name
    minute.copies += copied
    reposted = record.kind == "repost"
    echoed = copied and not is_short(record.duplicate_keys)
    minute.reposts += reposted
    minute.unsaid += echoed and not reposted
    minute.echoes += echoed or reposted
    minute.reach += record.reach
    minute.lexicon += "crisis" in record.intents
    posts = _bump(minute.authors, record.author, MAX_AUTHORS)
    minute.distinct += posts == 1
    young = record.account_age_days is not None and record.account_age_days < YOUNG_DAYS
    minute.aged += record.account_age_days is not None
    minute.young += young
    minute.discounted += weight(record.kind, echoed, young, posts)
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
    _keep(minute.posts, record, group)


def _count_terms(minute: Minute, record: Activity) -> None:
    mark = 1 << blake2b(record.author.encode(), digest_size=1).digest()[0] % VOICES
    for counts, names, limit in (
        (minute.terms, record.terms, MAX_TERMS),
        (minute.entities, record.entities, MAX_ENTITIES),
    ):
        for name in names:
            _bump(counts, name, limit)
            if name in counts:
                minute.voices[name] = minute.voices.get(name, 0) | mark


def voices(minutes: Iterable[Minute], name: str) -> float:
    """Estimated number of authors of a term or entity; 111 at most.

    Linear counting (Whang et al. 1990, https://doi.org/10.1145/78922.78925): each author sets one
    of ``VOICES`` bits.
    """
    marks = 0
    for minute in minutes:
        marks |= minute.voices.get(name, 0)
    left = max(VOICES - marks.bit_count(), 1)
    return VOICES * math.log(VOICES / left)


def weight(kind: Kind, copied: bool, young: bool, posts: int) -> float:
    """The weight of a discounted mention, its author's ``posts``-th of the minute.

    ``copied``: whether it copies a longer text; many people write the same short one.

    A repost counts as a copy here, but fully in the volume of authors: it is a person's attention.
    """
    if copied or kind == "repost" or posts > TALKATIVE:
        return COPY_WEIGHT
    return YOUNG_WEIGHT if young else 1.0


def _bump(counts: dict[str, int], key: str, limit: int) -> int:
    count = counts.get(key, 0) + 1
    if count > 1 or len(counts) < limit:
        counts[key] = count
    return count


def _keep(posts: list[PostRef], record: Activity, group: str) -> None:
    if len(posts) == MAX_POSTS and record.reach <= min(post.reach for post in posts[1:]):
        return
    posts.append(
        PostRef(record.post_id, record.at, record.author, record.reach, record.score, record.url,
             group)
    )  # fmt: skip
    if len(posts) > MAX_POSTS:
        del posts[min(range(1, len(posts)), key=lambda at: posts[at].reach)]
