"""Turns the lines of a file into events: bare JSON, mapped JSON, or CSV.

Both readers have ``feed(line, now)``: the event that ends with this line, None if more lines are
needed (a header, an open quoted field), or :class:`~ingestors.files.post_line.NotAPost`.
``partial`` holds the lines of an incomplete record.
"""

import csv
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from typing import Any

import msgspec

from ingestors.files.mapping import MappingFile, RowMapping
from ingestors.files.post_line import NotAPost, read_post_line
from schemas.post import PostEvent

MAX_RECORD_BYTES = 2**20
"""A longer CSV record has lost its closing quote."""
_BOM = b"\xef\xbb\xbf"
_decode = msgspec.json.Decoder(dict[str, Any]).decode


class JsonLines:
    """One JSON object a line, parsed by ``read``."""

    partial = b""
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
    pass


class CsvRows:
    """UTF-8 CSV with a header, or with ``columns`` in the mapping.

    Lines are kept until they form a record, so a pipe that stops within one does not block. They
    are parsed again only if a line has a quote: a quoted field cannot end without one.
    """

    def __init__(self, mapping: RowMapping) -> None:
        self._mapping = mapping
        self._columns: list[str] = list(mapping.file.columns)
        self._lines: list[bytes] = []
        self._partial_bytes = 0

    @property
    def partial(self) -> bytes:
        return b"".join(self._lines)

    @property
    def needs_header(self) -> bool:
        return not self._columns

    def feed(self, line: bytes, now: datetime) -> PostEvent | None:
        first = not self._lines
        self._lines.append(line.removeprefix(_BOM) if first else line)
        self._partial_bytes += len(line)
        if self._partial_bytes > MAX_RECORD_BYTES:
            self.forget()
            raise NotAPost("this record is longer than a megabyte; close its quote")
        cells = self._parse() if first or b'"' in line else None
        return None if cells is None else self._record(cells, now)

    def _parse(self) -> list[str] | None:
        try:
            cells = next(csv.reader(self._decoded(), delimiter=self._mapping.file.delimiter))
        except _More:
            return None
        except csv.Error as error:
            self.forget()
            raise NotAPost(f"this is not valid CSV: {error}; correct the line") from None
        self.forget()
        return cells

    def _decoded(self) -> Iterator[str]:
        for line in self._lines:
            yield line.decode("utf-8", "replace")
        raise _More

    def forget(self) -> None:
        self._lines = []
        self._partial_bytes = 0

    def _record(self, cells: list[str], now: datetime) -> PostEvent | None:
        if not cells:
            return None
        if not self._columns:
            self._columns = [name.strip() for name in cells]
            return None
        if len(cells) != len(self._columns):
            raise NotAPost(
                f"this line has {len(cells)} columns, the header has {len(self._columns)}; "
                "correct it, or set the mapping's delimiter"
            )
        return self._mapping.event(dict(zip(self._columns, cells, strict=True)), now)


Rows = JsonLines | CsvRows


def rows_for(mapping: MappingFile | None, default_source: str) -> Rows:
    """The reader of a mapped file; None is for tocsin's own lines."""
    if mapping is None:
        return JsonLines(partial(read_post_line, default_source=default_source))
    if mapping.format == "csv":
        return CsvRows(RowMapping(mapping))
    return JsonLines(partial(_json_row, RowMapping(mapping)))
