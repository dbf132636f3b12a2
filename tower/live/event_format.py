"""Server-sent events as bytes (WHATWG HTML, 9.2): ``id``, ``event``, and JSON on one line.

JSON escapes line breaks, so nothing that a stranger writes can end an event or begin another.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import msgspec

EventName = Literal["post", "gone", "changed", "panel", "alert", "lost", "state", "reset", "desk"]
KEEP_ALIVE: Final = b": alive\n\n"
MAX_POSITION: Final = 2_000
"""Characters of a ``Last-Event-ID``."""


@dataclass(frozen=True, slots=True)
class Event:
    """``data`` is encoded once for every browser that gets it."""

    name: EventName
    data: bytes
    number: int = 0
    """Place in the order of the hub; 0: it has none, so a resume does not repeat it."""


def encoded(name: EventName, body: Mapping[str, object], number: int = 0) -> Event:
    return Event(name, msgspec.json.encode(body), number)


def written(event: Event, session: str) -> bytes:
    """The bytes of an event; ``session`` tells the numbers of this process from older ones."""
    head = b"event: %b\n" % event.name.encode()
    if event.number:
        head = b"id: %b-%d\n" % (session.encode(), event.number) + head
    return head + b"data: " + event.data + b"\n\n"


def number_of(last_event_id: str, session: str) -> int | None:
    """The number after which to go on; None: of another process, or not one of ours."""
    name, _, number = last_event_id.rpartition("-")
    if name != session or not number.isascii() or not number.isdigit() or len(number) > 18:
        return None
    return int(number)
