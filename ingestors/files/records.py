"""Turns the lines of a file into events: bare JSON, mapped JSON, or CSV.

Every reader has ``feed(line, now)``: the event that ends with this line, None when it takes more
lines (a header, a quoted field that goes on), or :class:`~ingestors.files.post_line.NotAPost`.
"""

import csv
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from typing import Any, Protocol

import msgspec

from ingestors.files.mapping import MappingFile, RowMapping
from ingestors.files.post_line import NotAPost, read_post_line
from schemas.post import PostEvent

MAX_RECORD_BYTES = 2**20
"""A CSV record that goes on for longer has lost its closing quote."""
_BOM = b"\xef\xbb\xbf"
_decode = msgspec.json.Decoder(dict[str, Any]).decode


class Rows(Protocol):
    """What reads lines."""

    @property
    def begun(self) -> bytes:
        """The lines of a record that is not complete yet."""

    @property
    def needs_header(self) -> bool:
        """Whether the file's first record is still needed to understand the others."""

    def feed(self, line: bytes, now: datetime) -> PostEvent | None:
        """Take one line."""

    def forget(self) -> None:
        """Give up the record that is not complete."""


class JsonLines:
    """One JSON object a line, which ``read`` understands: nothing is ever begun."""

    begun = b""
    needs_header = False

    def __init__(self, read: Callable[[bytes, datetime], PostEvent]) -> None:
        self._read = read

    def feed(self, line: bytes, now: datetime) -> PostEvent | None:
        if line.isspace() or line == _BOM:
            return None
        return self._read(line.removeprefix(_BOM), now)

    def forget(self) -> None:
        pass


def _json_row(mapping: RowMapping, line: bytes, now: datetime) -> PostEvent:
    try:
        row = _decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise NotAPost(f"this is not a JSON object: {error}") from None
    return mapping.event(row, now)


class _More(Exception):
    """The record goes on in the next line."""


class CsvRows:
    """CSV with a header (or with ``columns`` in the mapping), UTF-8.

    The lines are kept until they make a record, so that a pipe that stops in the middle of one
    keeps nobody waiting. They are parsed again only when a line brings another quote, since a
    quoted field cannot end on any other.
    """

    def __init__(self, mapping: RowMapping) -> None:
        self._mapping = mapping
        self._columns: list[str] = list(mapping.file.columns)
        self._begun: list[bytes] = []
        self._begun_bytes = 0

    @property
    def begun(self) -> bytes:
        return b"".join(self._begun)

    @property
    def needs_header(self) -> bool:
        return not self._columns

    def feed(self, line: bytes, now: datetime) -> PostEvent | None:
        first = not self._begun
        self._begun.append(line.removeprefix(_BOM) if first else line)
        self._begun_bytes += len(line)
        if self._begun_bytes > MAX_RECORD_BYTES:
            self.forget()
            raise NotAPost("this record goes on for over a megabyte; close its quote")
        cells = self._parse() if first or b'"' in line else None
        return None if cells is None else self._record(cells, now)

    def _parse(self) -> list[str] | None:
        """The cells of the record begun, or None while it goes on."""
        try:
            cells = next(csv.reader(self._lines(), delimiter=self._mapping.file.delimiter))
        except _More:
            return None
        except csv.Error as error:
            self.forget()
            raise NotAPost(f"this is not CSV: {error}; correct the line") from None
        self.forget()
        return cells

    def _lines(self) -> Iterator[str]:
        for line in self._begun:
            yield line.decode("utf-8", "replace")
        raise _More

    def forget(self) -> None:
        self._begun = []
        self._begun_bytes = 0

    def _record(self, cells: list[str], now: datetime) -> PostEvent | None:
        if not cells:
            return None
        if not self._columns:
            self._columns = [name.strip() for name in cells]
            return None
        if len(cells) != len(self._columns):
            raise NotAPost(
                f"this line has {len(cells)} columns where the header has {len(self._columns)}; "
                "correct it, or set the mapping's delimiter"
            )
        return self._mapping.event(dict(zip(self._columns, cells, strict=True)), now)


def rows_for(mapping: MappingFile | None, default_source: str) -> Rows:
    """The reader for a file with this mapping, or for tocsin's own lines where there is none."""
    if mapping is None:
        return JsonLines(partial(read_post_line, default_source=default_source))
    if mapping.format == "csv":
        return CsvRows(RowMapping(mapping))
    return JsonLines(partial(_json_row, RowMapping(mapping)))
