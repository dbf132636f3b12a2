"""What a browser makes of the bytes of a stream, step by step as WHATWG HTML 9.2.6 says."""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Dispatched:
    """An event as a page gets it."""

    type: str
    data: str
    last_event_id: str


@dataclass
class SseParser:
    """Feed it chunks; ``events`` has what was dispatched."""

    def __post_init__(self) -> None:
        self.events: list[Dispatched] = []
        self.last_event_id = ""
        self.retry_ms: int | None = None
        self._rest = b""
        self._data = ""
        self._type = ""

    def feed(self, chunk: bytes) -> list[Dispatched]:
        """The events that this chunk completes."""
        before = len(self.events)
        *lines, self._rest = re.split(rb"\r\n|\n|\r", self._rest + chunk)
        for line in lines:
            self._line(line.decode("utf-8", "replace"))
        return self.events[before:]

    def _line(self, line: str) -> None:
        if not line:
            self._dispatch()
        elif line.startswith(":"):
            return
        else:
            name, _, value = line.partition(":")
            self._field(name, value.removeprefix(" "))

    def _field(self, name: str, value: str) -> None:
        if name == "event":
            self._type = value
        elif name == "data":
            self._data += value + "\n"
        elif name == "id" and "\0" not in value:
            self.last_event_id = value
        elif name == "retry" and value.isascii() and value.isdigit():
            self.retry_ms = int(value)

    def _dispatch(self) -> None:
        data, type_ = self._data, self._type or "message"
        self._data = self._type = ""
        if data:
            self.events.append(Dispatched(type_, data[:-1], self.last_event_id))


def parsed(stream: bytes) -> list[Dispatched]:
    return SseParser().feed(stream)
