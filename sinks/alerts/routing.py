"""Who is told of which state. Pure.

==============  ====================================================================
decision        when
==============  ====================================================================
deliver         none of the others
repeated        the channel was told of this state or a later one
muted           quiet hours or a campaign: kept in the index, and nobody is woken
elsewhere       the brand's policy names other channels
never_opened    close of an alert that this channel never received
expired         it is too old to wake anybody: the channel is new, or was away for long
==============  ====================================================================

A channel that was told of an alert is told of its close as well, whatever the policy says of the
severity that is left.
"""

from collections.abc import Set
from datetime import datetime, timedelta
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
    """What becomes of ``alert`` in ``channel``; ``configured`` names all channels there are."""
    if channel.takes_all:
        return "deliver"
    if before is not None and alert.version <= before.version:
        return "repeated"
    open_here = before is not None and before.status != "close"
    ends = alert.status == "close" and open_here
    if alert.muted:
        # A muted close wakes nobody in a store of alerts; without it, the alert would never end.
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
    """The channels that the alert is for. Never none: a misspelt name must not hide a crisis."""
    named = configured & set(alert.channels)
    return named or configured


def unknown(alert: Alert, configured: Set[str]) -> list[str]:
    """Channels that the policy names and that are not there."""
    return sorted(set(alert.channels) - configured)


def oldest_of(now: datetime, expire_hours: float) -> datetime:
    """States raised before that are not told any more."""
    return now - timedelta(hours=expire_hours)
