"""Renders panels at each tick, once for all browsers that look at the same, and pushes them."""

import asyncio
import hashlib
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from runtime.logs import get_logger
from tower.live.event_format import Event, encoded
from tower.live.hub import Listener
from tower.questions.scope import LIVE_TICK

TICK_S: Final = LIVE_TICK.total_seconds()
_AFTER_S: Final = 0.02
"""So that a tick is never before the window that it asks for."""
log = get_logger("tower")

Render = Callable[[Any, Any], Awaitable[Mapping[str, str]]]
"""A page and a view to panel and HTML; what is not known in time is left out."""


@dataclass
class _Look:
    page: Any
    view: Any
    sent: dict[str, bytes]
    """Panel to the hash of what was sent last: an equal one is not sent again."""


class PanelPush:
    """For one event loop. A tick without browsers asks nothing."""

    def __init__(
        self,
        render: Render,
        key: Callable[[Any, Any], Hashable],
        now: Callable[[], float] = time.time,
    ) -> None:
        self._render = render
        self._key = key
        self._now = now
        self._looks: dict[Listener, _Look] = {}

    def add(self, listener: Listener, page: Any, view: Any) -> None:
        self._looks[listener] = _Look(page, view, {})

    def remove(self, listener: Listener) -> None:
        self._looks.pop(listener, None)

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            await asyncio.sleep(self.next_tick_s())
            await self.tick()

    def next_tick_s(self) -> float:
        """Seconds until the window of the questions moves.

        A tick within the window before would get the answer that is known, and not notice that the
        index is away.
        """
        return TICK_S - self._now() % TICK_S + _AFTER_S

    async def tick(self) -> None:
        groups: defaultdict[Hashable, list[tuple[Listener, _Look]]] = defaultdict(list)
        for listener, look in self._looks.items():
            groups[self._key(look.page, look.view)].append((listener, look))
        await asyncio.gather(*(self._push(looks) for looks in groups.values()))

    async def _push(self, looks: list[tuple[Listener, _Look]]) -> None:
        _, first = looks[0]
        try:
            panels = await self._render(first.page, first.view)
        except Exception as error:  # noqa: BLE001
            # Whatever one page has, the others go on.
            log.error("panels could not be pushed", error=repr(error)[:500])
            return
        events: dict[str, tuple[bytes, Event]] = {}
        for name, html in panels.items():
            digest = hashlib.blake2b(html.encode(), digest_size=8).digest()
            events[name] = digest, encoded("panel", {"name": name, "html": str(html)})
        for listener, look in looks:
            for name, (digest, event) in events.items():
                if look.sent.get(name) != digest:
                    look.sent[name] = digest
                    listener.put(event)
