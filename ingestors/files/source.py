"""Replays posts from a file or standard input, at full speed or at the pace of their times.

Reading twice is harmless: ids and versions come from the rows alone. A restart continues after the
last line that was returned, with the same shift of times, and only if the file is unchanged
(docs/replay.md).
"""

import sys
import time
from collections import deque
from collections.abc import Iterator
from datetime import datetime, timedelta
from operator import attrgetter, itemgetter
from pathlib import Path
from typing import BinaryIO, Literal, NamedTuple

import msgspec

from ingestors.files.lines import FileLines, Lines, PipeLines
from ingestors.files.mapping import MappingFile, load_mapping
from ingestors.files.post_line import NotAPost
from ingestors.files.records import Rows, rows_for
from ingestors.pacing import Pacer, Sleep, Timer, event_time
from ingestors.source import MAX_WAIT_S, Batch, Position, SourceError, Unreadable, bad_checkpoint
from runtime.clock import Clock, utc_now
from schemas.errors import ConfigurationError
from schemas.post import PostDelete, PostEvent, PostUpsert

BATCH_EVENTS = 500
MAX_SORTED_ROWS = 1_000_000
"""Maximum rows that ``sort`` holds in memory (one to two gigabytes)."""
MAX_PAYLOAD_BYTES = 2**18
"""Maximum length of an :class:`Unreadable` payload."""
MAX_BLANK_LINES = 10_000
"""Maximum blank lines in one call, so the caller can stop."""

Redate = Literal["start", "end"]
"""The event that becomes the present: the first or the last."""


class Item(NamedTuple):
    """One row: the number of its last line, its content, and its time if it has one."""

    line: int
    content: PostEvent | Unreadable
    when: datetime | None = None


def shift_event(event: PostEvent, shift: timedelta) -> PostEvent:
    """Shift the times of the event, and its version: edits must stay newer than their post."""
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


class _FileRows:
    """The rows of a file in its order, with the original times."""

    def __init__(self, lines: Lines, rows: Rows, clock: Clock) -> None:
        self.lines = lines
        self._rows = rows
        self._clock = clock

    @property
    def finished(self) -> bool:
        return self.lines.ended and not self._rows.partial

    def skip(self, line: int) -> None:
        """Skip to after a line, but read the header."""
        while self.lines.number < line and (text := self.lines.next(0.0)) is not None:
            if self._rows.needs_header:
                self._take(text)

    def next(self, wait_s: float) -> Item | None:
        for _ in range(MAX_BLANK_LINES):
            line = self.lines.next(wait_s)
            if line is None:
                return self._cut_off() if self.lines.ended else None
            item = self._take(line)
            if item is not None:
                return item
        return None

    def _take(self, line: bytes) -> Item | None:
        partial = self._rows.partial
        now = self._clock()
        try:
            event = self._rows.feed(line, now)
        except NotAPost as error:
            return self._unreadable(partial + line, str(error))
        if event is None:
            return None
        when = event_time(event)
        return Item(self.lines.number, event, None if when == now else when)

    def _cut_off(self) -> Item | None:
        """Return the incomplete record at the end of the file, once."""
        partial = self._rows.partial
        if not partial:
            return None
        self._rows.forget()
        return self._unreadable(partial, "the file ends in a quoted field; close its quote")

    def _unreadable(self, payload: bytes, problem: str) -> Item:
        number = self.lines.number
        return Item(number, Unreadable(payload[:MAX_PAYLOAD_BYTES], f"line {number}: {problem}"))

    def __iter__(self) -> Iterator[Item]:
        while not self.finished:
            item = self.next(MAX_WAIT_S)
            if item is not None:
                yield item


class _SortedRows:
    """The rows by event time; a row without a time stays after the row before it."""

    def __init__(self, rows: _FileRows, path: str) -> None:
        keyed: list[tuple[float, Item]] = []
        latest = float("-inf")
        for item in rows:
            if len(keyed) == MAX_SORTED_ROWS:
                raise SourceError(
                    f"{path} has over {MAX_SORTED_ROWS:,} rows, too many to sort in memory; "
                    "sort the file beforehand, or split it"
                )
            latest = latest if item.when is None else item.when.timestamp()
            keyed.append((latest, item))
        keyed.sort(key=itemgetter(0))
        numbered = enumerate(keyed, start=1)
        self._items = deque(item._replace(line=number) for number, (_, item) in numbered)

    @property
    def finished(self) -> bool:
        return not self._items

    def skip(self, line: int) -> None:
        while self._items and self._items[0].line <= line:
            self._items.popleft()

    def next(self, wait_s: float) -> Item | None:
        return self._items.popleft() if self._items else None


