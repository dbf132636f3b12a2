"""``tocsin score-series``: scores a series of counts with the volume model, row by row."""

import csv
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Annotated

import typer

from processors.volume.detector import VolumeDetector
from schemas.errors import ConfigurationError

HEADER = ("timestamp", "value")
HEADER_LINE = ",".join(HEADER)
DIGITS = 6


def _opened(file: Path | None) -> AbstractContextManager[IO[str]]:
    if file is None:
        sys.stdin.reconfigure(encoding="utf-8-sig", newline="")  # type: ignore[union-attr]
        return nullcontext(sys.stdin)
    try:
        return file.open(encoding="utf-8-sig", newline="")
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be read: {error.strerror}") from None


def _rows(stream: IO[str]) -> Iterator[tuple[int, list[str]]]:
    """Line numbers and cells; blank lines are passed over."""
    reader = csv.reader(stream)
    try:
        for cells in reader:
            if cells:
                yield reader.line_num, cells
    except csv.Error as error:
        raise ConfigurationError(f"line {reader.line_num}: {error}") from None
    except UnicodeDecodeError:
        raise ConfigurationError("the series is no text: write it in UTF-8") from None


def _moment(text: str, line: int) -> datetime:
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ConfigurationError(
            f"line {line}: {text!r} is no time: write it as 2015-03-05 19:47:53 or in ISO 8601"
        ) from None
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


def _count(text: str, line: int) -> float:
    """The number as it stands; an empty cell and NaN are a count that is missing."""
    if not text.strip():
        return float("nan")
    try:
        value = float(text)
    except ValueError:
        raise ConfigurationError(f"line {line}: {text!r} is no number") from None
    if value < 0:
        raise ConfigurationError(f"line {line}: {text} is negative: values are counts")
    return value


def scored(stream: IO[str], detector: VolumeDetector) -> Iterator[tuple[str, str, str, str]]:
    """Each row with its score and whether an alert opens, as soon as the row is read."""
    rows = _rows(stream)
    line, header = next(rows, (1, []))
    if tuple(name.strip().lower() for name in header) != HEADER:
        raise ConfigurationError(
            f"line {line}: the series must begin with the header {HEADER_LINE}"
        )
    for line, cells in rows:
        if len(cells) != len(HEADER):
            raise ConfigurationError(f"line {line}: {len(cells)} cells instead of {len(HEADER)}")
        at, value = _moment(cells[0], line), _count(cells[1], line)
        try:
            state = detector.update(at, value)
        except ValueError:
            raise ConfigurationError(
                f"line {line}: {cells[0]} is not after the row before: sort the series by time"
            ) from None
        yield cells[0], cells[1], f"{state.score:.{DIGITS}f}", str(int(state.alert))


def score_series(
    series: Annotated[
        Path | None, typer.Argument(help="CSV: timestamp,value; standard input if not given.")
    ] = None,
) -> None:
    """Score a series of counts: is more being said than should be, and where would an alert open?

    Reads `timestamp,value` at any regular spacing (times without a zone are UTC; an empty value is
    a missing one) and writes `timestamp,value,score,alert`: the score from 0 to 1 (0.5 is the bar
    that an alert must pass), and 1 on the rows where an alert opens. Each row is judged by the rows
    before it alone, as in the stream.

    Example: `tocsin score-series mentions.csv > scored.csv`
    """
    out = csv.writer(sys.stdout, lineterminator="\n")
    with _opened(series) as stream:
        out.writerow((*HEADER, "score", "alert"))
        out.writerows(scored(stream, VolumeDetector()))
