"""Rows written as data and read back by the parsers that people use; tables for people."""

import csv
import io
import json
import math
import time
import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import TocsinError
from text.terminal import columns as width_of
from tocsin.cli import row_writers
from tocsin.cli.row_writers import WRITERS, Cell, local_time, table_lines

NOW = datetime(2026, 3, 2, 12, 5, 7, tzinfo=UTC)
TEXTS = st.text(st.characters(exclude_categories=["Cs"])) | st.sampled_from(
    ["=1+1", "'=1", "@ana", "-3", "+", "\tx", "a;=b", "a\r\nb", '"', "\x9b31m", "\uffff", "''''@"]
)
TIMES = st.integers(-600_000_000, 4_000_000_000).map(lambda at: datetime.fromtimestamp(at, UTC))
CELLS = st.one_of(
    TEXTS,
    st.none(),
    st.booleans(),
    TIMES,
    st.integers(-(2**53), 2**53),
    st.floats(-1e300, 1e300),
)
TABLES = st.lists(st.tuples(CELLS, CELLS, CELLS))
COLUMNS = ("id", "raised_at", "title")


def written(kind: str, rows: list[Any]) -> bytes:
    out = io.BytesIO()
    WRITERS[kind](iter(rows), COLUMNS, out)
    return out.getvalue()


def utc(text: str) -> datetime:
    assert text.endswith("Z")
    return datetime.fromisoformat(text)


def same(read: Any, cell: Cell) -> bool:
    return bool((utc(read) if isinstance(cell, datetime) else read) == cell)


@given(TABLES)
def test_json_and_json_lines_come_back(rows: list[Any]) -> None:
    array = json.loads(written("json", rows))
    lines = written("jsonl", rows).decode().split("\n")
    assert array == [json.loads(line) for line in lines[:-1]]
    for read, row in zip(array, rows, strict=True):
        assert tuple(read) == COLUMNS
        assert all(map(same, read.values(), row))


def as_text(cell: Cell) -> str:
    return "" if cell is None else str(cell).lower() if isinstance(cell, bool) else str(cell)


@given(TABLES)
def test_csv_comes_back_and_no_spreadsheet_runs_it(rows: list[Any]) -> None:
    read = list(csv.reader(io.StringIO(written("csv", rows).decode("utf-8"), newline="")))
    assert read[0] == list(COLUMNS)
    for cells, row in zip(read[1:], rows, strict=True):
        for text, cell in zip(cells, row, strict=True):
            if isinstance(cell, datetime):
                assert utc(text) == cell
            elif isinstance(cell, str):
                assert not text or (text[0] not in "=+-@" and text[0] >= " ")
                guarded = text.startswith("'") and text.lstrip("'")[:1] in {*"=+-@＝＋－＠", "\x7f"}
                guarded |= text.startswith("'") and "" < text.lstrip("'")[:1] < " "
                assert (text[1:] if guarded else text) == cell
            else:
                assert text == as_text(cell)


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_a_row_is_written_before_the_next_one_is_read(kind: str) -> None:
    out, seen = io.BytesIO(), list[int]()

    def rows() -> Iterator[list[Any]]:
        for number in range(3):
            yield [number]
            # Asked for the next row: this one has been written.
            seen.append(out.getvalue().count(b"\n"))

    WRITERS[kind](rows(), ["n"], out)
    header = kind == "csv"
    assert seen == [1 + header, 2 + header, 3 + header]


def sheet_of(rows: list[Any]) -> list[tuple[Any, ...]]:
    book = openpyxl.load_workbook(io.BytesIO(written("xlsx", rows)))
    return list(book.worksheets[0].iter_rows())


