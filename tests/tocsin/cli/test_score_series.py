"""``tocsin score-series``: one row in, one row out, as written, without looking ahead."""

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.tocsin.cli.commands import Commands

START = datetime(2024, 3, 4)  # noqa: DTZ001 (series are often without a zone)


def series(values: list[str], minutes: int = 60) -> str:
    times = (START + timedelta(minutes=minutes * row) for row in range(len(values)))
    rows = [f"{at},{value}" for at, value in zip(times, values, strict=True)]
    return "\n".join(["timestamp,value", *rows]) + "\n"


def test_rows_come_out_as_they_went_in(tocsin: Commands, tmp_path: Path) -> None:
    # Five days of hours at 20 or 21, and then a crisis.
    values = [str(20 + row % 2) for row in range(120)] + ["400", "500.0", "4e2"]
    text = series(values)
    file = tmp_path / "series.csv"
    file.write_text(text)
    ran = tocsin("score-series", str(file))
    assert (ran.status, ran.err) == (0, "")
    header, *rows = ran.out.splitlines()
    assert header == "timestamp,value,score,alert"
    cells = [row.split(",") for row in rows]
    assert [row[:2] for row in cells] == [line.split(",") for line in text.splitlines()[1:]]
    assert all(0 <= float(score) <= 1 for _, _, score, _ in cells)
    assert [alert for *_, alert in cells] == ["0"] * 120 + ["1", "0", "0"]
    assert float(cells[120][2]) > 0.5
    assert tocsin("score-series", stdin=text.encode()).out == ran.out


def test_a_shorter_series_has_the_same_beginning(tocsin: Commands) -> None:
    values = [str(row * row % 17) for row in range(80)] + ["300"] * 5
    whole = tocsin("score-series", stdin=series(values).encode()).out
    part = tocsin("score-series", stdin=series(values[:50]).encode()).out
    assert whole.startswith(part)
    none = tocsin("score-series", stdin=b"timestamp,value\n").out
    assert none == "timestamp,value,score,alert\n"


def test_other_formats_have_numbers(tocsin: Commands) -> None:
    text = series(["3", "", "5.5"]).encode()
    rows = json.loads(tocsin("score-series", "--format", "json", stdin=text).out)
    assert [row["value"] for row in rows] == [3.0, None, 5.5]
    assert rows[0] == {
        "timestamp": "2024-03-04 00:00:00",
        "value": 3.0,
        "score": 0.0,
        "alert": False,
    }


def test_times_may_be_iso_and_values_missing(tocsin: Commands) -> None:
    text = (
        "\ufeffTimestamp, Value\r\n2024-03-04T00:00:00Z,3\r\n2024-03-04T02:00:00+01:00,\r\n"
        "2024-03-04T03:00:00.500+01:00,nan\r\n"
    )
    ran = tocsin("score-series", stdin=text.encode())
    assert ran.status == 0
    assert ran.out.splitlines()[1:] == [
        "2024-03-04T00:00:00Z,3,0.000000,0",
        "2024-03-04T02:00:00+01:00,,0.000000,0",
        "2024-03-04T03:00:00.500+01:00,nan,0.000000,0",
    ]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (b"timestamp,value\n\xff\xfe\n", "is not UTF-8 text"),
        (b"", "line 1: the series must begin with timestamp,value"),
        (b"2024-03-04,3\n", "line 1: the series must begin with timestamp,value"),
        (b"timestamp,value\nyesterday,3\n", "line 2: 'yesterday' is not a time"),
        (b"timestamp,value\n2024-03-04,3\n\n2024-03-05,x\n", "line 4: 'x' is not a number"),
        (b"timestamp,value\n2024-03-04,-3\n", "line 2: -3 is negative; values are counts"),
        (b"timestamp,value\n2024-03-04,3,4\n", "line 2: 3 cells instead of 2"),
        (b"timestamp,value\n2024-03-04,3\n2024-03-04,3\n", "line 3: 2024-03-04 is not after"),
        (b"timestamp,value\n2024-03-04,3\n2024-03-04,3\n", "keep one row for each"),
        (b"timestamp,value\n2024-03-04 12:00,3\n2024-03-04 12:00,3\n", "keep one row for each"),
        (b"timestamp,value\n2024-03-04,3\n2024-03-01,3\n", "sort the series by time"),
        (
            b"timestamp,value\n2025-11-02 01:00,3\n2025-11-02 01:00,3\n",
            "the hour at the end of summer time comes twice",
        ),
        (
            b"timestamp,value\n2025-11-02T01:45,3\n2025-11-02T01:00,3\n",
            "with their offset, such as 2026-10-25T02:00+01:00, or in UTC",
        ),
        (
            b"timestamp,value\n2025-11-02T01:00+01:00,3\n2025-11-02T01:00+01:00,3\n",
            "keep one row for each",
        ),
    ],
)
def test_a_bad_row_is_named(tocsin: Commands, text: bytes, complaint: str) -> None:
    ran = tocsin("score-series", stdin=text)
    assert ran.status == 2
    assert complaint in " ".join(ran.err.split())


def test_a_file_that_is_absent_is_said(tocsin: Commands, tmp_path: Path) -> None:
    ran = tocsin("score-series", str(tmp_path / "none.csv"))
    assert ran.status == 2
    assert "cannot be read" in " ".join(ran.err.split())


def test_the_old_name_runs_and_says_the_new_one(tocsin: Commands) -> None:
    text = series(["1", "2"]).encode()
    old, new = tocsin("detect", stdin=text), tocsin("score-series", stdin=text)
    assert (old.status, old.out) == (new.status, new.out)
    assert "score-series" in old.err
    assert not new.err


def test_longer_days_without_false_alarms_have_fewer_alerts(tocsin: Commands) -> None:
    # Small bursts of growing size, each a record.
    values = [str(20 + row % 3 + (row % 100 == 99) * row // 12) for row in range(1200)]
    text = series(values).encode()

    def alerts(days: str) -> int:
        out = tocsin("score-series", "--false-alarm-days", days, stdin=text).out
        return sum(line.endswith(",1") for line in out.splitlines())

    assert alerts("3") > alerts("90")
    refused = tocsin("score-series", "--false-alarm-days", "2", stdin=text)
    assert refused.status == 2
    assert "false-alarm-days" in refused.err
