"""The alert policy of a brand: quiet hours and events, muted campaigns, channels by severity."""

import re
from datetime import datetime, time, timedelta
from functools import lru_cache
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


_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WEEKLY: Final = re.compile(r"([A-Za-z][A-Za-z, -]*?) +(\d{1,2}:\d{2}-\d{1,2}:\d{2}(?: +\S+)?)")
_DATES: Final = re.compile(
    r"(\d{4}-\d{2}-\d{2})(?: (\d{1,2}:\d{2}))?(?: +- +(\d{4}-\d{2}-\d{2})(?: (\d{1,2}:\d{2}))?)?"
    r"(?: +([A-Za-z]\S*))?"
)


class QuietEvent(NamedTuple):
    """Hours of some days of the week, or a stretch of time."""

    days: frozenset[int] = frozenset()
    """0 is Monday; an event past midnight belongs to the day on which it begins."""
    hours: QuietHours | None = None
    first: datetime | None = None
    end: datetime | None = None

    def hold(self, at: datetime) -> bool:
        if self.hours is None:
            return self.first is not None and self.end is not None and self.first <= at < self.end
        if not self.hours.hold(at):
            return False
        local = at.astimezone(self.hours.zone)
        is_next_day = self.hours.first > self.hours.end and local.time() < self.hours.end
        return (local.weekday() - is_next_day) % 7 in self.days


def is_declared(policy: AlertPolicy, at: datetime, minutes: int) -> bool:
    """Whether the ``minutes`` before ``at`` begin or end in an event that the policy declares."""
    moments = at, at - timedelta(minutes=minutes)
    return any(
        event.hold(moment)
        for event in map(read_quiet_event, policy.quiet_events)
        for moment in moments
    )


@lru_cache(maxsize=1024)
def read_quiet_event(written: str) -> QuietEvent:
    """Parse ``Sun 19:00-21:30 Europe/Paris``, ``daily 12:00-13:00`` or
    ``2026-12-24 18:00 - 2026-12-26 Europe/Paris``, of which the last day is included.

    UTC without a zone. Raises ConfigurationError.
    """
    try:
        if weekly := _WEEKLY.fullmatch(written.strip()):
            return QuietEvent(_weekdays(weekly[1]), read_quiet_hours(weekly[2]))
        if dates := _DATES.fullmatch(written.strip()):
            return _stretch(*dates.groups())
    except (ValueError, OverflowError, ZoneInfoNotFoundError, ConfigurationError):
        pass
    raise ConfigurationError(
        f"quiet_events has {written!r}; write it as Sun 19:00-21:30 Europe/Paris, "
        "Mon-Fri 12:00-13:00, daily 12:00-13:00, or 2026-12-24 18:00 - 2026-12-26 Europe/Paris"
    )


def _weekdays(written: str) -> frozenset[int]:
    if written.lower() in ("daily", "every day"):
        return frozenset(range(7))
    days = set[int]()
    for part in written.lower().replace(" ", "").split(","):
        first, _, last = part.partition("-")
        one = _weekday(first)
        days.update((one + more) % 7 for more in range((_weekday(last or first) - one) % 7 + 1))
    return frozenset(days)


def _weekday(written: str) -> int:
    """Of a name of at least three letters; raises ValueError."""
    full = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    if not any(len(written) >= 3 and name.startswith(written) for name in full):
        raise ValueError
    return _DAYS.index(written[:3])


def _stretch(
    first: str, from_: str | None, last: str | None, until: str | None, zone: str | None
) -> QuietEvent:
    where = ZoneInfo(zone or "UTC")
    begins = datetime.fromisoformat(f"{first} {(from_ or '00:00'):0>5}").replace(tzinfo=where)
    day = datetime.fromisoformat(f"{last or first} {(until or '00:00'):0>5}").replace(tzinfo=where)
    ends = day if until else day + timedelta(days=1)
    if ends <= begins:
        raise ValueError
    return QuietEvent(first=begins, end=ends)