@given(TABLES)
def test_a_spreadsheet_comes_back(rows: list[Any]) -> None:
    header, *read = sheet_of(rows)
    names = [str(cell.value).removesuffix(" (UTC)") for cell in header]
    assert names == list(COLUMNS)
    while rows and all(cell is None for cell in rows[-1]):
        rows = rows[:-1]  # A reader does not see empty rows at the end.
    for cells, row in zip(read, rows, strict=True):
        for found, cell in zip(cells, row, strict=True):
            assert found.data_type != "f"
            if isinstance(cell, datetime):
                assert abs(found.value.replace(tzinfo=UTC) - cell) <= timedelta(seconds=1)
            elif isinstance(cell, str):
                kept = "".join(
                    c for c in cell if c in "\t\n\r" or (c >= " " and c not in "\ufffe\uffff")
                )
                # XML has one end of line.
                plain = kept.replace("\r\n", "\n").replace("\r", "\n")
                assert (found.value or "").replace("\r\n", "\n").replace("\r", "\n") == plain
            elif isinstance(cell, int) and abs(cell) >= 10**15:
                assert found.value == str(cell)
            elif isinstance(cell, float):
                assert math.isclose(found.value, cell, rel_tol=1e-14)
            else:
                assert found.value == cell


def test_a_spreadsheet_has_times_and_no_formulas() -> None:
    header, row = sheet_of([("=1+1", NOW, "x" * 40_000)])
    assert [cell.value for cell in header] == ["id", "raised_at (UTC)", "title"]
    assert (row[0].value, row[0].data_type) == ("=1+1", "s")
    assert (row[1].value, row[1].is_date) == (NOW.replace(tzinfo=None), True)
    assert len(row[2].value) == 32_767


def test_a_sheet_that_is_full_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_writers, "MAX_SHEET_ROWS", 2)
    assert len(sheet_of([("a", NOW, "b")] * 2)) == 3
    with pytest.raises(TocsinError, match="at most 2 rows; write them with --format csv"):
        sheet_of([("a", NOW, "b")] * 3)


def test_lists_and_objects_are_kept_in_json_and_flat_elsewhere() -> None:
    row = [("a", ["x", "y"], {"seq": 7})]
    assert json.loads(written("json", row)) == [
        {"id": "a", "raised_at": ["x", "y"], "title": {"seq": 7}}
    ]
    assert written("csv", row).decode() == 'id,raised_at,title\na,"x, y","{""seq"": 7}"\n'
    assert [cell.value for cell in sheet_of(row)[1]] == ["a", "x, y", '{"seq": 7}']


def test_no_rows_are_an_empty_list() -> None:
    assert json.loads(written("json", [])) == []
    assert written("jsonl", []) == b""
    assert written("csv", []) == b"id,raised_at,title\n"
    assert len(sheet_of([])) == 1
    assert written("text", []) == b""


@pytest.fixture
def paris(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Europe/Paris")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("paris")
def test_a_table_has_a_header_numbers_at_the_right_and_local_times() -> None:
    assert local_time(NOW) == "2026-03-02 13:05 CET"
    assert local_time(NOW.replace(month=7)) == "2026-07-02 14:05 CEST"
    rows = [("velmora", 12_345, NOW), ("ae", 7, None)]
    assert table_lines(rows, ("brand", "posts", "since"), 80) == [
        "brand     posts  since",
        "velmora  12,345  2026-03-02 13:05 CET",
        "ae            7  -",
    ]


def test_sentences_wrap_at_words_and_ids_stay_whole() -> None:
    name = "velmora-2026-01-02T09:40Z"
    lines = table_lines([(name, "Many people say that the box fails")], ("id", "title"), 45)
    assert lines == [
        "id                         title",
        f"{name}  Many people say",
        "                           that the box fails",
    ]
    narrow = table_lines([(name, "Many people say that the box fails")], ("id", "title"), 10)
    assert all(name in line or not line.startswith("v") for line in narrow)


@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=1), st.integers(1, 120))
def test_a_table_is_safe_for_a_terminal(rows: list[Any], width: int) -> None:
    lines = table_lines(rows, ("id", "title"), width)
    assert len(lines) > len(rows)
    kinds = {unicodedata.category(c) for line in lines for c in line if c not in "\u200c\u200d"}
    assert not kinds & {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"}


@given(st.lists(st.text("ab é日", max_size=60).map(lambda text: f"{text} x"), min_size=1))
def test_a_table_of_sentences_fits(texts: list[str]) -> None:
    rows = [(str(number), text) for number, text in enumerate(texts)]
    assert max(map(width_of, table_lines(rows, ("id", "title"), 60))) <= 60
