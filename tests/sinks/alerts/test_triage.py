"""Verdicts of people on an alert: the last one counts, and the history keeps them all."""

from datetime import timedelta

import pytest

from sinks.alerts.store import merged, with_desk
from sinks.alerts.triage import MAX_ACTIONS, NotPossible, close, desk_of, judge, note, standing
from tests import make

AT = make.AT


def document(**fields: object) -> dict[str, object]:
    made = merged(make.alert(**fields), None)  # type: ignore[arg-type]
    assert made is not None
    return made


def test_a_verdict_says_who_and_when() -> None:
    desk = judge(document(), "ana", AT, "false_alarm")
    assert (desk.verdict, desk.verdict_by, desk.verdict_at) == ("false_alarm", "ana", AT)
    (entry,) = desk.history
    assert (entry.did, entry.to, entry.by, entry.at) == ("judged", "false_alarm", "ana", AT)


def test_a_later_verdict_replaces_it_and_the_history_keeps_both() -> None:
    first = with_desk(document(), judge(document(), "ana", AT, "false_alarm"))
    desk = judge(first, "ben", AT + timedelta(hours=1), "right")
    assert (desk.verdict, desk.verdict_by) == ("right", "ben")
    assert [(entry.by, entry.to) for entry in desk.history] == [
        ("ana", "false_alarm"), ("ben", "right"),
    ]  # fmt: skip


def test_a_verdict_neither_closes_nor_opens() -> None:
    source = document()
    assert standing(with_desk(source, judge(source, "ana", AT, "right"))) == "open"
    closed = with_desk(source, close(source, "ana", AT, None))
    judged = with_desk(closed, judge(closed, "ana", AT, "right"))
    assert standing(judged) == "closed"
    assert desk_of(judged).closed_by == "ana"


def test_a_state_of_the_detector_leaves_the_verdict() -> None:
    source = with_desk(document(), judge(document(), "ana", AT, "right"))
    later = merged(make.alert(2, "update", severity=5), source)
    assert later is not None
    assert desk_of(later).verdict == "right"


def test_a_full_history_takes_no_verdict() -> None:
    source = document()
    desk = note(source, "ana", AT, "x")
    full = with_desk(source, desk)
    full["desk"]["history"] = full["desk"]["history"] * MAX_ACTIONS
    with pytest.raises(NotPossible, match="is full"):
        judge(full, "ana", AT, "right")
