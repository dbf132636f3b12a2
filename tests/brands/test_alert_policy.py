"""Quiet hours, campaigns and channels, as a brand's policy says."""

from datetime import UTC, datetime

import pytest

from brands.alert_policy import channels_of, is_muted, playbook_of, read_quiet_hours
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
