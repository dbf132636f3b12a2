"""Quiet hours as people write them: ``22:00-07:00 Europe/Paris``."""

import re
from datetime import datetime, time
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from runtime.errors import ConfigurationError

_WRITTEN: Final = re.compile(r"(\d{1,2}):(\d{2})-(\d{1,2}):(\d{2})(?: +(\S+))?")


class QuietHours(NamedTuple):
    """From a time of day to another one, past midnight if that is earlier."""

    first: time
    end: time
    zone: ZoneInfo

    def hold(self, at: datetime) -> bool:
        """Whether ``at`` is within them."""
        now = at.astimezone(self.zone).time()
        if self.first <= self.end:
            return self.first <= now < self.end
        return now >= self.first or now < self.end


def read_quiet_hours(written: str) -> QuietHours:
    """Read them; UTC where no zone is named. Raises ConfigurationError."""
    found = _WRITTEN.fullmatch(written.strip())
    try:
        if found is None:
            raise ValueError
        first, end = time(int(found[1]), int(found[2])), time(int(found[3]), int(found[4]))
        return QuietHours(first, end, ZoneInfo(found[5] or "UTC"))
    except (ValueError, ZoneInfoNotFoundError):
        raise ConfigurationError(
            f"quiet_hours is {written!r}; write it as 22:00-07:00 Europe/Paris"
        ) from None
