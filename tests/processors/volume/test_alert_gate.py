"""When evidence opens an alert: once, and an aftershock only if it is beyond the crisis' echo."""

import numpy as np

from processors.volume.alert_gate import AlertGate
from processors.volume.parameters import VolumeParameters

HOUR, DAY = 60.0, 1440.0
CRISIS = 10 * DAY
LATER = CRISIS + 12 * HOUR
"""Within the days of the echo, after the quiet time."""


def opened(*evidence: tuple[float, float]) -> list[float]:
    """The minutes at which alerts open, of minutes with their evidence, two days after a start."""
    gate, found = AlertGate(VolumeParameters(), 1), []
    present = np.array([True])
    for now, value in ((CRISIS - 2 * DAY, 0.0), *evidence):
        _, opens = gate.judge(np.array([value]), np.array([2.5]), now, present)
        found += [now] if opens[0] else []
    return found


def test_an_aftershock_of_a_peak_is_no_news_for_days() -> None:
    assert opened((LATER, 3.5)) == [LATER]
    assert opened((CRISIS, 8.0), (LATER, 3.5)) == [CRISIS]
    month = CRISIS + 30 * DAY
    assert opened((CRISIS, 8.0), (month, 3.5)) == [CRISIS, month]


def test_what_is_beyond_the_echo_of_a_peak_is_news() -> None:
    assert opened((CRISIS, 8.0), (LATER, 7.0)) == [CRISIS, LATER]


def test_an_alert_that_lasts_opens_once_and_holds_the_next_one_back() -> None:
    lasting = [(CRISIS + hour * HOUR, 7.0) for hour in range(20)]
    assert opened(*lasting) == [CRISIS]


def test_a_first_day_opens_nothing() -> None:
    gate = AlertGate(VolumeParameters(), 1)
    for hour in range(24):
        _, opens = gate.judge(np.array([8.0]), np.array([2.5]), hour * HOUR, np.array([True]))
        assert not opens[0]
