"""Reads posts from a file or from standard input, at full speed or at the pace of their time.

What is read twice changes nothing: ids and versions come from the rows alone. A restart goes on
behind the last line that was handed over, with the same shift of times, and only in a file that is
still the same. See docs/replay.md.
"""

import sys
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from operator import attrgetter
from pathlib import Path
from typing import BinaryIO, Literal, NamedTuple

import msgspec

from ingestors.files.lines import FileLines, Lines, PipeLines, fingerprint
from ingestors.files.mapping import MappingFile, load_mapping
from ingestors.files.post_line import NotAPost
from ingestors.files.records import Rows, rows_for
from ingestors.pacing import Pacer, Sleep, Timer, event_time
from ingestors.source import MAX_WAIT_S, Batch, Position, SourceError, Unreadable
from runtime.clock import Clock, utc_now
from schemas.errors import ConfigurationError
from schemas.post import PostDelete, PostEvent, PostUpsert

BATCH_EVENTS = 500
"""Most rows in one batch."""
MAX_SORTED_ROWS = 1_000_000
"""Most rows that ``sort`` holds in memory (one to two gigabytes)."""
MAX_PAYLOAD_BYTES = 2**18
"""How much is kept of what could not be read."""
MAX_SILENT_LINES = 10_000
"""Blank lines read in one go, before the caller is given a chance to stop."""

Redate = Literal["start", "end"]
"""Which end of the file becomes the present: its first event, or its last."""


class Item(NamedTuple):
    """One row: an event or not, the lines up to its end, and when it happened if it says so."""

    line: int
    event: PostEvent | None
    unreadable: Unreadable | None
    when: datetime | None


def shift_event(event: PostEvent, shift: timedelta) -> PostEvent:
    """The event, so much later. Its version moves along, so that edits stay behind their post."""
    micros = shift // timedelta(microseconds=1)
    version = min(max(event.version + micros, 0), 2**63 - 1)
    if isinstance(event, PostUpsert):
        post = event.post
        edited = None if post.edited_at is None else post.edited_at + shift
        post = msgspec.structs.replace(post, created_at=post.created_at + shift, edited_at=edited)
        return msgspec.structs.replace(event, post=post, version=version)
    if isinstance(event, PostDelete) and event.created_at is not None:
        created = event.created_at + shift
        return msgspec.structs.replace(event, created_at=created, version=version)
    return msgspec.structs.replace(event, version=version)


class _Reading:
    """One pass over the lines: rows in the order of the file, times as they are in it."""

    def __init__(self, lines: Lines, rows: Rows, clock: Clock) -> None:
        self.lines = lines
        self._rows = rows
        self._clock = clock

    @property
    def finished(self) -> bool:
        """Whether every row was handed out."""
        return self.lines.ended and not self._rows.begun

    def skip(self, line: int) -> None:
        """Go behind a line; a header on the way is read."""
        while self.lines.number < line and (text := self.lines.next(0.0)) is not None:
            if self._rows.needs_header:
                self._take(text)

    def next(self, wait_s: float) -> Item | None:
        """The next row, or None when there is none (yet)."""
        for _ in range(MAX_SILENT_LINES):
            line = self.lines.next(wait_s)
            if line is None:
                return self._cut_off() if self.lines.ended else None
            item = self._take(line)
            if item is not None:
                return item
        return None

    def _take(self, line: bytes) -> Item | None:
        begun = self._rows.begun
        now = self._clock()
        number = self.lines.number
        try:
            event = self._rows.feed(line, now)
        except NotAPost as error:
            payload = (begun + line)[:MAX_PAYLOAD_BYTES]
            return Item(number, None, Unreadable(payload, f"line {number}: {error}"), None)
        if event is None:
            return None
        when = event_time(event)
        return Item(number, event, None, None if when == now else when)

    def _cut_off(self) -> Item | None:
        """What is left when the file ends within a record; once."""
        begun = self._rows.begun
        if not begun:
            return None
        self._rows.forget()
        number = self.lines.number
        detail = f"line {number}: the file ends within a quoted field; close its quote"
        return Item(number, None, Unreadable(begun[:MAX_PAYLOAD_BYTES], detail), None)

    def __iter__(self) -> Iterator[Item]:
        while not self.finished:
            item = self.next(MAX_WAIT_S)
            if item is not None:
                yield item


class _Sorted:
    """All rows of a file by event time; rows without one stay behind the row before them."""

    def __init__(self, reading: _Reading, path: str) -> None:
        keyed: list[tuple[float, Item]] = []
        latest = float("-inf")
        for item in reading:
            if len(keyed) == MAX_SORTED_ROWS:
                raise SourceError(
                    f"{path} has over {MAX_SORTED_ROWS:,} rows, too many to sort in memory; "
                    "sort the file beforehand, or split it"
                )
            latest = latest if item.when is None else item.when.timestamp()
            keyed.append((latest, item))
        keyed.sort(key=lambda pair: pair[0])
        self._items = [
            item._replace(line=number) for number, (_, item) in enumerate(keyed, start=1)
        ]
        self._at = 0

    @property
    def finished(self) -> bool:
        return self._at >= len(self._items)

    def skip(self, line: int) -> None:
        self._at = min(line, len(self._items))

    def next(self, wait_s: float) -> Item | None:
        if self.finished:
            return None
        self._at += 1
        return self._items[self._at - 1]


