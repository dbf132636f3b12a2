"""How grave the summary of a window is, and its hysteresis."""

import pytest
from msgspec.structs import replace

from processors.detector.severity import severity
from processors.detector.signals.novelty import signal
from processors.detector.signals.summary import WindowSummary
from processors.detector.state.window import WindowTotals
from schemas.brand import AlertPolicy

POLICY = AlertPolicy()


def look(volume: float, tone: float, negative: int = 30, before: float = 0.25) -> WindowSummary:
    """A hundred posts in half an hour, ten times the usual, of which so many are negative."""
    signals = [
        signal("volume", 100, 10, "posts/30min", volume),
        signal("negative_share", negative / 100, before, "share", tone),
    ]
    long = WindowTotals(minutes=30, authors=100, mentions=100, scored=100, negative=negative)
    short = WindowTotals(minutes=5, authors=40, mentions=40)
    return WindowSummary(short, long, {moved.name: moved for moved in signals}, before)


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
        (look(6, 0, negative=60, before=0.6), 1),  # more of the usual is attention
        (look(6, 0, negative=38, before=0.52), 1),  # and fewer negatives are no crisis at all
        (look(6, 2.5, negative=55, before=0.45), 1),
        (look(6, 3.1, negative=60, before=0.45), 4),
        (look(6, 0, negative=85, before=0.85), 4),  # a share that cannot rise
    ],
)
def test_more_people_and_more_against_it_are_a_crisis(
    summary: WindowSummary, expected: int
) -> None:
    assert severity(summary, POLICY) == expected


def test_lower_thresholds_keep_an_alert_open_and_do_not_escalate_it() -> None:
    calmer, loud = look(3.5, 2.2), look(8, 2.5)
    assert [severity(calmer, POLICY, current) for current in (0, 3)] == [0, 3]
    # A few more negative posts in a loud and joyful hour do not make a crisis of it.
    assert [severity(loud, POLICY, current) for current in (0, 1)] == [1, 1]


def test_of_a_show_the_volume_is_no_news_and_a_tone_beyond_its_own_is() -> None:
    show = replace(look(30, 8), recurs=True, tone=0.5)
    assert severity(look(30, 8), POLICY) == 4
    assert severity(show, POLICY) == 0
    assert severity(replace(show, tone=4.0), POLICY) == 4
