"""Quiet hours, campaigns and channels, as a brand's policy says."""

from datetime import UTC, datetime

import pytest

from brands.alert_policy import (
    channels_of,
    is_muted,
    playbook_of,
    read_quiet_event,
    read_quiet_hours,
)
from schemas.brand import AlertPolicy
from schemas.errors import ConfigurationError

NIGHT = AlertPolicy(quiet_hours="22:00-07:00 Europe/Paris")


@pytest.mark.parametrize(
    ("month", "hour", "minute", "muted"),
    [(1, 20, 59, False), (1, 21, 0, True), (1, 0, 0, True), (1, 5, 59, True), (1, 6, 0, False),
     (1, 12, 0, False), (7, 20, 30, True), (7, 5, 30, False)],
)  # fmt: skip
def test_quiet_hours_are_of_their_zone(month: int, hour: int, minute: int, muted: bool) -> None:
    when = datetime(2026, month, 5, hour, minute, tzinfo=UTC)
    assert is_muted(NIGHT, 1, when) is is_muted(NIGHT, 3, when) is muted
    assert not is_muted(NIGHT, 4, when)


def test_a_campaign_mutes_everything_until_it_ends() -> None:
    policy = AlertPolicy(mute_until=datetime(2026, 1, 5, tzinfo=UTC))
    assert is_muted(policy, 5, datetime(2026, 1, 4, 23, 59, tzinfo=UTC))
    assert not is_muted(policy, 1, datetime(2026, 1, 5, tzinfo=UTC))


@pytest.mark.parametrize("written", ["", "22-7", "25:00-07:00", "22:00-07:00 Nowhere/Land"])
def test_what_cannot_be_read_is_a_sentence(written: str) -> None:
    with pytest.raises(ConfigurationError, match="write it as 22:00-07:00 Europe/Paris"):
        read_quiet_hours(written)


def test_a_severity_goes_where_the_next_lower_one_does() -> None:
    policy = AlertPolicy(channels={"2": ["desk"], "4": ["desk", "night"]})
    assert channels_of(policy, 1) == []
    assert channels_of(policy, 3) == ["desk"]
    assert channels_of(policy, 5) == ["desk", "night"]


def test_a_severity_has_the_playbook_of_the_next_lower_one() -> None:
    policy = AlertPolicy(playbook={"2": "read", "4": "call"})
    told = [playbook_of(policy, severity) for severity in range(1, 6)]
    assert told == [None, "read", "read", "call", "call"]
    assert playbook_of(AlertPolicy(), 5) is None


@pytest.mark.parametrize(
    ("written", "inside", "outside"),
    [
        ("Sun 19:00-21:30 Europe/Paris", "2026-06-07T17:30", "2026-06-07T19:30"),
        ("sat, Sunday 23:00-02:00", "2026-06-08T01:30", "2026-06-06T01:30"),
        ("Mon-Fri 12:00-13:00 UTC", "2026-06-05T12:00", "2026-06-06T12:00"),
        ("Fri-Mon 12:00-13:00", "2026-06-08T12:59", "2026-06-09T12:59"),
        ("daily 8:00-9:00 America/New_York", "2026-01-06T13:30", "2026-01-06T12:30"),
        ("2026-12-24 - 2026-12-26 Europe/Paris", "2026-12-26T22:59", "2026-12-26T23:00"),
        ("2026-12-24", "2026-12-24T23:59", "2026-12-25T00:00"),
        ("2026-12-24 18:00 - 2026-12-25 2:00", "2026-12-25T01:59", "2026-12-25T02:00"),
    ],
)
def test_a_planned_event_holds_its_hours(written: str, inside: str, outside: str) -> None:
    event = read_quiet_event(written)
    held = [event.hold(datetime.fromisoformat(at).replace(tzinfo=UTC)) for at in (inside, outside)]
    assert held == [True, False]


@pytest.mark.parametrize(
    "written",
    ["", "Sun", "19:00-21:00", "Funday 19:00-21:00", "Su 19:00-21:00", "Sun 19:00-25:00",
     "Sun 19:00-21:00 Mars/Base", "2026-13-01", "2026-12-26 - 2026-12-24", "2026-12-24 25:00",
     "Mon--Fri 1:00-2:00", "9999-12-31", "x" * 10_000],
)  # fmt: skip
def test_a_planned_event_that_cannot_be_read_is_told_how_to_write(written: str) -> None:
    with pytest.raises(ConfigurationError, match="write it as Sun 19:00-21:30 Europe/Paris"):
        read_quiet_event(written)
