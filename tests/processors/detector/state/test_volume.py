"""A brand's three volumes: how far above their bars, across a release with another memory."""

import msgspec
import pytest

from processors.detector.state.volume import (
    KNOWN,
    STEP,
    VolumeBaselines,
    VolumeBaselinesState,
)
from processors.detector.state.window import WindowTotals

START = 30_000_000
"""Minutes since 1970."""


def fed(volumes: VolumeBaselines, counts: list[int], first: int = 0) -> None:
    """Takes mentions of every five minutes, from the ``first`` interval on."""
    for row, count in enumerate(counts, first):
        totals = WindowTotals(minutes=STEP, mentions=count, authors=count, discounted=count)
        volumes.close(START + STEP * row, totals)


def usual(rows: int) -> list[int]:
    return [20 + row % 5 for row in range(rows)]


def test_a_burst_is_above_its_bar_and_the_usual_is_not() -> None:
    volumes = VolumeBaselines()
    fed(volumes, usual(KNOWN))
    assert volumes.evidence("mentions") < 0.2
    fed(volumes, [300, 320], first=KNOWN)
    assert volumes.evidence("mentions") > 1
    assert volumes.evidence("authors") > 1


def test_a_burst_of_every_day_is_less_above_its_bar_than_the_first_one() -> None:
    volumes = VolumeBaselines()
    found = []
    for day in range(8):
        # At another hour each day, so that it is no rhythm.
        row = 40 + 50 * (day % 4)
        counts = usual(KNOWN)
        counts[row : row + 2] = [300, 300]
        fed(volumes, counts[: row + 2], first=KNOWN * day)
        found.append(volumes.evidence("mentions"))
        fed(volumes, counts[row + 2 :], first=KNOWN * day + row + 2)
    assert found[1] > 1
    assert max(found[6:]) < 1 < found[1]


def test_the_state_of_an_older_release_goes_on() -> None:
    volumes = VolumeBaselines()
    fed(volumes, usual(KNOWN + 10))
    volumes.learn()
    kept = msgspec.to_builtins(volumes.snapshot())
    numbers, counted = volumes.known
    # It had a list a volume in place of the numbers, the evidence itself, and no daily highs.
    kept["evidence"] = kept.pop("above")
    del kept["numbers"], kept["step"], kept["counted"], kept["waiting"]
    kept["memories"] = [
        {"step": STEP, "last": counted, "floats": row.tolist()[:80]} for row in numbers
    ]
    again = VolumeBaselines(msgspec.convert(kept, VolumeBaselinesState))
    assert again.evidence("mentions") == 0
    fed(again, [300], first=KNOWN + 10)
    fed(volumes, [300], first=KNOWN + 10)
    assert again.evidence("mentions") == pytest.approx(volumes.evidence("mentions"))
