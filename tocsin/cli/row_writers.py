"""Rows as JSON, CSV, a spreadsheet, or a table for people.

A row has one cell a column. Times are aware; JSON, CSV and spreadsheets have them in UTC.
"""

import csv
import io
import json
import math
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import IO, Any, Final, TypeAlias

import msgspec

from schemas.errors import TocsinError
from text.terminal import columns as width_of
from text.terminal import safe_json_bytes, single_line

Cell: TypeAlias = str | int | float | bool | datetime | list[Any] | dict[str, Any] | None
Row: TypeAlias = Sequence[Cell]

MAX_SHEET_ROWS: Final = 1_048_575
"""Rows of a sheet of Excel, without its header."""
_MAX_SHEET_CELL = 32_767
_MAX_SHEET_INTEGER = 10**15
"""Excel keeps 15 digits of a number; a longer one, such as a post's id, is written as text."""
_NOT_XML = dict.fromkeys([*range(9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF])
"""One of these makes a whole spreadsheet unreadable."""
_MAX_TEXT = 300
"""Letters of a cell for people."""
_MIN_WRAPPED = 16, 13
"""Columns of the terminal that a column of sentences keeps: at first, and if that is too wide."""
_EXECUTED = "=+-@＝＋－＠"
"""A spreadsheet runs a cell of CSV that begins with one of these, or with a control character."""


def local_time(at: datetime) -> str:
    """A time for people, in the zone of this machine (``TZ``): 2026-03-02 13:05 CET."""
    return f"{at.astimezone():%Y-%m-%d %H:%M %Z}"


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


# --- JSON -------------------------------------------------------------------------------------


def _json_object(columns: Sequence[str], row: Row) -> bytes:
    cells = (_iso(cell) if isinstance(cell, datetime) else cell for cell in row)
    return safe_json_bytes(msgspec.json.encode(dict(zip(columns, cells, strict=True))))


def write_jsonl(rows: Iterable[Row], columns: Sequence[str], out: IO[bytes]) -> None:
    """One object a line, as soon as its row is there."""
    for row in rows:
        out.write(_json_object(columns, row) + b"\n")


def write_json(rows: Iterable[Row], columns: Sequence[str], out: IO[bytes]) -> None:
    """One array with an object a line."""
    before = b"[\n"
    for row in rows:
        out.write(before + _json_object(columns, row))
        before = b",\n"
    out.write(b"[]\n" if before == b"[\n" else b"\n]\n")


# --- CSV and spreadsheets ---------------------------------------------------------------------


def _flat(cell: Cell) -> str | int | float | bool | datetime | None:
    """A cell without structure: lists of texts are joined by commas."""
    if isinstance(cell, list) and all(isinstance(item, str) for item in cell):
        return ", ".join(cell)
    if isinstance(cell, list | dict):
        return json.dumps(cell, ensure_ascii=False)
    if isinstance(cell, float) and not math.isfinite(cell):
        return None
    return cell


def _harmless(text: str) -> str:
    """``text`` with an apostrophe before it if a spreadsheet would run it.

    A text that has such apostrophes already gets one more, so taking one off gives the text back.
    """
    begin = text.lstrip("'")[:1]
    return f"'{text}" if begin and (begin in _EXECUTED or begin < " " or begin == "\x7f") else text


def _csv_cell(cell: Cell) -> str:
    flat = _flat(cell)
    if isinstance(flat, bool):
        return str(flat).lower()
    if isinstance(flat, datetime):
        return _iso(flat)
    return _harmless(flat) if isinstance(flat, str) else "" if flat is None else str(flat)


def write_csv(rows: Iterable[Row], columns: Sequence[str], out: IO[bytes]) -> None:
    """UTF-8 with a header, as soon as a row is there; no cell is a formula."""
    buffer = io.StringIO()
    # With this end of line the writer also quotes a lone \r, which readers take for one.
    writer = csv.writer(buffer, lineterminator="\r\n")

    def write(cells: Sequence[str]) -> None:
        writer.writerow(cells)
        out.write(buffer.getvalue().removesuffix("\r\n").encode("utf-8", "replace") + b"\n")
        buffer.seek(0)
        buffer.truncate()

    write(columns)
    for row in rows:
        write([_csv_cell(cell) for cell in row])


def write_xlsx(rows: Iterable[Row], columns: Sequence[str], out: IO[bytes]) -> None:
    """One sheet: texts are never formulas, times are times (in UTC, which the header says)."""
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font

    book = Workbook(write_only=True)
    sheet = book.create_sheet("tocsin")
    sheet.freeze_panes = "A2"
    body = list(_counted_rows(rows))
    times = {number for row in body for number, c in enumerate(row) if isinstance(c, datetime)}

    def cell(value: Cell) -> Any:
        made = WriteOnlyCell(sheet, _sheet_value(value))
        if isinstance(made.value, str):
            made.data_type = "s"  # Without it a text that begins with = is a formula.
        elif isinstance(made.value, datetime):
            made.number_format = "yyyy-mm-dd hh:mm:ss"
        return made

    header = [cell(f"{name} (UTC)" * (n in times) or name) for n, name in enumerate(columns)]
    for made in header:
        made.font = Font(bold=True)
    sheet.append(header)
    for row in body:
        sheet.append([cell(value) for value in row])
    book.save(out)


def _counted_rows(rows: Iterable[Row]) -> Iterator[Row]:
    for number, row in enumerate(rows):
        if number == MAX_SHEET_ROWS:
            raise TocsinError(
                f"a sheet holds at most {MAX_SHEET_ROWS:,} rows; write them with --format csv"
            )
        yield row


def _sheet_value(cell: Cell) -> str | int | float | bool | datetime | None:
    flat = _flat(cell)
    if isinstance(flat, datetime):
        # Excel has no zones, and no times before 1900.
        return flat.astimezone(UTC).replace(tzinfo=None) if flat.year > 1900 else _iso(flat)
    if isinstance(flat, int) and abs(flat) >= _MAX_SHEET_INTEGER:
        return str(flat)
    if isinstance(flat, str):
        safe = flat.encode("utf-8", "replace").decode()
        return safe.translate(_NOT_XML)[:_MAX_SHEET_CELL]
    return flat


# --- for people -------------------------------------------------------------------------------


def write_text(rows: Iterable[Row], columns: Sequence[str], out: IO[bytes]) -> None:
    """A table of the terminal's width, or 80 columns: sentences wrap at words, ids stay whole."""
    for line in table_lines(list(rows), columns, shutil.get_terminal_size().columns):
        out.write(line.encode("utf-8", "replace") + b"\n")


def table_lines(rows: Sequence[Row], columns: Sequence[str], width: int) -> list[str]:
    """The lines of a table with a header; wider than ``width`` only if ids alone are."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    if not rows:
        return []
    shown = [[_text_cell(cell) for cell in row] for row in rows]
    headings = [name.replace("_", " ") for name in columns]
    natural = [max(map(width_of, texts)) for texts in zip(headings, *shown, strict=True)]
    wraps = [
        any(
            isinstance(row[n], str | list | dict) and " " in cells[n]
            for row, cells in zip(rows, shown, strict=True)
        )
        for n in range(len(columns))
    ]
    for kept in _MIN_WRAPPED:
        minimum = [min(n, kept) if w else n for n, w in zip(natural, wraps, strict=True)]
        wide = sum(minimum) + 2 * (len(columns) - 1)
        if wide <= width:
            break
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for number, heading in enumerate(headings):
        table.add_column(
            Text(heading),
            justify="right" if _is_numeric([row[number] for row in rows]) else "left",
            no_wrap=not wraps[number],
            overflow="fold",
            min_width=minimum[number],
        )
    for texts in shown:
        table.add_row(*map(Text, texts))
    page = io.StringIO()
    Console(file=page, width=max(width, wide), color_system=None, legacy_windows=False).print(table)
    return [line.rstrip() for line in page.getvalue().splitlines()]


def _is_numeric(cells: Sequence[Cell]) -> bool:
    return all(c is None or (isinstance(c, int | float) and not isinstance(c, bool)) for c in cells)


def _text_cell(cell: Cell) -> str:
    """A cell on one line that is safe for a terminal; an empty one is a dash."""
    if isinstance(cell, datetime):
        return local_time(cell)
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    flat = _flat(cell)
    if isinstance(flat, int):
        return f"{flat:,}"
    if isinstance(flat, float):
        return f"{flat:,.4g}" if abs(flat) < 1000 else f"{flat:,.0f}"
    return single_line(str(flat), _MAX_TEXT) if flat not in (None, "") else "-"


WRITERS: Final[dict[str, Callable[[Iterable[Row], Sequence[str], IO[bytes]], None]]] = {
    "text": write_text,
    "json": write_json,
    "jsonl": write_jsonl,
    "csv": write_csv,
    "xlsx": write_xlsx,
}
