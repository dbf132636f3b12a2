"""Which posts are copies or light edits of an earlier one, within a window of event time.

For detectors: the state of one stream of posts, told by ``Mention.duplicate_keys``. Pure: no
clock, and the same additions in the same order give the same groups, whether or not the window was
snapshot and restored in between. Memory is bounded by the window, and by ``most`` groups.

A group is known by the keys of its first post alone. Members add none, so a group cannot drift
from text to text until it holds everything, and a million copies cost as much as one post.
"""

from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import islice

from msgspec import Struct, field, structs

from text.fingerprint import same_text, weight

MAX_POSTS = 50_000
"""Groups that a window remembers at most, at some 3 kB each."""
_CANDIDATES = 8
"""Groups looked at for one key, the youngest: a post costs the same however common its words."""


class Group(Struct, kw_only=True):
    """The post that a group began with, and when its posts were published."""

    number: int
    post_id: str
    keys: list[str]
    first: datetime
    last: datetime


class WindowState(Struct, frozen=True, kw_only=True):
    """All of a window, for JSON."""

    window_seconds: float
    most: int = MAX_POSTS
    latest: datetime | None = None
    begun: int = 0
    groups: list[Group] = field(default_factory=list)


class DuplicateWindow:
    """Groups posts whose texts are nearly the same and at most ``window`` from the group's others.

    The window is measured from the group's nearest post, so a wave of copies is one group however
    long it lasts. Posts may come late and in any order; which post a group is named after is then
    the one that came first, not the one that was written first.
    """

    def __init__(self, window: timedelta, most: int = MAX_POSTS) -> None:
        if window <= timedelta(0) or most < 1:
            raise ValueError("a window needs a length, and room for a group")
        self.window = window
        self.most = most
        self._latest: datetime | None = None
        # Nearly in the order of their last posts: exactly, if posts came in order.
        self._groups: OrderedDict[str, Group] = OrderedDict()
        # In the order in which the groups began.
        self._by_key: dict[str, dict[str, None]] = {}
        self._begun = 0

    def __len__(self) -> int:
        """Groups that are remembered."""
        return len(self._groups)

    def add(self, at: datetime, post_id: str, keys: Sequence[str]) -> str:
        """The group of the post: the id of its first post, its own where it is new.

        A post that is given again is of the same group. One without keys, or older than the window
        and like nothing that is remembered, is a group of its own and not remembered.
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
        """A copy of the state."""
        return WindowState(
            window_seconds=self.window.total_seconds(),
            most=self.most,
            latest=self._latest,
            begun=self._begun,
            groups=[_copy(group) for group in self._groups.values()],
        )

    @classmethod
    def restore(cls, state: WindowState) -> "DuplicateWindow":
        """The window that the state was taken of."""
        window = cls(timedelta(seconds=state.window_seconds), state.most)
        window._latest, window._begun = state.latest, state.begun
        window._groups.update((group.post_id, _copy(group)) for group in state.groups)
        for group in sorted(window._groups.values(), key=lambda group: group.number):
            window._file(group)
        return window

    def _find(self, at: datetime, post_id: str, keys: Sequence[str]) -> Group | None:
        """The group that shares most; of several, the one that began first."""
        shared: dict[str, int] = {}
        for key in dict.fromkeys(keys):
            for name in islice(reversed(self._by_key.get(key, {})), _CANDIDATES):
                shared[name] = shared.get(name, 0) + weight((key,))
        near = [
            self._groups[name]
            for name in shared
            if same_text(keys, self._groups[name].keys) and self._is_near(at, self._groups[name])
        ]
        return min(
            near,
            key=lambda group: (group.post_id != post_id, -shared[group.post_id], group.first),
            default=None,
        )

    def _is_near(self, at: datetime, group: Group) -> bool:
        # Differences of times, and no sums: those overflow at the ends of the calendar.
        return at - group.last <= self.window and group.first - at <= self.window

    def _begin(self, post_id: str, keys: Sequence[str], at: datetime) -> None:
        if post_id in self._groups:
            # An edit made it another text.
            self._drop(post_id)
        while len(self._groups) >= self.most:
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
        """Drop what no post that is on time can belong to any more."""
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
