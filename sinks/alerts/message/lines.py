"""What lines about an alert are made of: the reader's style, safe text, times, quotation marks."""

from dataclasses import dataclass
from datetime import datetime, tzinfo
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from sinks.alerts.message.words import Language, word

MAX_TITLE = 200
_MAX_URL = 1_000


@dataclass(frozen=True, slots=True)
class Style:
    """How the desk wants to read."""

    language: Language = "en"
    time_zone: str = "UTC"

    @property
    def zone(self) -> tzinfo:
        """The zone that times are told in."""
        return ZoneInfo(self.time_zone)


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a line; ``url`` is http or https, and percent-encoded where it must be."""

    text: str
    url: str | None = None


Line = tuple[Span, ...]


def when(at: datetime, style: Style) -> str:
    """A time in the desk's zone, to the minute."""
    there = at.astimezone(style.zone)
    shape = "%d/%m/%Y %H:%M %Z" if style.language == "fr" else "%Y-%m-%d %H:%M %Z"
    return there.strftime(shape)


def fact(key: str, value: str, language: Language) -> Line:
    """``Severity: 4 of 5``."""
    return (Span(f"{word(key, language)}{word('colon', language)}{value}"),)


def quoted(text: str, language: Language) -> str:
    """What the public said, between quotation marks."""
    return word("open_quote", language) + text + word("close_quote", language)


def link(url: str | None) -> str | None:
    """The address if a person may safely click it: http or https, no user in it, all ASCII.

    A user in an address serves to look like another host.
    """
    if url is None or len(url) > _MAX_URL or not url.isascii() or not url.isprintable():
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        return None
    for character in "<>|\"'` \\()":
        url = url.replace(character, f"%{ord(character):02X}")
    return url
