"""Two quiet years of listed companies, post by post, and crises planted over them.

The posts name companies by their cash tags, which is unlike what consumers write; they are a
sample, so volumes are small. Nobody labelled them: an alert may be right. So the alerts are an
upper bound of false ones.
"""

import gzip
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import numpy as np

from benchmarks.scorecard.nab import Labelled
from benchmarks.scorecard.series import Series

FILE = Path("stream") / "stocks_2014_2016.jsonl.gz"
START, END = datetime(2013, 12, 31, tzinfo=UTC), datetime(2016, 4, 1, tzinfo=UTC)
DAY = 288
MIN_POSTS = 300
"""Companies with fewer posts in these years are left out."""
MAX_POSTS = 5_000_000
"""Lines that are read."""
FIRST_DAYS = 30
"""Alerts of these days are not counted."""
SIZES = (1.0, 2.0, 4.0)
"""Posts of a planted crisis, in busiest hours of the thirty days before it."""
APART = 19
"""Days between two planted crises; the sizes take turns."""
MIN_CRISIS = 4
"""Posts of the smallest crisis, times its size."""


class _Post(msgspec.Struct):
    created_at: datetime
    brands: list[str] = []


def read_companies(data: Path) -> list[Series]:
    """Posts in five minutes of each company; empty without the file."""
    if not (data / FILE).is_file():
        return []
    rows = (END - START).days * DAY
    decoder = msgspec.json.Decoder(_Post)
    found: dict[str, Counter[int]] = {}
    with gzip.open(data / FILE) as lines:
        for _, line in zip(range(MAX_POSTS), lines, strict=False):
            post = decoder.decode(line)
            row = int((post.created_at - START).total_seconds() // 300)
            if 0 <= row < rows:
                for name in post.brands:
                    found.setdefault(name, Counter())[row] += 1
    moments = tuple(START + timedelta(minutes=5 * row) for row in range(rows))
    series = []
    for name in sorted(found):
        if found[name].total() >= MIN_POSTS:
            counts = np.zeros(rows)
            counts[list(found[name])] = list(found[name].values())
            series.append(Series(name, moments, counts, Labelled(rows, ())))
    return series


def with_crises(series: Series, number: int) -> tuple[Series, tuple[float, ...]]:
    """The years of a company with crises of an hour, and their sizes.

    A window is the two hours from the start of a crisis.
    """
    rng = np.random.default_rng([29, number])
    counts, windows, sizes = series.counts.copy(), [], []
    for place, day in enumerate(range(45, len(counts) // DAY - 15, APART)):
        row = day * DAY + int(rng.integers(0, DAY))
        before = series.counts[row - 30 * DAY : row]
        busiest = np.convolve(before, np.ones(12), "valid").max()
        size = SIZES[place % len(SIZES)]
        posts = int(max(size * busiest, MIN_CRISIS * size))
        counts[row : row + 12] += rng.multinomial(posts, np.full(12, 1 / 12))
        windows.append((row, row + 24))
        sizes.append(size)
    labelled = Labelled(len(counts), tuple(windows))
    return Series(series.name, series.times, counts, labelled), tuple(sizes)
