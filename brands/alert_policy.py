"""The alert policy of a brand: quiet hours, muted campaigns, channels by severity."""

import re
from datetime import datetime, time
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from schemas.brand import AlertPolicy
from schemas.errors import ConfigurationError

WAKES: Final = 4
"""Minimum severity that is sent in quiet hours."""


def is_muted(policy: AlertPolicy, severity: int, at: datetime) -> bool:
    """Whether an alert is stored without being sent."""
    if policy.mute_until is not None and at < policy.mute_until:
        return True
    if policy.quiet_hours is None or severity >= WAKES:
        return False
    return read_quiet_hours(policy.quiet_hours).hold(at)


def channels_of(policy: AlertPolicy, severity: int) -> list[str]:
    """The channels of this severity, or of the next lower one with channels."""
    by_severity = {int(key): names for key, names in policy.channels.items() if key.isdecimal()}
    lower = [key for key in by_severity if key <= severity]
    return list(by_severity[max(lower)]) if lower else []


_WRITTEN: Final = re.compile(r"(\d{1,2}):(\d{2})-(\d{1,2}):(\d{2})(?: +(\S+))?")


class QuietHours(NamedTuple):
    """From one time of day to another, past midnight if ``end`` is earlier."""

    first: time
    end: time
    zone: ZoneInfo

    def hold(self, at: datetime) -> bool:
        now = at.astimezone(self.zone).time()
        if self.first <= self.end:
            return self.first <= now < self.end
        return now >= self.first or now < self.end


def read_quiet_hours(written: str) -> QuietHours:
    """Parse ``22:00-07:00 Europe/Paris``; UTC without a zone. Raises ConfigurationError."""
    match = _WRITTEN.fullmatch(written.strip())
    try:
        if match is None:
            raise ValueError
        first, end = time(int(match[1]), int(match[2])), time(int(match[3]), int(match[4]))
        return QuietHours(first, end, ZoneInfo(match[5] or "UTC"))
    except (ValueError, ZoneInfoNotFoundError):
        raise ConfigurationError(
            f"quiet_hours is {written!r}; write it as 22:00-07:00 Europe/Paris"
        ) from None


def playbook_of(policy: AlertPolicy, severity: int) -> str | None:
    """What the desk does at this severity, or at the next lower one with a text."""
    by_severity = {int(key): text for key, text in policy.playbook.items() if key.isdecimal()}
    known = [level for level in by_severity if level <= severity]
    return by_severity[max(known)] if known else None