class ReplaySource:
    """A file as a source (``ingestors.source.Source``); ``-`` is standard input.

    Without ``mapping``, lines are PostEvents or bare posts (of ``default_source`` if they name no
    source). ``pace`` is the speed-up: None is full speed, 60 a minute a second. ``redate`` shifts
    the first or last event to the first ``open``. ``sort`` reads the whole file first.
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
                "standard input cannot be sorted or redated by its end; save it to a file first"
            )
        self._path = path
        self._mapping: MappingFile | None = load_mapping(mapping) if mapping else None
        self.source_id = _source_id(path, mapping, redate, sort)
        self._default_source = default_source
        self._redate, self._sort = redate, sort
        self._clock, self._timer, self._stdin = clock, timer, stdin
        self._pacer: Pacer[Item] = Pacer(pace, attrgetter("when"), timer, sleep)
        self._rows: _FileRows | _SortedRows | None = None
        self._lines: Lines | None = None
        self._file: dict[str, str | int] = {}
        self._line = 0
        self._shift: timedelta | None = None
        self._failure: SourceError | None = None

    def open(self, position: Position | None) -> None:
        self._pacer.restart()
        self._line, self._shift, self._failure = 0, None, None
        if self._path == "-":
            self._lines = PipeLines(self._stdin or sys.stdin.buffer)
            self._rows = self._rows_of(self._lines)
            return
        self._lines = lines = FileLines(Path(self._path))
        self._file = {"file": self._path, **lines.fingerprint}
        if position is not None:
            self._resume(position)
        if self._redate == "end" and self._shift is None:
            self._shift = self._shift_to_end()
        rows = self._rows_of(lines)
        self._rows = _SortedRows(rows, self._path) if self._sort else rows
        self._rows.skip(self._line)

    def _rows_of(self, lines: Lines) -> _FileRows:
        return _FileRows(lines, rows_for(self._mapping, self._default_source), self._clock)

    def _resume(self, position: Position) -> None:
        line, shift = position.get("line"), position.get("shift_us")
        if not isinstance(line, int) or not isinstance(shift, int | None):
            raise bad_checkpoint(self.source_id, "has no line or shift")
        if any(position.get(key) != self._file[key] for key in ("size", "head")):
            raise SourceError(
                f"{self._path} has changed since the checkpoint (size or beginning); restore it, "
                f"or run 'tocsin checkpoints reset {self.source_id}' to read it from its beginning"
            )
        self._line = line
        self._shift = None if shift is None else timedelta(microseconds=shift)

    def _shift_to_end(self) -> timedelta:
        lines = FileLines(Path(self._path))
        try:
            times = (item.when for item in self._rows_of(lines))
            last = max((when for when in times if when is not None), default=None)
        finally:
            lines.close()
        return timedelta(0) if last is None else self._clock() - last

    def next_batch(self) -> Batch:
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
            if isinstance(item.content, Unreadable):
                unreadable.append(item.content)
            else:
                events.append(self._redated(item.content, item.when))
        finished = self._pacer.held is None and self._rows is not None and self._rows.finished
        return Batch(events, self._position(), unreadable, finished)

    def _next(self, wait_s: float) -> Item | None:
        if self._rows is None:
            raise SourceError(f"{self.source_id} is not open; call open() first")
        return self._rows.next(wait_s)

    def _redated(self, event: PostEvent, when: datetime | None) -> PostEvent:
        if self._redate is None or when is None:
            return event
        if self._shift is None:
            self._shift = self._clock() - when
        return shift_event(event, self._shift)

    def _position(self) -> Position | None:
        if self._path == "-":
            return None
        shift = None if self._shift is None else self._shift // timedelta(microseconds=1)
        return {**self._file, "line": self._line, "shift_us": shift}

    def close(self) -> None:
        if self._lines is not None:
            self._lines.close()
        self._rows = None
        self._pacer.restart()


def _source_id(path: str, mapping: str | None, redate: Redate | None, sort: bool) -> str:
    """The file and every option that changes what is read; not the pace."""
    options = {"mapping": mapping, "redate": redate, "sort": "yes" if sort else None}
    query = "&".join(f"{key}={value}" for key, value in options.items() if value)
    return f"replay:{path}?{query}" if query else f"replay:{path}"
