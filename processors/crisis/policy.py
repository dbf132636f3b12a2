"""Whom an alert wakes: quiet hours, muted campaigns, channels by severity (``Brand.alerts``)."""

from datetime import datetime
from typing import Final

from runtime.quiet_hours import read_quiet_hours
from schemas.brand import AlertPolicy

WAKES: Final = 4
"""Severity that wakes in quiet hours."""


def is_muted(policy: AlertPolicy, severity: int, at: datetime) -> bool:
    """Whether nobody is woken at that time; the alert is kept all the same."""
    if policy.mute_until is not None and at < policy.mute_until:
        return True
    if policy.quiet_hours is None or severity >= WAKES:
        return False
    return read_quiet_hours(policy.quiet_hours).hold(at)


def channels_of(policy: AlertPolicy, severity: int) -> list[str]:
    """Where the policy sends this severity: what it says of it, or of the next lower one."""
    known = {int(key): names for key, names in policy.channels.items() if key.isdecimal()}
    lower = [key for key in known if key <= severity]
    return list(known[max(lower)]) if lower else []
