"""Turns the lines of a file into events: bare JSON, mapped JSON, or a table (CSV).

Both readers have ``feed(line, now)``: the event that ends with this line, None if more lines are
needed (a header, an open quoted field), or :class:`~ingestors.files.cells.NotAPost`.
``partial`` holds the lines of an incomplete record.
"""

import csv
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any, Final

from msgspec import Struct

from ingestors.files.cells import NotAPost, time_of_text
from ingestors.files.loose_json import json_object
from ingestors.files.mapping import MappingFile
from ingestors.files.row_mapping import RowMapping, check_header, columns_of
from schemas.post import PostEvent

MAX_RECORD_BYTES = 2**20
"""A longer CSV record has lost its closing quote."""
MAX_PARSED_BYTES = 2 * 2**20
"""Bytes parsed for one CSV record, which may be parsed again at each of its lines."""
MAX_DELIMITERS = 100_000
"""Delimiters in one CSV record; its text may hold some."""
MAX_RECORD_LINES = 10_000
"""Lines of one CSV record."""
MAX_SWALLOWED = 200
"""Lines within the cells of one record that are held against the shape of a row."""
DELIMITERS: Final = (",", ";", "\t", "|")
_SEP_LINE: Final = re.compile(r"\ufeff?sep=(.)\s*", re.IGNORECASE)
csv.field_size_limit(MAX_RECORD_BYTES)  # its default is below what is documented


class JsonRecords:
    """One JSON object a record, parsed by ``read``."""

    partial = b""
    needs_header = False
    repeated_headers = 0

    def __init__(self, read: Callable[[bytes, datetime], PostEvent]) -> None:
        self._read = read

    def feed(self, line: bytes, now: datetime) -> PostEvent | None:
        return None if line.isspace() else self._read(line, now)

    def forget(self) -> None:
        pass


def mapped_json(mapping: RowMapping) -> JsonRecords:
    return JsonRecords(lambda line, now: mapping.event(json_object(line), now))


class TableShape(Struct, frozen=True):
    """How a table is written; ``skip_lines`` stand before its header."""

    delimiter: str = ","
    quotechar: str = '"'
    escape: str | None = None
    is_quoted: bool = True
    skip_lines: int = 0
    is_padded: bool = False
    """Rows end with their last cell that is not empty, as those of a workbook."""

    def rows(self, lines: Iterable[str]) -> Iterator[list[str]]:
        return csv.reader(
            lines,
            delimiter=self.delimiter,
            quotechar=self.quotechar,
            escapechar=self.escape,
            quoting=csv.QUOTE_MINIMAL if self.is_quoted else csv.QUOTE_NONE,
            strict=self.is_quoted,  # else it takes away the quotes of "so-called" friends
        )

    def sample(self, lines: Iterable[str]) -> Iterator[list[str]]:
        """The rows that are valid; what is wrong with the others is told where they are read."""
        rows = self.rows(lines)
        while True:
            try:
                yield next(rows)
            except StopIteration:
                return
            except csv.Error:
                continue

    def header(self, lines: list[str]) -> list[str]:
        """The cells of the header, if it is among the first lines."""
        cells = next(self.sample(lines[self.skip_lines :]), [])
        return [cell.strip().removeprefix("\ufeff") for cell in cells]


def sep_line(lines: list[str]) -> str | None:
    """The delimiter of a first line ``sep=;``, which Excel reads and writes."""
    found = _SEP_LINE.fullmatch(lines[0]) if lines else None
    return found[1] if found else None


def shape_of(lines: list[str], file: MappingFile) -> TableShape:
    """The shape of a mapped table with these first lines."""
    sep, names = sep_line(lines), columns_of(file)
    shape = TableShape(
        sep or file.delimiter or ",",
        file.quotechar,
        file.escape,
        file.quoting == "minimal",
        file.skip_lines + (sep is not None),
    )
    if sep or file.delimiter or file.columns:
        return shape
    candidates = [TableShape(each, *_rest(shape)) for each in DELIMITERS]
    return max(candidates, key=lambda one: len(set(names).intersection(one.header(lines))))


def _rest(shape: TableShape) -> tuple[Any, ...]:
    return shape.quotechar, shape.escape, shape.is_quoted, shape.skip_lines


class _More(Exception):
    pass


