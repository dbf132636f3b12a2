"""Groups copies and light edits of a post within a window of event time, by their duplicate keys.

Pure: the same additions in the same order give the same groups, also after a restore. Memory is
bounded by the window and by ``max_groups``. A group has the keys of its first post alone, so it
cannot drift from text to text, and a million copies cost as much as one post.
"""

from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import islice

from msgspec import Struct, field, structs

from text.fingerprint import MIN_WEIGHT, same_text, weight

MAX_GROUPS = 50_000
"""Some 3 kB each."""
_CANDIDATES = 8
"""The youngest groups of one key are compared: the cost of a post is bounded."""


class Group(Struct, kw_only=True):
    """The first post of a group, and the times of its earliest and latest posts."""

    number: int
    post_id: str
    keys: list[str]
    first: datetime
    last: datetime


class WindowState(Struct, frozen=True, kw_only=True):
    """The snapshot of a window."""

    window_seconds: float
    max_groups: int = field(default=MAX_GROUPS, name="most")
    latest: datetime | None = None
    begun: int = 0
    groups: list[Group] = field(default_factory=list)


class DuplicateWindow:
    """Groups posts with nearly the same text, each at most ``window`` from another of its group.

    So a wave of copies is one group however long it lasts. Posts may come in any order; a group is
    named after the post that came first.
    """

    def __init__(self, window: timedelta, max_groups: int = MAX_GROUPS) -> None:
        if window <= timedelta(0) or max_groups < 1:
            raise ValueError("a window needs a length, and room for a group")
        self.window = window
        self.max_groups = max_groups
        self._latest: datetime | None = None
        # In the order of their last posts, if posts come in order.
        self._groups: OrderedDict[str, Group] = OrderedDict()
        # Post ids by key, in the order in which the groups began.
        self._by_key: dict[str, dict[str, None]] = {}
        self._begun = 0

    def __len__(self) -> int:
        return len(self._groups)

    def add(self, at: datetime, post_id: str, keys: Sequence[str]) -> str:
        """The group of a post, by the id of its first post.

        A redelivered post has the same group. A post without keys, or older than the window and
        without a group, is a group of its own that is not remembered.
        """
        if self._latest is None or at > self._latest:
            self._latest = at
            self._forget()
        group = self._find(at, post_id, keys)
        if group is not None:
            group.first = min(group.first, at)
            group.last = max(group.last, at)
            self._groups.move_to_end(group.post_id)
            return group.post_id
        if keys and self._latest - at <= self.window:
            self._begin(post_id, keys, at)
        return post_id

    def snapshot(self) -> WindowState:
        return WindowState(
            window_seconds=self.window.total_seconds(),
            max_groups=self.max_groups,
            latest=self._latest,
            begun=self._begun,
            groups=[_copy(group) for group in self._groups.values()],
        )

    @classmethod
    def restore(cls, state: WindowState) -> "DuplicateWindow":
        window = cls(timedelta(seconds=state.window_seconds), state.max_groups)
        window._latest, window._begun = state.latest, state.begun
        window._groups.update((group.post_id, _copy(group)) for group in state.groups)
        for group in sorted(window._groups.values(), key=lambda group: group.number):
            window._file(group)
        return window

    def _find(self, at: datetime, post_id: str, keys: Sequence[str]) -> Group | None:
        """The group that shares most keys; of several, the earliest."""
        shared: dict[str, int] = {}
        for key in dict.fromkeys(keys):
            for name in islice(reversed(self._by_key.get(key, {})), _CANDIDATES):
                shared[name] = shared.get(name, 0) + weight((key,))
        likely = [name for name, weighed in shared.items() if weighed >= MIN_WEIGHT]
        # Differences of times: sums overflow at the ends of the calendar.
        near = [
            group
            for group in map(self._groups.__getitem__, likely)
            if same_text(keys, group.keys)
            and at - group.last <= self.window
            and group.first - at <= self.window
        ]
        return min(
            near,
            key=lambda group: (group.post_id != post_id, -shared[group.post_id], group.first),
            default=None,
        )

    def _begin(self, post_id: str, keys: Sequence[str], at: datetime) -> None:
        if post_id in self._groups:
            # The post was edited.
            self._drop(post_id)
        while len(self._groups) >= self.max_groups:
            self._drop(next(iter(self._groups)))
        self._begun += 1
        group = Group(
            number=self._begun, post_id=post_id, keys=list(dict.fromkeys(keys)), first=at, last=at
        )
        self._groups[post_id] = group
        self._file(group)

    def _file(self, group: Group) -> None:
        for key in group.keys:
            self._by_key.setdefault(key, {})[group.post_id] = None

    def _forget(self) -> None:
        assert self._latest is not None
        while self._groups:
            name, group = next(iter(self._groups.items()))
            if self._latest - group.last <= self.window:
                return
            self._drop(name)

    def _drop(self, post_id: str) -> None:
        for key in self._groups.pop(post_id).keys:
            names = self._by_key[key]
            del names[post_id]
            if not names:
                del self._by_key[key]


def _copy(group: Group) -> Group:
    return structs.replace(group, keys=list(group.keys))
