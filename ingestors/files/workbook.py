"""Rows of an Excel workbook (.xlsx) as lines of CSV, one row a line, with the limits of Excel.

Excel keeps 15 digits: a longer number is written with an exponent, so the checks of ids see that it
is no longer the number that was typed. Times of cells have no zone.
"""

import csv
import io
import warnings
import zipfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, Final

from ingestors.files.compression import ZIP
from ingestors.files.lines import fingerprint_of, opened
from ingestors.files.splitters import Splitter
from ingestors.source import SourceError

MAX_COLUMNS: Final = 500
MAX_UNPACKED: Final = 2**30
"""Bytes of the whole workbook, unpacked."""
MAX_TEXTS: Final = 2**28
"""Bytes of its table of texts, which is read into memory."""
MAX_PIPED: Final = 2**28
"""Bytes of a workbook from a pipe, which is read into memory."""
_HEAD_ROWS: Final = 200
_EXACT: Final = 2**53
_TEXTS: Final = "xl/sharedStrings.xml"


class WorkbookLines:
    """The rows of the first sheet, read like the lines of a CSV file."""

    is_whole = False
    replaced = 0

    def __init__(self, file: Path | bytes) -> None:
        self.name = str(file) if isinstance(file, Path) else "standard input"
        self.number = 0
        self.ended = False
        self.fingerprint: dict[str, str | int] = {}
        self._raw: BinaryIO = opened(file) if isinstance(file, Path) else _piped(file)
        if isinstance(file, Path):
            self.fingerprint = fingerprint_of(self._raw, self.name)
        self.sheets: list[str] = []
        self._rows = self._read()
        self._ahead: list[bytes] = []

    def head(self, wait_s: float) -> bytes | None:
        self._ahead = list(islice(self._rows, _HEAD_ROWS))
        return b"".join(self._ahead)

    def begin(self, charset: str, splitter: Splitter) -> None:
        pass

    def next(self, wait_s: float) -> bytes | None:
        line = self._ahead.pop(0) if self._ahead else next(self._rows, None)
        if line is None:
            self.ended = True
            return None
        self.number += 1
        return line

    def close(self) -> None:
        self._rows.close()
        self._raw.close()

    def _read(self) -> Generator[bytes, None, None]:
        self._check()
        try:
            rows = self._first_sheet()
            while True:
                with _quiet():
                    cells = next(rows, None)
                if cells is None:
                    return
                yield _line(cells)
        except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile, SyntaxError) as error:
            raise SourceError(
                f"{self.name} is damaged after row {self.number} ({error}); "
                "open it in Excel and save it again, or save it as CSV"
            ) from None

    def _first_sheet(self) -> Iterator[tuple[Any, ...]]:
        import openpyxl  # half of the time of a command that reads another format

        with _quiet():
            book = openpyxl.load_workbook(self._raw, read_only=True, data_only=True)
        sheets = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"]
        self.sheets = [sheet.title for sheet in sheets]
        if not sheets:
            raise SourceError(f"{self.name} has no sheet of cells")
        sheet: Any = sheets[0]
        sheet.reset_dimensions()  # a file may claim any size
        rows: Iterator[tuple[Any, ...]] = sheet.iter_rows(max_col=MAX_COLUMNS, values_only=True)
        return rows

    def _check(self) -> None:
        """Refuse what is no workbook, or unpacks to more than the limits."""
        try:
            with zipfile.ZipFile(self._raw) as archive:
                sizes = {entry.filename: entry.file_size for entry in archive.infolist()}
        except (zipfile.BadZipFile, OSError) as error:
            raise SourceError(f"{self.name} is a damaged zip ({error}); fetch it again") from None
        if "xl/workbook.xml" not in sizes:
            files = ", ".join(list(sizes)[:3])
            raise SourceError(
                f"{self.name} is a zip (with {files}); unpack it first (unzip -p FILE.zip | tocsin "
                "... -)"
            )
        if sum(sizes.values()) > MAX_UNPACKED or sizes.get(_TEXTS, 0) > MAX_TEXTS:
            raise SourceError(f"{self.name} unpacks to more than a gigabyte; save it as CSV")
        self._raw.seek(0)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without warnings of styles and extensions that we do not use."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _piped(data: bytes) -> BinaryIO:
    if len(data) > MAX_PIPED:
        raise SourceError("the workbook in the pipe is larger than 256 MiB; give its file's name")
    return io.BytesIO(data)


def _line(cells: tuple[Any, ...]) -> bytes:
    texts = [_written(cell) for cell in cells]
    while texts and not texts[-1]:
        texts.pop()
    if not texts:
        return b"\n"
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(texts)
    return line.getvalue().encode("utf-8", "replace")


def _written(cell: object) -> str:
    match cell:
        case None:
            return ""
        case bool():
            return str(cell).lower()
        case int() | float():
            return _number(cell)
        case datetime():
            # Excel counts days in floating point: 10:00 may be 09:59:59.9997.
            rounded = cell + timedelta(microseconds=500)
            return rounded.replace(microsecond=rounded.microsecond // 1000 * 1000).isoformat(" ")
        case date():
            return cell.isoformat()
        case _:
            return str(cell)


def _number(value: int | float) -> str:
    if value == value and abs(value) <= _EXACT and value == int(value):
        return str(int(value))
    return f"{value:.14E}" if abs(value) > _EXACT else repr(value)


def is_zip(first: bytes) -> bool:
    return first.startswith(ZIP)
