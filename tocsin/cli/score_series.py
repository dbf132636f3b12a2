"""``tocsin score-series``: scores a series of counts with the volume model."""

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Annotated, Final

import typer

from processors.volume.detector import VolumeDetector
from processors.volume.parameters import MAX_DAYS, MIN_DAYS, USUAL_DAYS, VolumeParameters
from schemas.errors import ConfigurationError
from tocsin.cli.output import FormatOption, write_rows
from tocsin.cli.row_writers import Row
from tocsin.offline.post_reader import open_posts

_HEADER = ["timestamp", "value"]
COLUMNS = (*_HEADER, "score", "alert")
MAX_REPEATED: Final = timedelta(hours=2)
"""What a clock is set back by is less, in any zone."""
_MAX_HOUR: Final = 4
"""Clocks are set back at night."""


def _rows(stream: IO[str]) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(stream)
    try:
        for cells in reader:
            if cells:
                yield reader.line_num, cells
    except csv.Error as error:
        raise ConfigurationError(f"line {reader.line_num}: {error}") from None
    except UnicodeDecodeError:
        raise ConfigurationError("the series is not UTF-8 text") from None


def _moment(text: str, line: int) -> datetime:
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ConfigurationError(
            f"line {line}: {text!r} is not a time; write 2015-03-05 19:47:53 or ISO 8601"
        ) from None
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


def _count(text: str, line: int) -> float:
    """The count; an empty cell and NaN are missing counts."""
    if not text.strip():
        return float("nan")
    try:
        value = float(text)
    except ValueError:
        raise ConfigurationError(f"line {line}: {text!r} is not a number") from None
    if value < 0:
        raise ConfigurationError(f"line {line}: {text} is negative; values are counts")
    return value


def scored(stream: IO[str], detector: VolumeDetector) -> Iterator[tuple[str, str, str, str]]:
    """Each row with its score and whether an alert opens, as soon as it is read."""
    rows = _rows(stream)
    line, header = next(rows, (1, []))
    if [name.strip().lower() for name in header] != _HEADER:
        raise ConfigurationError(f"line {line}: the series must begin with {','.join(_HEADER)}")
    before: datetime | None = None
    for line, cells in rows:
        if len(cells) != len(_HEADER):
            raise ConfigurationError(f"line {line}: {len(cells)} cells instead of {len(_HEADER)}")
        at, value = _moment(cells[0], line), _count(cells[1], line)
        try:
            state = detector.update(at, value)
        except ValueError:
            raise ConfigurationError(_not_after(cells[0], line, before, at)) from None
        before = at
        yield cells[0], cells[1], f"{state.score:.6f}", str(int(state.alert))


def _not_after(written: str, line: int, before: datetime | None, at: datetime) -> str:
    """What to do about a row that is not after the one before: the cause is seldom the order."""
    said = f"line {line}: {written} is not after the row before"
    is_local = ":" in written and datetime.fromisoformat(written.strip()).tzinfo is None
    back = timedelta.max if before is None else before - at
    if is_local and back < MAX_REPEATED and at.hour < _MAX_HOUR:
        return (
            f"{said}: the hour at the end of summer time comes twice in local time; write times "
            "with their offset, such as 2026-10-25T02:00+01:00, or in UTC; if it is a second count "
            "for the same time, add the two up"
        )
    if back == timedelta(0):
        return f"{said}: it has the same time; keep one row for each, with the counts added up"
    return f"{said}; sort the series by time"


def score_series(
    series: Annotated[
        Path | None, typer.Argument(help="CSV with timestamp,value; the default is standard input.")
    ] = None,
    false_alarm_days: Annotated[
        float,
        typer.Option(
            min=MIN_DAYS,
            max=MAX_DAYS,
            help="Days without an alert, about, where nothing new happens. Longer finds less: "
            "docs/scorecard.md has the curve.",
        ),
    ] = USUAL_DAYS,
    format: FormatOption = "csv",
) -> None:
    """Score a series of counts: how unusual each count is, and where an alert would open.

    Reads `timestamp,value` at a regular interval. Times without a zone are UTC; an empty value is
    missing. Writes `timestamp,value,score,alert`: a score from 0 to 1 (an alert needs more than
    0.5), and 1 where an alert opens. A score depends only on the rows before, as in the stream.
    An alert needs more where the series has been as high on many of its last 30 days.

    Example: `tocsin score-series examples/counts.csv > scored.csv`
    """
    with io.TextIOWrapper(open_posts(series), "utf-8-sig", newline="") as stream:
        parameters = VolumeParameters(false_alarm_days=false_alarm_days)
        rows = scored(stream, VolumeDetector(parameters))
        write_rows(map(_typed, rows) if format != "csv" else rows, COLUMNS, format)


def _typed(row: tuple[str, str, str, str]) -> Row:
    """The cells as numbers, for formats that have them."""
    at, value, score, alert = row
    return at, float(value) if value.strip() else None, float(score), alert == "1"
