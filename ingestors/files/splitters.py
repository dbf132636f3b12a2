"""Split UTF-8 into records: a line each, or a value of JSON each.

``feed(data)`` and ``finish()`` add to ``ready``. A record longer than ``MAX_LINE_BYTES`` is cut to
one byte more than that.
"""

import re
from collections import deque
from typing import Final

MAX_LINE_BYTES = 2 * 2**20
"""Nearly twice the longest post that tocsin keeps, with every character escaped."""
_MARK: Final = re.compile(rb'["\\{}\[\],]')
_SEPARATORS: Final = b" \t\r\n,"


class LineSplitter:
    """Lines with their line feed; ``separator`` is a lone carriage return in files of old Macs."""

    def __init__(self, separator: bytes = b"\n") -> None:
        self.ready: deque[bytes] = deque()
        self._separator = separator
        self._partial = bytearray()

    def feed(self, data: bytes) -> None:
        first, *rest = data.split(self._separator)
        self._add(first)
        for piece in rest:
            self._end(b"\n")
            self._add(piece)

    def finish(self) -> None:
        if self._partial:
            self._end(b"")

    def _add(self, piece: bytes) -> None:
        self._partial += piece[: MAX_LINE_BYTES + 1 - len(self._partial)]

    def _end(self, line_feed: bytes) -> None:
        is_cut = len(self._partial) > MAX_LINE_BYTES
        self.ready.append(bytes(self._partial if is_cut else self._partial + line_feed))
        self._partial.clear()


class JsonSplitter:
    """The items of one JSON array, or JSON values one after the other, over any number of lines."""

    def __init__(self) -> None:
        self.ready: deque[bytes] = deque()
        self._partial = bytearray()
        self._base: int | None = None
        self._depth = 0
        self._in_string = False
        self._skip = 0

    def feed(self, data: bytes) -> None:
        start, skip_to = 0, self._skip
        for mark in _MARK.finditer(data):
            at = mark.start()
            if at < skip_to:
                continue
            sign = data[at : at + 1]
            if sign == b"\\":
                skip_to = at + 2
            elif sign == b'"':
                self._in_string = not self._in_string
            elif not self._in_string:
                start = self._structure(sign, data, start, at)
        self._skip = max(0, skip_to - len(data))
        self._add(data[start:])

    def _structure(self, sign: bytes, data: bytes, start: int, at: int) -> int:
        """Take a bracket or a comma outside of strings; return where the rest begins."""
        if sign in b"{[":
            if self._base is None:
                self._base = int(sign == b"[")
                if self._base:
                    self._add(data[start:at])
                    self._end()
                    self._depth = 1
                    return at + 1
            self._depth += 1
            return start
        if sign == b",":
            if self._depth != (self._base or 0):
                return start
            self._add(data[start:at])
        else:
            self._depth = max(0, self._depth - 1)
            ends_array = self._depth < (self._base or 0)
            self._add(data[start : at + (not ends_array)])
            if self._depth > (self._base or 0):
                return at + 1
            if ends_array:
                self._base = 0
        self._end()
        return at + 1

    def _add(self, piece: bytes) -> None:
        self._partial += piece[: MAX_LINE_BYTES + 1 - len(self._partial)]

    def _end(self) -> None:
        record = bytes(self._partial).strip(_SEPARATORS)
        if record:
            self.ready.append(record)
        self._partial.clear()

    def finish(self) -> None:
        self._end()


Splitter = LineSplitter | JsonSplitter
