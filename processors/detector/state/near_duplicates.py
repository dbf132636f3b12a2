"""Groups copies and light edits of a post within a window of event time, by their duplicate keys.

Pure: the same additions in the same order give the same groups, also after a restore. Memory is
bounded by the window and by ``max_groups``. A group has the keys of its first post alone, so it
cannot drift from text to text, and a million copies cost as much as one post.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from datetime import datetime, timedelta
from itertools import islice

from msgspec import Struct, field

from text.fingerprint import MIN_WEIGHT, same_text, weight

MAX_GROUPS = 50_000
"""Some 2 kB each, and a quarter of that in a small window."""
_CANDIDATES = 8
"""The youngest groups of one key are compared: the cost of a post is bounded."""
INDEXED = 32
"""Groups above which keys have an index; up to there all groups are compared in less memory."""
_BREAK = "\n"
"""Between the keys of a group: one string takes a sixth of a list of them."""


class Group(Struct, kw_only=True):
    """The first post of a group, and the times of its earliest and latest posts."""

    number: int
    post_id: str
    keys: list[str]
    first: datetime
    last: datetime


class _Group(Struct, gc=False):
    """A group in memory; ``keys``: joined by ``_BREAK``."""

    number: int
    post_id: str
    keys: str
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

    def __init__(
        self, window: timedelta, max_groups: int = MAX_GROUPS, indexed: int = INDEXED
    ) -> None:
        if window <= timedelta(0) or max_groups < 1:
            raise ValueError("a window needs a length, and room for a group")
        self.window = window
        self.max_groups = max_groups
        self._indexed = indexed
        self._latest: datetime | None = None
        # In the order of their last posts, if posts come in order.
        self._groups: OrderedDict[str, _Group] = OrderedDict()
        # Post ids by key, in the order in which the groups began; one alone is itself.
        self._by_key: dict[str, str | dict[str, None]] | None = None
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
            groups=[_written(group) for group in self._groups.values()],
        )

    @classmethod
    def restore(cls, state: WindowState) -> "DuplicateWindow":
        window = cls(timedelta(seconds=state.window_seconds), state.max_groups)
        window._latest, window._begun = state.latest, state.begun
        for one in state.groups:
            window._groups[one.post_id] = _Group(
                one.number, one.post_id, _joined(one.keys), one.first, one.last
            )
        window._index()
        return window

    def _find(self, at: datetime, post_id: str, keys: Sequence[str]) -> _Group | None:
        """The group that shares most keys; of several, the earliest."""
        shared: dict[str, int] = {}
        own = dict.fromkeys(keys)
        youngest = self._sharing(own.keys()) if self._by_key is None else self._filed
        for key in own:
            for name in islice(youngest(key), _CANDIDATES):
                shared[name] = shared.get(name, 0) + weight((key,))
        likely = [name for name, weighed in shared.items() if weighed >= MIN_WEIGHT]
        # Differences of times: sums overflow at the ends of the calendar.
        near = [
            group
            for group in map(self._groups.__getitem__, likely)
            if same_text(keys, _keys(group))
            and at - group.last <= self.window
            and group.first - at <= self.window
        ]
        return min(
            near,
            key=lambda group: (group.post_id != post_id, -shared[group.post_id], group.first),
            default=None,
        )

    def _sharing(self, own: Set[str]) -> Callable[[str], Iterator[str]]:
        """What ``_filed`` gives for each of a post's own keys, from a look at every group."""
        sharing = [
            (group.number, group.post_id, group_keys)
            for group in self._groups.values()
            if not own.isdisjoint(group_keys := _keys(group))
        ]
        sharing.sort(key=lambda one: -one[0])
        return lambda key: (post_id for _, post_id, group_keys in sharing if key in group_keys)

    def _filed(self, key: str) -> Iterator[str]:
        """The groups of a key by their post ids, the youngest first."""
        assert self._by_key is not None
        names = self._by_key.get(key, ())
        return iter((names,)) if isinstance(names, str) else iter(reversed(names))

    def _begin(self, post_id: str, keys: Sequence[str], at: datetime) -> None:
        if post_id in self._groups:
            # The post was edited.
            self._drop(post_id)
        while len(self._groups) >= self.max_groups:
            self._drop(next(iter(self._groups)))
        self._begun += 1
        group = self._groups[post_id] = _Group(self._begun, post_id, _joined(keys), at, at)
        if self._by_key is None:
            self._index()
        else:
            self._file(self._by_key, group)

    def _index(self) -> None:
        """Make the index once there are many groups."""
        if len(self._groups) <= self._indexed:
            return
        self._by_key = {}
        for group in sorted(self._groups.values(), key=lambda group: group.number):
            self._file(self._by_key, group)

    def _file(self, by_key: dict[str, str | dict[str, None]], group: _Group) -> None:
        for key in _keys(group):
            names = by_key.get(key)
            if names is None:
                by_key[key] = group.post_id
            elif isinstance(names, str):
                by_key[key] = {names: None, group.post_id: None}
            else:
                names[group.post_id] = None

    def _forget(self) -> None:
        assert self._latest is not None
        while self._groups:
            name, group = next(iter(self._groups.items()))
            if self._latest - group.last <= self.window:
                return
            self._drop(name)

    def _drop(self, post_id: str) -> None:
        group = self._groups.pop(post_id)
        if self._by_key is None:
            return
        if len(self._groups) <= self._indexed // 2:
            self._by_key = None
            return
        for key in _keys(group):
            names = self._by_key[key]
            if not isinstance(names, str):
                del names[post_id]
            if isinstance(names, str) or not names:
                del self._by_key[key]


def _joined(keys: Iterable[str]) -> str:
    """The keys once each; one with a break is none of ours, and is left out."""
    return _BREAK.join(key for key in dict.fromkeys(keys) if _BREAK not in key)


def _written(group: _Group) -> Group:
    return Group(
        number=group.number,
        post_id=group.post_id,
        keys=_keys(group),
        first=group.first,
        last=group.last,
    )


def _keys(group: _Group) -> list[str]:
    return group.keys.split(_BREAK) if group.keys else []