class TableRecords:
    """UTF-8 CSV with a header, or with ``columns`` in the mapping.

    Lines are kept until they form a record, so a pipe that stops within one does not block. They
    are parsed again only if a line has a quote: a quoted field cannot end without one.
    """

    def __init__(self, mapping: RowMapping, shape: TableShape, where: str) -> None:
        self.repeated_headers = 0
        self._mapping = mapping
        self._shape = shape
        self._where = where
        self._columns: list[str] = list(mapping.file.columns)
        self._has_header = not self._columns
        self._to_skip = shape.skip_lines
        self._lines: list[bytes] = []
        self._partial_bytes = 0
        self._parsed_bytes = 0

    @property
    def partial(self) -> bytes:
        return b"".join(self._lines)

    @property
    def needs_header(self) -> bool:
        return self._to_skip > 0 or not self._columns

    def feed(self, line: bytes, now: datetime) -> PostEvent | None:
        if self._to_skip:
            self._to_skip -= 1
            return None
        first = not self._lines
        self._lines.append(line)
        self._partial_bytes += len(line)
        if self._partial_bytes > MAX_RECORD_BYTES or len(self._lines) > MAX_RECORD_LINES:
            self.forget()
            raise NotAPost(
                f"this record is longer than a megabyte or {MAX_RECORD_LINES} lines; close its "
                "quote"
            )
        if not (first or self._may_end(line)):
            return None
        self._parsed_bytes += self._partial_bytes
        if self._parsed_bytes > MAX_PARSED_BYTES:
            self.forget()
            raise NotAPost("this record has too many lines with a quote; close its quote")
        cells = self._parse()
        return None if cells is None else self._record(cells, now)

    def _may_end(self, line: bytes) -> bool:
        """Whether a quoted field can end in this line: two quotes in a row stand for one in it."""
        if self._shape.escape:
            return True
        quote = self._shape.quotechar.encode()
        return quote in line and quote in line.replace(2 * quote, b"")

    def _parse(self) -> list[str] | None:
        delimiter = self._shape.delimiter.encode()
        if sum(line.count(delimiter) for line in self._lines) > MAX_DELIMITERS:
            self.forget()
            raise NotAPost(f"this record has more than {MAX_DELIMITERS} cells; correct it")
        try:
            cells = next(self._shape.rows(self._decoded()))
        except _More:
            return None
        except csv.Error as error:
            self.forget()
            hint = (
                "; set 'quoting: none' in the mapping if quotes mean nothing in this file"
                if self._shape.is_quoted
                else ""
            )
            raise NotAPost(f"this is not valid CSV: {error}{hint}") from None
        except UnicodeDecodeError as error:
            self.forget()
            raise NotAPost(
                f"this is not UTF-8 ({error.object[error.start]:#x} at byte {error.start + 1}); "
                "correct it, or name the encoding"
            ) from None
        self.forget()
        return cells

    def _decoded(self) -> Iterator[str]:
        for line in self._lines:
            yield line.decode()
        raise _More

    def forget(self) -> None:
        self._lines = []
        self._partial_bytes = self._parsed_bytes = 0

    def _record(self, cells: list[str], now: datetime) -> PostEvent | None:
        if not cells:
            return None
        if not self._columns:
            self._columns = [name.strip().removeprefix("\ufeff") for name in cells]
            check_header(self._mapping.file, self._columns, self._where)
            return None
        if self._shape.is_padded:
            cells += [""] * (len(self._columns) - len(cells))
        self._check_width(cells)
        if self._has_header and [cell.strip().removeprefix("\ufeff") for cell in cells] == (
            self._columns
        ):
            self.repeated_headers += 1  # files that were joined
            return None
        self._check_swallowed(cells)
        return self._mapping.event(dict(zip(self._columns, cells, strict=True)), now)

    def _check_width(self, cells: list[str]) -> None:
        if len(cells) != len(self._columns):
            raise NotAPost(
                f"this line has {len(cells)} columns, the header has {len(self._columns)}; "
                "correct it, or set the mapping's delimiter"
            )

    def _check_swallowed(self, cells: list[str]) -> None:
        """Refuse a record of which a cell holds whole rows: a quote in a text has opened it."""
        for cell in cells:
            if "\n" not in cell:
                continue
            lines = cell.splitlines()[1 : 1 + MAX_SWALLOWED]
            width = len(self._columns)
            inner = [line.split(self._shape.delimiter, width) for line in lines]
            count = sum(self._is_row(parts, cells) for parts in inner)
            if count:
                raise NotAPost(
                    f"a quote in the text has swallowed the {count} rows after it; set "
                    "'quoting: none' in the mapping if quotes mean nothing in this file"
                )

    def _is_row(self, parts: list[str], cells: list[str]) -> bool:
        """Whether the parts of a line within a cell have the columns, and the time, of a row."""
        if len(parts) != len(self._columns):
            return False
        file = self._mapping.file
        row = dict(zip(self._columns, parts, strict=True))
        if name := file.fields.get("created_at"):
            return any(time_of_text(row[name], how, file.zone) is not None for how in file.times)
        own = dict(zip(self._columns, cells, strict=True)).get(file.fields.get("id", ""), "")
        return own.isdigit() and row[file.fields["id"]].isdigit()


Records = JsonRecords | TableRecords
