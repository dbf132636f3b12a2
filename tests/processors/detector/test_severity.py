"""How grave the summary of a window is, and that less keeps a severity than gives it."""

import pytest

from processors.detector.severity import severity
from processors.detector.signals.summary import WindowSummary
from processors.detector.state.window import WindowTotals
from schemas.alert import Signal
from schemas.brand import AlertPolicy

POLICY = AlertPolicy()


def look(volume: float, tone: float, negative: int = 30, before: float = 0.25) -> WindowSummary:
    """A hundred posts in half an hour, ten times the usual, of which so many are negative."""
    signals = {
        "volume": Signal(
            name="volume", observed=100, baseline=10, unit="posts/30min", significance=volume
        ),
        "negative_share": Signal(
            name="negative_share", observed=negative / 100, baseline=before, unit="share",
            significance=tone,
        ),
    }  # fmt: skip
    long = WindowTotals(minutes=30, authors=100, mentions=100, scored=100, negative=negative)
    short = WindowTotals(minutes=5, authors=40, mentions=40)
    return WindowSummary(short, long, signals, before)


@pytest.mark.parametrize(
    ("summary", "expected"),
    [
        (look(0, 0), 0),
        (look(6, 0), 1),
        (look(0, 4), 1),
        (look(6, 4), 4),
        (look(4, 4), 4),  # a volume that has moved less is enough where the tone has darkened
        (look(4, 0), 0),
        (look(6, 1, negative=40), 1),  # mostly negative, which may be chance
        (look(6, 2.1, negative=40), 4),
        (look(6, 0, negative=60, before=0.6), 4),  # a brand of which most is always negative
    ],
)
def test_more_people_and_more_against_it_are_a_crisis(
    summary: WindowSummary, expected: int
) -> None:
    assert severity(summary, POLICY) == expected


def test_less_keeps_an_alert_open_than_opens_it() -> None:
    calmer = look(3.5, 2.2)
    assert severity(calmer, POLICY) == 0
    assert severity(calmer, POLICY, 3) == 3


def test_nothing_less_makes_an_open_alert_graver() -> None:
    """A loud and joyful hour is open as 1; a few more negative posts must not make it a crisis."""
    loud = look(8, 2.5)
    assert severity(loud, POLICY) == 1
    assert severity(loud, POLICY, 1) == 1
