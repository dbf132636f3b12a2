"""Replays posts from a file or standard input, at full speed or at the pace of their times.

Reading twice is harmless: ids and versions come from the rows alone. A restart continues after the
last line that was returned, with the same shift of times, and only if the file is unchanged
(docs/replay.md).
"""

import hashlib
import time
from collections import deque
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from operator import attrgetter, itemgetter
from pathlib import Path
from typing import BinaryIO, Literal

import msgspec

from ingestors.files.lines import PipeLines
from ingestors.files.mapping import MappingFile, load_mapping
from ingestors.files.post_file import Item, Lines, PostFile, ReadOptions, lines_of
from ingestors.pacing import Pacer, Sleep, Timer
from ingestors.source import MAX_WAIT_S, Batch, Position, SourceError, Unreadable, bad_checkpoint
from runtime.clock import Clock, utc_now
from schemas.errors import ConfigurationError
from schemas.post import PostDelete, PostEvent, PostUpsert

BATCH_EVENTS = 500
MAX_SORTED_ROWS = 1_000_000
"""Maximum rows that ``sort`` holds in memory (one to two gigabytes)."""

Redate = Literal["start", "end"]
"""The event that becomes the present: the first or the last."""


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


class _SortedRows:
    """The rows by event time; a row without a time stays after the row before it."""

    def __init__(self, rows: PostFile, path: str) -> None:
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
    source), or the columns are recognised by their names. ``pace`` is the speed-up: None is full
    speed, 60 a minute a second. ``redate`` shifts the first or last event to the first ``open``;
    the first only with a pace of 1 at most, since no post is from the future.
    ``sort`` reads the whole file first.
    """

    def __init__(
        self,
        path: str,
        *,
        mapping: str | None = None,
        encoding: str | None = None,
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
        if redate == "start" and (pace is None or pace > 1):
            # No record is younger than its ingestion: the detector would count them all as of now.
            raise ConfigurationError(
                "a file that is redated by its start and played faster than its times is dated "
                "ahead of the clock; redate it by its end (--redate end), or play it at --pace 1"
            )
        self._path = path
        file = load_mapping(mapping) if mapping else None
        self.source_id = _source_id(path, _named(mapping, file), encoding, redate, sort)
        self._options = ReadOptions(file, encoding, default_source)
        self._redate, self._sort = redate, sort
        self._clock, self._timer, self._stdin = clock, timer, stdin
        self._pacer: Pacer[Item] = Pacer(pace, attrgetter("when"), timer, sleep)
        self._rows: PostFile | _SortedRows | None = None
        self._posts: PostFile | None = None
        self._file: dict[str, str | int] = {}
        self._line = 0
        self._shift: timedelta | None = None
        self._resumed = False
        self._failure: SourceError | None = None

    def open(self, position: Position | None) -> None:
        self._pacer.restart()
        self._line, self._shift, self._failure = 0, None, None
        self._resumed = position is not None
        if self._path == "-":
            self._rows = self._posts = self._opened(PipeLines(self._stdin))
            return
        lines = lines_of(Path(self._path))
        self._file = {"file": self._path, **lines.fingerprint}
        self._posts = self._opened(lines)
        if position is not None:
            self._resume(position)
        self._posts.start()
        if self._redate == "end" and self._shift is None:
            self._shift = self._shift_to_end()
        self._rows = _SortedRows(self._posts, self._path) if self._sort else self._posts
        self._rows.skip(self._line)

    def _opened(self, lines: Lines) -> PostFile:
        return PostFile(lines, self._options, self._clock)

    def check(self) -> list[str]:
        """Raise what keeps a file from being read at all; else what was decided about it."""
        if self._path == "-":
            return []
        with closing(self._opened(lines_of(Path(self._path)))) as posts:
            posts.start()
            return posts.notes

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
        with closing(self._opened(lines_of(Path(self._path)))) as posts:
            times = (item.when for item in posts)
            last = max((when for when in times if when is not None), default=None)
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
        if self._posts is not None:
            self._posts.close()
        self._rows = None
        self._pacer.restart()

    @property
    def read_nothing(self) -> bool:
        """Whether there were lines and none of them was a post."""
        return self._posts is not None and not self._posts.events and self._posts.unreadable > 0

    def summary(self) -> Iterator[str]:
        """What people should know after the end, one sentence each."""
        posts = self._posts
        if posts is None:
            return
        if self._resumed and not posts.events and not posts.unreadable and posts.finished:
            yield (
                f"{self._path} was read to its end before, with this mapping; --afresh reads it "
                "again"
            )
            return
        if posts.unreadable:
            count = posts.unreadable + posts.events
            yield (
                f"{posts.unreadable} of {count} records are no posts (first: "
                f"{posts.first_problem}); see 'tocsin dead-letters list'"
            )
        yield from posts.remarks()


def _named(mapping: str | None, file: MappingFile | None) -> str | None:
    """The mapping with a hash of its content: the file is read anew once that has changed."""
    if file is None:
        return None
    content = msgspec.json.encode(file, order="sorted")
    return f"{mapping}@{hashlib.blake2b(content, digest_size=4).hexdigest()}"


def _source_id(
    path: str, mapping: str | None, encoding: str | None, redate: Redate | None, sort: bool
) -> str:
    """The file and every option that changes what is read; not the pace."""
    options = {
        "mapping": mapping,
        "encoding": encoding,
        "redate": redate,
        "sort": "yes" if sort else None,
    }
    query = "&".join(f"{key}={value}" for key, value in options.items() if value)
    return f"replay:{path}?{query}" if query else f"replay:{path}"
