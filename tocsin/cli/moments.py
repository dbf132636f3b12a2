"""Days and times that people write as options."""

from datetime import UTC, date, datetime, time

from schemas.errors import ConfigurationError


def moment(written: str | None, option: str) -> datetime | None:
    """A day (its beginning) or a time; the default zone is UTC. ``option``: such as ``--from``."""
    if written is None:
        return None
    try:
        if len(written) == len("2026-01-02"):
            return datetime.combine(date.fromisoformat(written), time(), UTC)
        at = datetime.fromisoformat(written)
    except ValueError:
        raise ConfigurationError(
            f"{option} is {written!r}; it must be a day or a time, such as 2026-03-02T12:00Z"
        ) from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
