"""Decides which channel gets which state of an alert. Pure.

==============  ====================================================================
decision        when
==============  ====================================================================
deliver         no other applies
repeated        the channel has this state or a later one
muted           quiet hours or a campaign: the index alone stores it
elsewhere       the brand's policy names other channels
never_opened    close of an alert that this channel never received
expired         the state is too old: the channel is new or was away for long
==============  ====================================================================

A channel that has an alert also gets its close, whatever the policy says of the last severity.
"""

from collections.abc import Set
from datetime import datetime
from typing import Literal

from schemas.alert import Alert
from schemas.delivery import AlertDelivery
from sinks.alerts.channels.base import Channel

Decision = Literal["deliver", "repeated", "muted", "elsewhere", "never_opened", "expired"]


def decide(
    alert: Alert,
    channel: Channel,
    before: AlertDelivery | None,
    configured: Set[str],
    oldest: datetime,
) -> Decision:
    """``before``: the last delivery; ``configured``: all names; ``oldest``: older states expire."""
    if channel.takes_all:
        return "deliver"
    if before is not None and alert.version <= before.version:
        return "repeated"
    open_here = before is not None and before.status != "close"
    ends = alert.status == "close" and open_here
    if alert.muted:
        # Without the close, a channel that holds alerts would keep it for ever.
        return "deliver" if ends and channel.holds else "muted"
    if ends:
        return "deliver"
    if alert.status == "close":
        return "never_opened"
    if channel.name not in addressed(alert, configured):
        return "elsewhere"
    if alert.raised_at < oldest and not channel.holds:
        return "expired"
    return "deliver"


def addressed(alert: Alert, configured: Set[str]) -> Set[str]:
    """Its channels, or all if none is configured: a misspelt name must not hide a crisis."""
    return configured & set(alert.channels) or configured


def unknown(alert: Alert, configured: Set[str]) -> list[str]:
    """Channels that the policy names but nothing configures."""
    return sorted(set(alert.channels) - configured)
