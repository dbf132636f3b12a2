"""Crises of known size, planted over the real volumes of brands: recall, delays and false alarms.

Each kind of storm is planted at several times of day over several brands
(``benchmarks.scorecard.storms``). An alert outside of storms, and outside of the windows that the
series' labels call unusual, is a false alarm.
"""

import statistics
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from math import exp, factorial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final, NamedTuple

from benchmarks.markdown import table
from benchmarks.scorecard.storms import (
    DAYS,
    HOLD,
    KINDS,
    RISES,
    SIZES,
    Kind,
    Storm,
    mentions,
    plans,
    schedule,
    unusual,
    volumes,
)
from processors.detector.backtest import BacktestAlert, backtest_alerts, replay
from schemas.brand import Brand

WAKES: Final = 2
"""Minimum severity of a crisis."""


@dataclass(frozen=True, slots=True)
class Woken:
    """The first alert state of a crisis that is severe enough."""

    at: datetime
    episode: BacktestAlert


@dataclass(frozen=True, slots=True)
class Found:
    brand: str
    storm: Storm
    woken: Woken | None

    @property
    def delay(self) -> float | None:
        """Minutes from the first mention to the alert."""
        if self.woken is None:
            return None
        return (self.woken.at - self.storm.began).total_seconds() / 60


class Run(NamedTuple):
    """One brand's days with its storms."""

    brand: str
    rows: list[tuple[datetime, int]]
    storms: list[Storm]
    known: list[tuple[datetime, datetime]]
    seed: str


def measure(data: Path, rounds: int) -> tuple[list[Found], int, float]:
    """The outcome of every storm, the false alarms, and the brand-days."""
    known, kinds = unusual(data), plans()
    runs = [
        Run(name, rows, schedule(rows, kinds), known.get(name, []), f"{name}{number}")
        for number in range(rounds)
        for name, rows in volumes(data).items()
    ]
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        done = list(pool.map(play, runs))
    found = [one for each, _ in done for one in each]
    return found, sum(false for _, false in done), float(len(runs) * DAYS)


def play(run: Run) -> tuple[list[Found], int]:
    """The outcome of the storms of one run, and its false alarms."""
    brand = Brand(id=run.brand.lower(), name=run.brand)
    records = mentions(brand.id, run.rows, run.storms, run.seed)
    told = woken(backtest_alerts(replay(records, [brand])))
    windows = [*run.known, *((storm.began, storm.ended) for storm in run.storms)]
    false = sum(1 for one in told if not _within(one.at, windows))
    return [Found(run.brand, storm, _of(storm, told)) for storm in run.storms], false


def woken(found: Sequence[BacktestAlert]) -> list[Woken]:
    """The first state of each alert that is severe enough, if any."""
    firsts = (
        (next((state for state in one.states if state.severity >= WAKES), None), one)
        for one in found
    )
    return [Woken(state.raised_at, one) for state, one in firsts if state is not None]


def _of(storm: Storm, told: Sequence[Woken]) -> Woken | None:
    return next((one for one in told if storm.began <= one.at <= storm.ended), None)


def _within(at: datetime, windows: Sequence[tuple[datetime, datetime]]) -> bool:
    return any(first <= at <= end for first, end in windows)


def section(data: Path, rounds: int = 8) -> list[str]:
    return report(data, *measure(data, rounds))


def report(data: Path, found: Sequence[Found], false: int, days: float) -> list[str]:
    """The results of `measure` as tables."""
    crises = [one for one in found if one.storm.kind.name != "joyful"]
    low, high = poisson_interval(false, days)
    lines = [
        "## Planted crises",
        "",
        f"{len(found)} storms over the real volumes of {len(volumes(data))} brands, {days:.0f} "
        f"brand-days; found means an alert of severity {WAKES} or more while it lasts. Storms hold "
        f"their height for {HOLD} minutes, and fall as they rose. Sizes are times the "
        "brand's mean. What the series' labels call unusual is left out of both.",
        "",
        f"False alarms: {false}, {false / days:.3f} a brand-day (95 %: {low:.3f} to {high:.3f}). "
        "The tone of the background is invented (a quarter is negative, by chance alone), its "
        "volumes are real.",
        "",
        "Found of all crises, and the median delay in minutes from their first mention:",
        "",
    ]
    header = ["size", *(f"rises in {rise} min" for rise in RISES)]
    lines += table(header, [[f"{s} times", *(_cell(_of_size(crises, s, r)) for r in RISES)]
                            for s in SIZES])  # fmt: skip
    lines += [
        "By brand, the same (the least mentions of a crisis follow from the brand's own volume):",
        "",
    ]
    lines += table(["brand", "mean in 5 min", *(f"{size} times" for size in SIZES)],
                   _brand_rows(data, crises))  # fmt: skip
    lines += ["By kind, of 4 times and more; a joyful storm is not to wake anybody:", ""]
    lines += table(
        ("kind", "storms", "told", "median delay", "called"), map(_kind_row(found), KINDS)
    )
    return lines


def poisson_interval(count: int, days: float) -> tuple[float, float]:
    """Exact limits of a Poisson rate (Garwood 1936), found by halving."""
    return _limit(count - 1, 0.975) / days if count else 0.0, _limit(count, 0.025) / days


def _limit(count: int, chance: float) -> float:
    """The mean for which ``count`` or fewer have this probability."""
    low, high = 0.0, 10.0 * count + 20
    for _ in range(60):
        middle = (low + high) / 2
        terms = (exp(-middle) * middle**seen / factorial(seen) for seen in range(count + 1))
        low, high = (middle, high) if sum(terms) > chance else (low, middle)
    return low


def _of_size(found: Sequence[Found], size: float, rise: int) -> list[Found]:
    return [one for one in found if (one.storm.size, one.storm.rise) == (size, rise)]


def _cell(mine: Sequence[Found]) -> str:
    delays = [one.delay for one in mine if one.delay is not None]
    if not mine:
        return "–"
    late = f", {statistics.median(delays):.0f} min" if delays else ""
    return f"{100 * len(delays) / len(mine):.0f} % of {len(mine)}{late}"


def _brand_rows(data: Path, crises: Sequence[Found]) -> Iterator[list[str]]:
    for name, rows in volumes(data).items():
        mean = sum(count for _, count in rows) / len(rows)
        mine = [one for one in crises if one.brand == name]
        cells = (_cell([one for one in mine if one.storm.size == size]) for size in SIZES)
        yield [name, f"{mean:.1f}", *cells]


def _kind_row(found: Sequence[Found]) -> Any:
    def row(kind: Kind) -> tuple[str, ...]:
        mine = [one for one in found if one.storm.kind == kind and one.storm.size >= 4]
        delays = [one.delay for one in mine if one.delay is not None]
        names = [
            one.woken.episode.states[
                -2 if len(one.woken.episode.states) > 1 else 0
            ].evidence.authenticity
            for one in mine
            if one.woken
        ]
        called = ", ".join(
            f"{name} {100 * names.count(name) / len(names):.0f} %"
            for name in ("organic", "amplified", "coordinated")
            if name in names
        )
        return (
            kind.name,
            str(len(mine)),
            f"{100 * len(delays) / max(len(mine), 1):.0f} %",
            f"{statistics.median(delays):.0f} min" if delays else "–",
            called or "–",
        )

    return row
