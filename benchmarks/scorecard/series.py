"""Reads labelled series of counts: ``NAME.csv`` (timestamp,value) and ``windows.json``."""

import csv
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from benchmarks.scorecard.nab import Labelled

WINDOWS = "windows.json"


@dataclass(frozen=True, slots=True)
class Series:
    """One brand's counts and their labels."""

    name: str
    times: tuple[datetime, ...]
    counts: NDArray[np.float64]
    """Shape (rows,)."""
    labelled: Labelled

    @property
    def minutes(self) -> float:
        return (self.times[1] - self.times[0]).total_seconds() / 60


class _Marks(msgspec.Struct):
    windows: list[tuple[str, str]]
    labels: list[str] = []


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC, microsecond=0)


def read_series(folder: Path) -> list[Series]:
    """All series in ``windows.json``, by name."""
    marks = msgspec.json.decode((folder / WINDOWS).read_bytes(), type=dict[str, _Marks])
    return [_read(folder / f"{name}.csv", name, marks[name]) for name in sorted(marks)]


def _read(path: Path, name: str, marks: _Marks) -> Series:
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    times = tuple(_moment(row["timestamp"]) for row in rows)
    places = {at: place for place, at in enumerate(times)}
    windows = tuple((places[_moment(a)], places[_moment(b)]) for a, b in marks.windows)
    labels = tuple(places[_moment(label)] for label in marks.labels)
    counts = np.array([float(row["value"]) for row in rows])
    return Series(name, times, counts, Labelled(len(rows), windows, labels))
