"""One file or pipe of posts, opened by its first bytes: any format, character set and packing.

``PostFile`` gives the rows in their order, each with its line number and, if it has one, its time.
``notes`` say what was decided for the reader, ``remarks()`` what was left out.
"""

from collections.abc import Iterator
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from ingestors.files.cells import NotAPost, Tally, refuse_rounded
from ingestors.files.charset import UTF_8, Transcoder, UnknownCharset, charset_of, known_charset
from ingestors.files.columns import note_of, recognise_json, recognise_table
from ingestors.files.lines import FileLines, PipeLines
from ingestors.files.loose_json import json_object
from ingestors.files.mapping import MappingFile
from ingestors.files.post_line import read_post_line
from ingestors.files.records import (
    JsonRecords,
    Records,
    TableRecords,
    TableShape,
    mapped_json,
    shape_of,
)
from ingestors.files.row_mapping import RowMapping, check_header, check_paths
from ingestors.files.splitters import JsonSplitter, LineSplitter, Splitter
from ingestors.files.workbook import MAX_PIPED, WorkbookLines, is_zip
from ingestors.pacing import event_time
from ingestors.source import MAX_WAIT_S, SourceError, Unreadable
from runtime.clock import Clock, utc_now
from schemas.errors import ConfigurationError
from schemas.post import PostEvent

MAX_PAYLOAD_BYTES = 2**18
"""Maximum length of an :class:`Unreadable` payload."""
MAX_BLANK_LINES = 10_000
"""Maximum blank lines in one call, so the caller can stop."""
_SAMPLE_LINES: Final = 200
"""Lines by which a file is held against its mapping."""

Lines = FileLines | PipeLines | WorkbookLines


class Item(NamedTuple):
    """One row: the number of its last line, its content, its time if it has one, its JSON."""

    line: int
    content: PostEvent | Unreadable
    when: datetime | None = None
    payload: bytes = b""


class ReadOptions(Struct, frozen=True):
    """What a person says about a file; None is told by the file."""

    mapping: MappingFile | None = None
    encoding: str | None = None
    source: str = "file"
    """The source of posts without one."""


def lines_of(file: Path | BinaryIO) -> FileLines | WorkbookLines:
    """The lines of a file, or of a stream that may block while it is read."""
    lines = FileLines(file)
    if not is_zip(lines.first()):
        return lines
    if isinstance(file, Path):
        lines.close()
        return WorkbookLines(file)
    return WorkbookLines(lines.rest(MAX_PIPED))


