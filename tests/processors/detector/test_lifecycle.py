"""The life of an alert, for any course of severities."""

from hypothesis import given
from hypothesis import strategies as st

from processors.detector.lifecycle import CALM, COOL_DOWN, AlertLifecycle, Change


def told(grades: list[int]) -> list[tuple[int, Change, int]]:
    """The minute, change and severity of whatever a course of severities comes to."""
    lifecycle = AlertLifecycle()
    changes = []
    for minute, grade in enumerate(grades, 1):
        change = lifecycle.step(minute, grade)
        if change:
            changes.append((minute, change, lifecycle.severity or lifecycle.last))
    return changes


@given(st.lists(st.integers(0, 5), max_size=400))
def test_an_alert_opens_grows_and_closes_and_never_repeats_itself(grades: list[int]) -> None:
    severity = 0
    for _, change, grade in told(grades):
        assert (change == "open") == (severity == 0)
        if change == "close":
            severity = 0
        else:
            assert grade > severity
            severity = grade


@given(st.lists(st.integers(0, 1), max_size=200))
def test_one_minute_wakes_nobody(pattern: list[int]) -> None:
    lonely = [grade for one in pattern for grade in (one, 0, 0)]
    assert told(lonely) == []


def test_what_is_grave_is_said_at_once_and_worse_once_it_lasts() -> None:
    assert told([0, 5]) == [(2, "open", 5)]
    assert told([0, 3, 3]) == [(3, "open", 3)]
    assert told([1] * 5) == [(5, "open", 1)]
    assert told([3, 3, 5, 3, 5, 5]) == [(2, "open", 3), (6, "update", 5)]


def test_it_closes_after_calm_and_cools_down() -> None:
    closed = [3, 3, *[0] * CALM]
    assert told(closed)[-1] == (2 + CALM, "close", 3)
    assert len(told([*closed, *[3] * (COOL_DOWN - 1)])) == 2
    assert told([*closed, 5])[-1] == (3 + CALM, "open", 5)
    assert len(told([*closed, *[3] * (COOL_DOWN + 5)])) == 3
