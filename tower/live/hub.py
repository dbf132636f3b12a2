"""From one stream to many browsers: match once, render once, and queue for each.

A browser that is too slow loses the oldest events of its queue; the number lost is told to it. A
ring of recent events lets a browser go on where it was, and closes the gap between the history that
a page was made of and the first live event.
"""

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from queries.language.ast import Node
from queries.matching.query_matcher import QueryMatcher
from runtime import tower_metrics
from schemas.mention import (
    Mention,
    MentionDelete,
    MentionErasure,
    MentionEvent,
    MentionUpsert,
)
from tower.live.event_format import Event, encoded
from tower.live.withdrawals import Withdrawals

MAX_QUEUE: Final = 400
"""Events that wait for one browser."""
MAX_RING: Final = 5_000
"""Recent mentions; at 20 a second some four minutes."""
REPLAY_S: Final = 600.0
"""How far back a new browser's live posts begin: what the index may not have yet."""
MAX_REPLAY: Final = 100

Render = Callable[[Mention, int, str], str]
"""A mention, its version and the language of the page, to HTML."""
Key = Callable[[str], str]
"""A post's or an author's id to what the page knows it by."""


class Recent(NamedTuple):
    number: int
    at: float
    """Monotonic."""
    event: MentionUpsert
    edits: bool
    """Whether an earlier state of it may be on a screen."""


class Gone(NamedTuple):
    number: int
    at: float
    """Monotonic."""
    told: Event


@dataclass(eq=False)
class Listener:
    """One browser. ``query``: the text of its query, empty for everything."""

    query: str
    language: str
    person: str
    panels: tuple[str, ...] = ()
    posts: bool = True
    """Whether it gets live posts; every screen is told what leaves."""
    queue: deque[Event] = field(default_factory=deque)
    dropped: int = 0
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    closed: bool = False

    def put(self, event: Event) -> None:
        if len(self.queue) >= MAX_QUEUE:
            # A post may be missed; a deleted one must not stay on the screen.
            oldest = next((one for one in self.queue if one.name == "post"), self.queue[0])
            self.queue.remove(oldest)
            self.dropped += 1
            tower_metrics.TOWER_DROPPED.inc()
        self.queue.append(event)
        self.woken.set()

    def take(self) -> list[Event]:
        """What waits, with the number of lost events first."""
        events = list(self.queue)
        self.queue.clear()
        self.woken.clear()
        if self.dropped:
            events.insert(0, encoded("lost", {"count": self.dropped}))
            self.dropped = 0
        return events