class ReplaySource:
    """A file as a source (``ingestors.source.Source``); ``-`` is standard input.

    ``mapping`` names a mapping; without one, lines are PostEvents or bare posts (the latter of
    ``default_source`` where they name none). ``pace`` None plays as fast as it can, 1.0 as it
    happened, 60 a minute a second. ``redate`` shifts all times so that the first event, or the
    last, is at the moment of the first start. ``sort`` reads the whole file first and plays it in
    the order of time.
    """

    def __init__(
        self,
        path: str,
        *,
        mapping: str | None = None,
        default_source: str = "file",
        pace: float | None = None,
        redate: Redate | None = None,
        sort: bool = False,
        clock: Clock = utc_now,
        timer: Timer = time.monotonic,
        sleep: Sleep = time.sleep,
        stdin: BinaryIO | None = None,
    ) -> None:
        if path == "-" and (sort or redate == "end"):
            raise ConfigurationError(
                "standard input is read only once: it can be neither sorted nor redated by its "
                "end; save it to a file first"
            )
        self._path = path
        self._mapping: MappingFile | None = load_mapping(mapping) if mapping else None
        self.source_id = _source_id(path, mapping, redate, sort)
        self._default_source = default_source
        self._redate, self._sort = redate, sort
        self._clock, self._timer, self._stdin = clock, timer, stdin
        self._pacer: Pacer[Item] = Pacer(pace, attrgetter("when"), timer, sleep)
        self._reading: _Reading | _Sorted | None = None
        self._lines: Lines | None = None
        self._file: dict[str, str | int] = {}
        self._line = 0
        self._shift: timedelta | None = None
        self._failure: SourceError | None = None

    def open(self, position: Position | None) -> None:
        """Open the file behind ``position``. Sorting and redating by the end read it whole."""
        self._pacer.restart()
        self._line, self._shift, self._failure = 0, None, None
        if self._path == "-":
            self._lines = PipeLines(self._stdin or sys.stdin.buffer)
            self._reading = self._pass_over(self._lines)
            return
        self._file = {"file": self._path, **fingerprint(Path(self._path))}
        if position is not None:
            self._resume(position)
        if self._redate == "end" and self._shift is None:
            self._shift = self._shift_to_end()
        self._lines = FileLines(Path(self._path))
        reading = self._pass_over(self._lines)
        self._reading = _Sorted(reading, self._path) if self._sort else reading
        self._reading.skip(self._line)

    def _pass_over(self, lines: Lines) -> _Reading:
        return _Reading(lines, rows_for(self._mapping, self._default_source), self._clock)

    def _resume(self, position: Position) -> None:
        line, shift = position.get("line"), position.get("shift_us")
        if not isinstance(line, int) or not isinstance(shift, int | None):
            raise SourceError(
                f"the checkpoint of {self.source_id} is not one of a file; "
                "remove it to read the file from its beginning"
            )
        if any(position.get(key) != self._file[key] for key in ("size", "head")):
            raise SourceError(
                f"{self._path} is not the file of the last time (other size or beginning); put "
                "the old one back, or remove the checkpoint to read this one from its beginning"
            )
        self._line = line
        self._shift = None if shift is None else timedelta(microseconds=shift)

    def _shift_to_end(self) -> timedelta:
        lines = FileLines(Path(self._path))
        try:
            times = (item.when for item in self._pass_over(lines))
            last = max((when for when in times if when is not None), default=None)
        finally:
            lines.close()
        return timedelta(0) if last is None else self._clock() - last

    def next_batch(self) -> Batch:
        """Rows that are due, at most 500; waits up to a second for the first."""
        if self._failure is not None:
            raise self._failure
        events: list[PostEvent] = []
        unreadable: list[Unreadable] = []
        deadline = self._timer() + MAX_WAIT_S
        while len(events) + len(unreadable) < BATCH_EVENTS:
            patience = 0.0 if events or unreadable else max(0.0, deadline - self._timer())
            try:
                item = self._pacer.due(self._next, patience)
            except SourceError as error:
                if not events and not unreadable:
                    raise
                self._failure = error
                break
            if item is None:
                break
            self._line = item.line
            if item.event is not None:
                events.append(self._redated(item.event, item.when))
            if item.unreadable is not None:
                unreadable.append(item.unreadable)
        return Batch(events, self._position(), unreadable, self._finished())

    def _next(self, wait_s: float) -> Item | None:
        if self._reading is None:
            raise SourceError(f"{self.source_id} is not open; call open() first")
        return self._reading.next(wait_s)

    def _redated(self, event: PostEvent, when: datetime | None) -> PostEvent:
        if self._redate is None or when is None:
            return event
        if self._shift is None:
            self._shift = self._clock() - when
        return shift_event(event, self._shift)

    def _finished(self) -> bool:
        reading = self._reading
        return self._pacer.held is None and reading is not None and reading.finished

    def _position(self) -> Position | None:
        if self._path == "-":
            return None
        shift = None if self._shift is None else self._shift // timedelta(microseconds=1)
        return {**self._file, "line": self._line, "shift_us": shift}

    def close(self) -> None:
        if self._lines is not None:
            self._lines.close()
        self._reading = None
        self._pacer.restart()


def _source_id(path: str, mapping: str | None, redate: Redate | None, sort: bool) -> str:
    """The file and everything that changes what is read of it; not the pace."""
    wishes = {"mapping": mapping, "redate": redate, "sort": "yes" if sort else None}
    named = "&".join(f"{key}={value}" for key, value in wishes.items() if value)
    return f"replay:{path}?{named}" if named else f"replay:{path}"
