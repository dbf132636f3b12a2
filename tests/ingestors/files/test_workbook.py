"""Workbooks of Excel, read like a table: numbers, dates, ids, and the bounds on hostile ones."""

import io
import zipfile
from contextlib import closing
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from ingestors.files import workbook
from ingestors.files.source import ReplaySource
from ingestors.files.workbook import WorkbookLines
from ingestors.source import SourceError
from schemas.post import PostUpsert
from tests.ingestors.reading import drain, events_of, unreadable_of

HEADER = ["Tweet ID", "Date", "Full Text", "Likes"]


def book(path: Path, *rows: list[Any], sheets: tuple[str, ...] = ()) -> str:
    made = openpyxl.Workbook()
    sheet = made.active
    assert sheet is not None
    for row in rows:
        sheet.append(row)
    for name in sheets:
        made.create_sheet(name)
    made.save(path)
    return str(path)


def lines_of(source: WorkbookLines) -> list[str]:
    with closing(source):
        source.head(0.0)
        found = []
        while (line := source.next(0.0)) is not None:
            found.append(line.decode())
    return found


def test_rows_are_posts(tmp_path: Path) -> None:
    at = datetime.fromisoformat("2026-03-01T10:00:00.999700")
    path = book(
        tmp_path / "a",
        HEADER,
        ["1370141234567891234", at, 'He said "hi",\nand left', 12.0],
        [],
        ["7", date(2026, 3, 2), "plain", None],
        sheets=("other",),
    )
    source = ReplaySource(path)
    assert source.check() == [
        "read the sheet 'Sheet', the first of 2",
        "read id from Tweet ID, text from Full Text, created_at from Date; --mapping sets them",
    ]
    first, second = events_of(drain(source))
    assert isinstance(first, PostUpsert) and isinstance(second, PostUpsert)
    assert (first.id, first.post.metrics.likes) == ("file:1370141234567891234", 12)
    assert first.post.text == 'He said "hi",\nand left'
    assert f"{first.post.created_at:%H:%M:%S}" == "10:00:01"
    assert f"{second.post.created_at:%Y-%m-%d %H}" == "2026-03-02 00"


def test_ids_that_were_numbers_are_refused(tmp_path: Path) -> None:
    rows = [[1.37014e18, None, "a", 1], [2**60 + 1, None, "b", 1], [12, None, "c", 1]]
    batches = drain(ReplaySource(book(tmp_path / "a", HEADER, *rows)))
    assert [event.id for event in events_of(batches)] == ["file:12"]
    assert [item.detail.split(" was ")[1][:7] for item in unreadable_of(batches)] == ["rounded"] * 2


def test_dates_have_the_zone_of_the_mapping(tmp_path: Path) -> None:
    mapping = tmp_path / "m.yaml"
    mapping.write_text(
        "source: crm\ntime_zone: Europe/Paris\n"
        "fields: {id: Tweet ID, text: Full Text, created_at: Date}\ntimes: ['%d/%m/%Y %H:%M']"
    )
    at = datetime.fromisoformat("2026-07-01T10:00:00")
    rows = ["1", at, "a", 1], ["2", "01/07/2026 10:00", "a", 1]
    path = book(tmp_path / "a", HEADER, *rows)
    events = events_of(drain(ReplaySource(path, mapping=str(mapping))))
    assert [event.post.created_at.hour for event in events if isinstance(event, PostUpsert)] == [
        8,
        8,
    ]


def test_a_restart_goes_on_behind_the_header(tmp_path: Path) -> None:
    path = book(tmp_path / "a", HEADER, *([str(n), None, f"post {n}", n] for n in range(600)))
    source = ReplaySource(path)
    source.open(None)
    first = source.next_batch()
    source.close()
    rest = drain(ReplaySource(path), first.position)
    ids = [event.id for event in [*first.events, *events_of(rest)]]
    assert ids == [f"file:{n}" for n in range(600)]


def test_a_zip_of_something_else_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("posts.csv", "id,text\n")
    with pytest.raises(SourceError, match=r"with posts.csv\); unpack it first \(unzip -p"):
        ReplaySource(str(path)).check()


def test_what_unpacks_to_too_much_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = Path(book(tmp_path / "a", HEADER, ["1", None, "a" * 5000, 1]))
    monkeypatch.setattr(workbook, "MAX_UNPACKED", 1000)
    with pytest.raises(SourceError, match="more than a gigabyte"):
        lines_of(WorkbookLines(path))
    monkeypatch.setattr(workbook, "MAX_PIPED", 10)
    with pytest.raises(SourceError, match="larger than 256 MiB"):
        WorkbookLines(path.read_bytes())


def test_a_damaged_workbook_says_so(tmp_path: Path) -> None:
    path = Path(book(tmp_path / "a", HEADER))
    data = path.read_bytes()
    path.write_bytes(data[:-30])
    with pytest.raises(SourceError, match="damaged zip"):
        lines_of(WorkbookLines(path))
    broken = io.BytesIO()
    with zipfile.ZipFile(broken, "w") as archive:
        archive.writestr("xl/workbook.xml", "<no")
    with pytest.raises(SourceError, match="open it in Excel and save it again"):
        lines_of(WorkbookLines(broken.getvalue()))


def test_wide_and_hidden_sheets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "MAX_COLUMNS", 2)
    assert lines_of(WorkbookLines(Path(book(tmp_path / "a", HEADER)))) == ["Tweet ID,Date\n"]
    made = openpyxl.Workbook()
    assert made.active is not None
    made.active.title = "secret"
    made.create_sheet("shown").append(["text"])
    made["secret"].sheet_state = "hidden"
    made.save(tmp_path / "b")
    assert lines_of(WorkbookLines(tmp_path / "b")) == ["text\n"]
