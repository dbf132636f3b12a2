"""Planted crises: the shape of storms, and how the scorecard counts their outcomes."""

import json
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import pytest

from benchmarks.scorecard.planted import measure, poisson_interval, report
from benchmarks.scorecard.storms import DAYS, KINDS, RISES, SIZES, Storm, plans

BEGAN = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("count", "low", "high"), [(0, 0.0, 3.689), (2, 0.242, 7.225), (10, 4.795, 18.390)]
)
def test_the_interval_of_a_rate_is_garwoods(count: int, low: float, high: float) -> None:
    """Values of Garwood 1936, for one day."""
    assert poisson_interval(count, 1.0) == pytest.approx((low, high), abs=0.001)


def test_each_storm_comes_as_often_as_any_other() -> None:
    every = len(KINDS) * len(SIZES) * len(RISES)
    endless = plans()
    first, second = list(islice(endless, every)), list(islice(endless, every))
    for plan in (first, second):
        assert len({(kind.name, size, rise) for kind, size, rise in plan}) == every
    assert first != second


def test_a_storm_rises_holds_and_falls() -> None:
    storm = Storm(KINDS[0], 4, 30, BEGAN)
    levels = [storm.level(BEGAN + timedelta(minutes=at)) for at in (-1, 0, 15, 30, 89, 105, 119)]
    assert levels == pytest.approx([0, 0, 0.5, 1, 1, 0.5, 1 / 30])
    assert storm.ended == BEGAN + timedelta(minutes=120)


def test_found_storms_and_false_alarms_are_counted(tmp_path: Path) -> None:
    """Steady volumes: a storm of eight times is found, a burst in the usual tone is not."""
    rows = DAYS * 288
    burst = range(400, 412)
    counts = [60 if row in burst else 6 for row in range(rows)]
    times = (BEGAN + timedelta(minutes=5 * row) for row in range(rows))
    folder = tmp_path / "brand-volume"
    folder.mkdir()
    lines = [f"{at:%Y-%m-%d %H:%M:%S},{count}" for at, count in zip(times, counts, strict=True)]
    (folder / "ACME.csv").write_text("\n".join(["timestamp,value", *lines]) + "\n")
    (folder / "windows.json").write_text(json.dumps({}))

    found, false, days = measure(tmp_path, 1)

    assert days == DAYS
    assert false == 0
    joyful = [outcome for outcome in found if outcome.storm.kind.name == "joyful"]
    severe = [o for o in found if o.storm.size >= 8 and o.storm.kind.name != "joyful"]
    assert severe
    assert all(o.delay is not None and 0 < o.delay < 120 for o in severe)
    assert all(o.woken is None for o in joyful)
    joyful = [o for o in joyful if o.storm.size >= 4]
    assert f"| joyful | {len(joyful)} | 0 % |" in "\n".join(report(tmp_path, found, false, days))
