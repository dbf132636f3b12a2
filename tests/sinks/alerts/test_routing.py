"""Which channel gets which state."""

from datetime import timedelta
from functools import partial

import pytest

from schemas.alert import Alert
from schemas.delivery import AlertDelivery
from sinks.alerts.channels.base import Channel
from sinks.alerts.routing import addressed, decide, unknown
from tests import make
from tests.sinks.alerts.states import ID, NOW, state

CONFIGURED = {"desk", "slack", "ops"}
OLDEST = NOW - timedelta(hours=24)


class Plain(Channel):
    def deliver(self, alert: Alert, before: AlertDelivery | None) -> None:
        raise AssertionError("routing delivers nothing")


class Holding(Plain):
    holds = True


class Everything(Plain):
    takes_all = True


sent = partial(make.delivery, ID, at=NOW)


def decided(alert: Alert, before: AlertDelivery | None = None, kind: type[Plain] = Plain) -> str:
    return decide(alert, kind("desk"), before, CONFIGURED, OLDEST)


@pytest.mark.parametrize(
    ("alert", "before", "decision"),
    [
        (state(1), None, "deliver"),
        (state(2, "update"), sent(1), "deliver"),
        (state(2, "update"), None, "deliver"),
        (state(1), sent(1), "repeated"),
        (state(1), sent(2), "repeated"),
        (state(1, muted=True), None, "muted"),
        (state(2, "close", muted=True), sent(1), "muted"),
        (state(1, channels=["desk", "slack"]), None, "deliver"),
        (state(1, channels=["slack"]), None, "elsewhere"),
        (state(2, "update", channels=["slack"]), sent(1), "elsewhere"),
        (state(2, "close", channels=["slack"]), sent(1), "deliver"),
        (state(2, "close"), None, "never_opened"),
        (state(3, "close"), sent(2, "close"), "never_opened"),
        (state(1, raised_at=NOW - timedelta(hours=25)), None, "expired"),
        (state(2, "close", raised_at=NOW - timedelta(hours=25)), sent(1), "deliver"),
    ],
)
def test_a_state_goes_where_it_should(
    alert: Alert, before: AlertDelivery | None, decision: str
) -> None:
    assert decided(alert, before) == decision


def test_a_channel_that_holds_gets_every_close_and_old_states_and_the_index_everything() -> None:
    assert decided(state(2, "close", muted=True), sent(1), Holding) == "deliver"
    assert decided(state(1, muted=True), None, Holding) == "muted"
    assert decided(state(1, raised_at=NOW - timedelta(days=9)), None, Holding) == "deliver"
    for alert in (state(1, muted=True), state(1, channels=["slack"]), state(2, "close")):
        assert decided(alert, sent(9), Everything) == "deliver"


def test_unknown_names_do_not_hide_a_crisis() -> None:
    misspelt = state(1, channels=["dsek"])
    assert addressed(misspelt, CONFIGURED) == CONFIGURED
    assert unknown(misspelt, CONFIGURED) == ["dsek"]
    assert decided(misspelt) == "deliver"
    assert addressed(state(1, channels=["dsek", "ops"]), CONFIGURED) == {"ops"}