class PostFile:
    """The rows of a file in its order, with the original times."""

    def __init__(self, lines: Lines, options: ReadOptions, clock: Clock = utc_now) -> None:
        self.lines = lines
        self.notes: list[str] = []
        self.tally = Tally()
        self.events = self.unreadable = self.undated = 0
        self.first_problem = ""
        self._options = options
        self._clock = clock
        self._records: Records | None = None
        self._unit = "row" if isinstance(lines, WorkbookLines) else "line"

    def start(self, wait_s: float = MAX_WAIT_S) -> bool:
        """Tell what the file is and hold it against its mapping; False if a pipe has no line yet.

        Raises SourceError or ConfigurationError if it cannot be read as it is.
        """
        if self._records is None:
            head = self.lines.head(wait_s)
            if head is None:
                return False
            if isinstance(self.lines, WorkbookLines):
                self._records = self._workbook(head)
            else:
                self._records = self._text(head)
        return True

    def _workbook(self, head: bytes) -> Records:
        assert isinstance(self.lines, WorkbookLines)
        if len(self.lines.sheets) > 1:
            first = self.lines.sheets[0]
            self.notes.append(f"read the sheet {first!r}, the first of {len(self.lines.sheets)}")
        file = self._options.mapping
        shape = TableShape(skip_lines=file.skip_lines if file else 0, is_padded=True)
        return self._table(_text_lines(head, whole=True), file, shape)

    def _text(self, head: bytes) -> Records:
        assert not isinstance(self.lines, WorkbookLines)
        if is_zip(head):
            raise SourceError(
                f"{self.lines.name} is a workbook or a zip in a pipe; save it and give its name"
            )
        charset = self._charset(head)
        text = _as_utf_8(head, charset)
        first_line = text.lstrip().partition(b"\n")[0].strip()
        file = self._options.mapping
        format_ = (file.format if file else None) or ("jsonl" if _is_json(text) else "csv")
        splitter: Splitter = LineSplitter(b"\r" if b"\r" in text and b"\n" not in text else b"\n")
        if format_ == "jsonl" and (first_line == b"{" or first_line[:1] == b"["):
            splitter = JsonSplitter()
            self._unit = "item"
        records = (
            self._json(text, splitter)
            if format_ == "jsonl"
            else self._table(_text_lines(text, self.lines.is_whole), file, None)
        )
        self.lines.begin(charset, splitter)
        return records

    def _charset(self, head: bytes) -> str:
        file = self._options.mapping
        given = self._options.encoding or (file.encoding if file else None)
        if given is not None:
            return known_charset(given, self.lines.name)
        try:
            charset = charset_of(head, self.lines.is_whole)
        except UnknownCharset:
            if _is_json(head):
                return UTF_8  # the lines that are not are told one by one
            raise SourceError(
                f"{self.lines.name} is not UTF-8, and its encoding cannot be told; give it, such "
                "as --encoding cp1252"
            ) from None
        if charset != UTF_8:
            self.notes.append(f"{self.lines.name} is read as {charset}; --encoding sets another")
        return charset

    def _table(
        self, lines: list[str], file: MappingFile | None, shape: TableShape | None
    ) -> Records:
        where = self.lines.name
        if file is None:
            found = recognise_table(lines, self._options.source, where, shape or TableShape())
            self.notes.append(found.note)
            file, shape = found.file, found.shape
        elif shape is None:
            shape = shape_of(lines, file)
        if not file.columns and len(lines) > shape.skip_lines:
            _check_header(file, shape, lines, where)
        if name := file.fields.get("id"):
            columns = file.columns or shape.header(lines)
            at = columns.index(name) if name in columns else len(columns)
            rows = shape.sample(lines[shape.skip_lines :])
            refuse_rounded((row[at].strip() for row in rows if len(row) > at), name, where)
        if shape.is_padded:  # the cells of a workbook hold times, not texts
            file = _with_iso_times(file)
        return TableRecords(RowMapping(file, self.tally, dotted=False), shape, where)

    def _json(self, text: bytes, splitter: Splitter) -> Records:
        rows = _sample(text, splitter, self.lines.is_whole)
        file = self._options.mapping
        if file is not None:
            self.notes += check_paths(file, rows, self.lines.name)
        elif rows and not any(_is_bare(row) for row in rows):
            file = recognise_json(rows, self._options.source, self.lines.name)
            if file is not None:
                self.notes.append(note_of(file))
        if file is not None:
            return mapped_json(RowMapping(file, self.tally))
        read = partial(read_post_line, default_source=self._options.source, tally=self.tally)
        return JsonRecords(read)

    @property
    def records(self) -> Records:
        assert self._records is not None, "start() comes first"
        return self._records

    @property
    def finished(self) -> bool:
        return self._records is not None and self.lines.ended and not self._records.partial

    def skip(self, line: int) -> None:
        """Skip to after a line of a file, but read the header."""
        self.start()
        while self.lines.number < line and (text := self.lines.next(0.0)) is not None:
            if self.records.needs_header:
                self._take(text)

    def next(self, wait_s: float) -> Item | None:
        if not self.start(wait_s):
            return None
        for _ in range(MAX_BLANK_LINES):
            line = self.lines.next(wait_s)
            if line is None:
                return self._cut_off() if self.lines.ended else None
            item = self._take(line)
            if item is not None:
                return item
        return None

    def _take(self, line: bytes) -> Item | None:
        partial_ = self.records.partial
        now = self._clock()
        try:
            event = self.records.feed(line, now)
        except NotAPost as error:
            return self._unreadable(partial_ + line, str(error))
        if event is None:
            return None
        when = event_time(event)
        self.events += 1
        self.undated += when == now
        payload = line if isinstance(self.records, JsonRecords) else b""
        return Item(self.lines.number, event, None if when == now else when, payload)

    def _cut_off(self) -> Item | None:
        """Return the incomplete record at the end of the file, once."""
        rest = self.records.partial
        if not rest:
            return None
        self.records.forget()
        return self._unreadable(rest, "the file ends in a quoted field; close its quote")

    def _unreadable(self, payload: bytes, problem: str) -> Item:
        detail = f"{self._unit} {self.lines.number}: {problem}"
        self.unreadable += 1
        self.first_problem = self.first_problem or detail
        return Item(self.lines.number, Unreadable(payload[:MAX_PAYLOAD_BYTES], detail))

    def __iter__(self) -> Iterator[Item]:
        while not self.finished:
            item = self.next(MAX_WAIT_S)
            if item is not None:
                yield item

    def remarks(self) -> Iterator[str]:
        """What people should know after the end, one sentence each."""
        yield from self.tally.lines()
        if self._records is not None and self._records.repeated_headers:
            yield f"{self._records.repeated_headers} lines repeat the header and are skipped"
        if self.lines.replaced:
            yield (
                f"{self.lines.replaced} characters are not in the encoding and are replaced by "
                "U+FFFD; --encoding sets another"
            )
        if self.events and self.undated == self.events:
            yield "no post says when it was written: all count as written now"

    def close(self) -> None:
        self.lines.close()


