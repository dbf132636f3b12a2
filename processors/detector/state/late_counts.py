"""Mentions whose minutes were looked at before they came; their windows are looked at again.

They are kept apart from the minutes that were counted in time, in the detail of a new minute, until
no more have come for a while. Bounded by ``MAX_LATE_MINUTES``; pure.
"""

from datetime import timedelta
from typing import Final

from msgspec import Struct, field

from processors.detector.state.counts import count_in, minute_of, post_key
from processors.detector.state.minute import Minute, names_posts
from processors.detector.state.near_duplicates import DuplicateWindow, WindowState
from processors.detector.state.window import LONG
from schemas.activity import Activity

MAX_LATE_MINUTES: Final = 240
MAX_LATE_SEEN: Final = 5_000
MAX_LATE: Final = 7 * 24 * 60
"""Minutes by which a mention may be late and still count."""
RESTS: Final = 30
"""Minutes without a late mention after which the minutes are learnt and dropped."""
SETTLES: Final = 2
"""Minutes without a late mention after which the windows are looked at again: a backlog comes in
many parts, and each look at a part may tell an alert of its own."""
MAX_SETTLING: Final = 10
"""Minutes after which they are looked at again, though more come."""
MAX_ASKED: Final = 24
"""How often it may be asked whether they have settled, where time stands still."""
_WINDOW = timedelta(minutes=60)
_GROUPS: Final = 100


class LateState(Struct, kw_only=True):
    """The snapshot of one brand's late minutes."""

    minutes: list[Minute] = field(default_factory=list)
    dirty: list[int] = field(default_factory=list)
    seen: list[int] = field(default_factory=list)
    added: int = 0
    since: int = 0
    duplicates: WindowState | None = None


class LateCounts:
    def __init__(self, state: LateState | None = None) -> None:
        state = state or LateState()
        self._minutes = {minute.start: minute for minute in state.minutes}
        self.dirty = set(state.dirty)
        """The minutes whose windows are to be looked at again, in time or late."""
        self._seen = dict.fromkeys(state.seen)
        self._added, self._since = state.added, state.since
        self._asked = 0
        self._duplicates = (
            DuplicateWindow.restore(state.duplicates)
            if state.duplicates
            else DuplicateWindow(_WINDOW, _GROUPS)
        )

    def __bool__(self) -> bool:
        return bool(self._minutes or self.dirty)

    @property
    def is_full(self) -> bool:
        return max(len(self._minutes), len(self.dirty)) >= MAX_LATE_MINUTES

    def snapshot(self) -> LateState | None:
        if not self:
            return None
        return LateState(
            minutes=[self._minutes[start] for start in sorted(self._minutes)],
            dirty=sorted(self.dirty),
            seen=list(self._seen),
            added=self._added,
            since=self._since,
            duplicates=self._duplicates.snapshot(),
        )

    def add(self, record: Activity, looked: int) -> bool:
        """Count a record that came at the minute ``looked``; False if it is a duplicate."""
        post = post_key(record.post_id)
        if post in self._seen:
            return False
        self._seen[post] = None
        if len(self._seen) > MAX_LATE_SEEN:
            del self._seen[next(iter(self._seen))]
        count_in(self._minutes, record, self._duplicates)
        self.touch(minute_of(record.at), looked)
        return True

    def names_posts(self) -> bool:
        """Whether a minute names a post or an author."""
        return any(map(names_posts, self._minutes.values()))

    def touch(self, start: int, looked: int) -> None:
        """Have the windows of a minute looked at again."""
        if not self.dirty:
            self._since = looked
        self.dirty.add(start)
        self._added, self._asked = looked, 0

    def has_settled(self, looked: int) -> bool:
        """Whether the windows may be looked at again at the minute ``looked``."""
        if not self.dirty:
            return False
        self._asked += 1
        return (
            looked - self._added >= SETTLES
            or looked - self._since >= MAX_SETTLING
            or self._asked >= MAX_ASKED
        )

    def get(self, start: int) -> Minute | None:
        return self._minutes.get(start)

    def run(self, length: int) -> tuple[int, int] | None:
        """The first and last dirty minute of the oldest run: its windows touch each other.

        ``length``: maximum minutes of the run.
        """
        if not self.dirty:
            return None
        ordered = sorted(self.dirty)
        first = last = ordered[0]
        for start in ordered:
            if start - last > LONG or start - first >= length:
                break
            last = start
        return first, last

    def looked_at(self, first: int, last: int) -> None:
        self.dirty = {start for start in self.dirty if not first <= start <= last}

    def rested(self, looked: int, before: int) -> list[Minute]:
        """Remove and return the minutes before ``before`` once no more late mentions come."""
        if self.dirty or (looked - self._added < RESTS and not self.is_full):
            return []
        gone = [start for start in sorted(self._minutes) if start < before]
        if self.is_full:
            # More are coming: the newest stay, as the windows of what comes next.
            gone = gone[:-LONG]
        minutes = [self._minutes.pop(start) for start in gone]
        if not self._minutes:
            self._seen.clear()
            self._duplicates = DuplicateWindow(_WINDOW, _GROUPS)
        return minutes
