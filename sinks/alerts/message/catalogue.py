"""The words and formats of each language.

A language is one file, ``locale/<language>.yaml``. All files have the same keys. A signal or unit
without a word keeps its name.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Literal
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from schemas.alert import AlertKind, Authenticity, Role, Status
from sinks.alerts.triage import Did
from text.alert_title import Noun, TitleWords

_FOLDER = files(__package__) / "locale"
_FILES = {path.name.removesuffix(".yaml"): path for path in _FOLDER.iterdir()}
LANGUAGES = tuple(sorted(_FILES))
if TYPE_CHECKING:
    Language = str
else:
    Language = Literal[LANGUAGES]


class Locale(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One language; the ``{}`` of a text are filled in order."""

    time: str
    thousands: str
    decimal: str
    percent_sign: str = msgspec.field(name="percent")
    singular: frozenset[int]
    """The counts that take the first form of a noun."""
    title: TitleWords
    nouns: dict[Noun, tuple[str, str]]
    statuses: dict[Status, str]
    kinds: dict[AlertKind, str]
    authenticity: dict[Authenticity, str]
    roles: dict[Role, str]
    signals: dict[str, str]
    units: dict[str, str]
    actions: dict[Did, str]
    texts: dict[str, str]

    def text(self, key: str, *values: object) -> str:
        return self.texts[key].format(*values)

    def labelled(self, label: str, value: str) -> str:
        """``Severity: 4 of 5``."""
        return self.text("labelled", label, value)

    def quoted(self, text: str) -> str:
        return self.text("quoted", text)

    def number(self, value: float, digits: int = 1) -> str:
        """With at most ``digits`` decimals: ``1,234.5``."""
        text = f"{value:,.{digits}f}"
        if "." in text:
            text = text.rstrip("0").rstrip(".")
        text = "0" if text == "-0" else text.replace("-", "−")
        return text.translate({ord(","): self.thousands, ord("."): self.decimal})

    def rounded(self, value: float) -> str:
        """Small numbers with two decimals, large ones with one or none."""
        size = abs(value)
        return self.number(value, 2 if size < 10 else 1 if size < 1_000 else 0)

    def signed(self, value: float) -> str:
        """A change: ``+59`` or ``−0.52``."""
        text = self.rounded(value)
        return text if text.startswith("−") or text == "0" else f"+{text}"

    def percent(self, share: float) -> str:
        """A share as a percentage; below 10 % with one decimal, or 0.4 % would be 0 %."""
        digits = 1 if 0 < abs(share) < 0.1 else 0
        return self.percent_sign.format(self.number(share * 100, digits))

    def counted(self, noun: Noun, count: int) -> str:
        """``1 author``, ``0 authors``; in French ``0 auteur``."""
        singular, plural = self.nouns[noun]
        return (singular if count in self.singular else plural).format(self.number(count))


@cache
def locale_of(language: Language) -> Locale:
    return msgspec.yaml.decode(_FILES[language].read_bytes(), type=Locale)


@dataclass(frozen=True, slots=True)
class Style:
    """The language and time zone of a reader; None: the zone of this machine."""

    language: Language = "en"
    time_zone: str | None = "UTC"

    @property
    def locale(self) -> Locale:
        return locale_of(self.language)

    def when(self, at: datetime) -> str:
        """A time in the time zone, to the minute."""
        zone = None if self.time_zone is None else ZoneInfo(self.time_zone)
        return at.astimezone(zone).strftime(self.locale.time)