def _as_utf_8(head: bytes, charset: str) -> bytes:
    data = head if charset == UTF_8 else Transcoder(charset).feed(head)
    return data.removeprefix(b"\xef\xbb\xbf")


def _is_json(text: bytes) -> bool:
    """Whether it begins like JSON, or most of its lines do: a first line may be damaged."""
    lines = [line.lstrip()[:1] for line in text.split(b"\n")[:_SAMPLE_LINES] if line.strip()]
    return not lines or lines[0] in (b"{", b"[") or 2 * lines.count(b"{") > len(lines)


def _text_lines(text: bytes, whole: bool) -> list[str]:
    """The first complete lines."""
    lines = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n").splitlines(keepends=True)
    if lines and not whole and not lines[-1].endswith(b"\n"):
        lines.pop()
    return [line.decode("utf-8", "replace") for line in lines[:_SAMPLE_LINES]]


def _sample(text: bytes, splitter: Splitter, whole: bool) -> list[dict[str, Any]]:
    """The first objects of JSON; what cannot be read is told later, line by line."""
    trial: Splitter = type(splitter)()
    trial.feed(text if whole else text.rpartition(b"\n")[0])
    if whole:
        trial.finish()
    rows = []
    for line in list(trial.ready)[:_SAMPLE_LINES]:
        try:
            rows.append(json_object(line))
        except NotAPost:
            continue
    return rows


def _is_bare(row: dict[str, Any]) -> bool:
    return "op" in row or ("id" in row and "text" in row)


def _with_iso_times(file: MappingFile) -> MappingFile:
    return replace(file, times=[*file.times, "rfc3339"])


def _check_header(file: MappingFile, shape: TableShape, lines: list[str], where: str) -> None:
    """Hold the header against the mapping; a header further below is named."""
    try:
        check_header(file, shape.header(lines), where)
    except ConfigurationError:
        for number in range(shape.skip_lines + 1, min(len(lines), 30)):
            moved = TableShape(shape.delimiter, shape.quotechar, shape.escape, shape.is_quoted)
            if set(file.fields.values()) <= set(moved.header(lines[number:])):
                raise ConfigurationError(
                    f"{where} has its header in line {number + 1}; set 'skip_lines: {number}' in "
                    "the mapping"
                ) from None
        raise