class Hub:
    """For one event loop; the reader's thread hands batches over with ``call_soon_threadsafe``."""

    def __init__(
        self, render: Render, key: Key, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._render = render
        self._key = key
        self._monotonic = monotonic
        self._listeners: dict[Listener, None] = {}
        self._matcher = QueryMatcher({})
        self._nodes: dict[str, Node] = {}
        self._ring: deque[Recent] = deque(maxlen=MAX_RING)
        self._gone: deque[Gone] = deque(maxlen=MAX_RING)
        self._seen: OrderedDict[str, None] = OrderedDict()
        """Posts that were sent lately: one that comes again is an edit."""
        self._number = 0
        self._forgotten = 0
        """The number up to which events are not kept any more."""
        self.withdrawn = Withdrawals()
        self.state: Mapping[str, object] = {"live": False, "why": "starting"}
        self.on_withdrawal: Callable[[], None] = lambda: None

    @property
    def number(self) -> int:
        return self._number

    def listeners(self) -> list[Listener]:
        return list(self._listeners)

    def add(self, listener: Listener, node: Node | None, after: int | None) -> None:
        """Add a browser; ``after``: the number of the last event it has, None for a new one."""
        self._listeners[listener] = None
        if node is not None and listener.query not in self._nodes:
            self._nodes[listener.query] = node
            self._matcher = QueryMatcher(self._nodes)
        tower_metrics.TOWER_STREAMS.set(len(self._listeners))
        listener.put(encoded("state", self.state))
        self._replay(listener, after)

    def remove(self, listener: Listener) -> None:
        self._listeners.pop(listener, None)
        tower_metrics.TOWER_STREAMS.set(len(self._listeners))
        if listener.query in self._nodes and not any(
            other.query == listener.query for other in self._listeners
        ):
            del self._nodes[listener.query]
            self._matcher = QueryMatcher(self._nodes)

    def _replay(self, listener: Listener, after: int | None) -> None:
        since = self._monotonic() - REPLAY_S
        recent = [
            one for one in self._ring if (one.at >= since if after is None else one.number > after)
        ]
        fits = self._fits(listener.query, recent)
        told = [
            (one.number, self._post(one, listener.language) if fitting else self._changed(one))
            for one, fitting in zip(recent, fits, strict=True)
            if listener.posts and (fitting or one.edits)
        ]
        # What left meanwhile may be on the page; so may what left before the stream began.
        told += [
            (one.number, one.told)
            for one in self._gone
            if (one.at >= since if after is None else one.number > after)
        ]
        told.sort(key=lambda pair: pair[0])
        if after is not None and (after < self._forgotten or len(told) > MAX_REPLAY):
            listener.put(encoded("reset", {}))
        for _, event in told[-MAX_REPLAY:]:
            listener.put(event)

    def _fits(self, query: str, recent: Sequence[Recent]) -> list[bool]:
        if not query:
            return [True] * len(recent)
        found = self._matcher.match([one.event.mention for one in recent])
        return [any(match.name == query for match in matches) for matches in found]

    def receive(self, events: Sequence[MentionEvent]) -> None:
        """A batch of the stream, in its order."""
        upserts: list[MentionUpsert] = []
        withdrawn = False
        for event in events:
            self.withdrawn.take(event)
            if isinstance(event, MentionUpsert):
                # After a crash the stream has some states again, older than their delete.
                if not self.withdrawn.hides(event.mention.post, event.version):
                    upserts.append(event)
            else:
                self._flush(upserts)
                upserts = []
                self._withdraw(event)
                withdrawn = True
        self._flush(upserts)
        if withdrawn:
            self.on_withdrawal()

    def _flush(self, upserts: Sequence[MentionUpsert]) -> None:
        if not upserts:
            return
        now = self._monotonic()
        recent = []
        for event in upserts:
            self._number += 1
            recent.append(Recent(self._number, now, event, self._is_edit(event)))
            self._keep(self._ring, recent[-1])
        if not self._listeners:
            return
        matches = self._matcher.match([event.mention for event in upserts])
        by_query: dict[str, list[Listener]] = {}
        for listener in self._listeners:
            if listener.posts:
                by_query.setdefault(listener.query, []).append(listener)
        for one, matched in zip(recent, matches, strict=True):
            names = {"", *(match.name for match in matched)} & by_query.keys()
            self._send(one, [listener for name in names for listener in by_query[name]])
            if one.edits:
                changed = self._changed(one)
                for name in by_query.keys() - names:
                    for listener in by_query[name]:
                        listener.put(changed)

    def _is_edit(self, event: MentionUpsert) -> bool:
        known = event.id in self._seen
        self._seen[event.id] = None
        self._seen.move_to_end(event.id)
        while len(self._seen) > MAX_RING:
            self._seen.popitem(last=False)
        return known or event.mention.post.edited_at is not None

    def _changed(self, one: Recent) -> Event:
        """A screen whose query the post does not match any more must not show what it was."""
        body = {"key": self._key(one.event.id), "version": one.event.version - 1}
        return encoded("changed", body, one.number)

    def _keep(self, ring: "deque[Recent] | deque[Gone]", one: Recent | Gone) -> None:
        if len(ring) == MAX_RING:
            self._forgotten = max(self._forgotten, ring[0].number)
        ring.append(one)  # type: ignore[arg-type]

    def _send(self, one: Recent, listeners: Iterable[Listener]) -> None:
        events: dict[str, Event] = {}
        for listener in listeners:
            event = events.get(listener.language)
            if event is None:
                event = events[listener.language] = self._post(one, listener.language)
            listener.put(event)

    def _post(self, one: Recent, language: str) -> Event:
        mention = one.event.mention
        body = {
            "key": self._key(mention.post.id),
            "author": self._key(f"{mention.post.source}:{mention.post.author.id}"),
            "version": one.event.version,
            "html": self._render(mention, one.event.version, language),
        }
        return encoded("post", body, one.number)

    def _withdraw(self, event: MentionDelete | MentionErasure) -> None:
        """Every screen may show it, whatever its query."""
        self._number += 1
        kind = "author" if isinstance(event, MentionErasure) else "key"
        gone = encoded("gone", {kind: self._key(event.id), "version": event.version}, self._number)
        if isinstance(event, MentionDelete) and not event.version:
            return
        self._keep(self._gone, Gone(self._number, self._monotonic(), gone))
        self._ring = deque(
            (
                one
                for one in self._ring
                if not self.withdrawn.hides(one.event.mention.post, one.event.version)
            ),
            maxlen=MAX_RING,
        )
        self.broadcast(gone)

    def broadcast(self, event: Event) -> None:
        for listener in self._listeners:
            listener.put(event)

    def tell_desk(self, alert_id: str, by: str, act: str) -> None:
        """Somebody did something with an alert: other screens load it again."""
        self.broadcast(encoded("desk", {"id": alert_id, "by": by, "act": act}))

    def tell_state(self, live: bool, why: str = "") -> None:
        """Whether the stream is being read; every screen says so."""
        state = {"live": live, "why": why}
        if state != self.state:
            self.state = state
            self.broadcast(encoded("state", state))

    def close(self) -> None:
        """End every stream: the server is stopping."""
        for listener in self._listeners:
            listener.closed = True
            listener.woken.set()
