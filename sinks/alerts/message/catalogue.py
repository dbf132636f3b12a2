"""The words and formats of each language, and how a reader wants to read.

A language is one file, ``locale/<language>.yaml``: every file has the same keys, and a key that is
not there is an error. Signals, units and other names that are not in the file stand for themselves.
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
    """One language; each ``{}`` of a text is filled in, in order."""

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
        """The text of ``key`` with its values."""
        return self.texts[key].format(*values)

    def labelled(self, label: str, value: str) -> str:
        """``Severity: 4 of 5``."""
        return self.text("labelled", label, value)

    def quoted(self, text: str) -> str:
        """What the public said, between quotation marks."""
        return self.text("quoted", text)

    def number(self, value: float, digits: int = 1) -> str:
        """At most ``digits`` after the point, as the language writes it: ``1,234.5``."""
        text = f"{value:,.{digits}f}"
        if "." in text:
            text = text.rstrip("0").rstrip(".")
        text = "0" if text == "-0" else text.replace("-", "−")
        return text.translate({ord(","): self.thousands, ord("."): self.decimal})

    def rounded(self, value: float) -> str:
        """Small numbers with two digits, large ones with one or none."""
        size = abs(value)
        return self.number(value, 2 if size < 10 else 1 if size < 1_000 else 0)

    def signed(self, value: float) -> str:
        """A change: ``+59`` or ``−0.52``."""
        text = self.rounded(value)
        return text if text.startswith("−") or text == "0" else f"+{text}"

    def percent(self, share: float) -> str:
        """A share as a percentage; below ten with one digit, so that 0.4 % is not none."""
        digits = 1 if 0 < abs(share) < 0.1 else 0
        return self.percent_sign.format(self.number(share * 100, digits))

    def counted(self, noun: Noun, count: int) -> str:
        """A number and its noun: ``1 author``, ``0 authors``; in French ``0 auteur``."""
        singular, plural = self.nouns[noun]
        return (singular if count in self.singular else plural).format(self.number(count))


@cache
def locale_of(language: Language) -> Locale:
    """The locale of one of :data:`LANGUAGES`."""
    return msgspec.yaml.decode(_FILES[language].read_bytes(), type=Locale)


@dataclass(frozen=True, slots=True)
class Style:
    """How the desk wants to read."""

    language: Language = "en"
    time_zone: str = "UTC"

    @property
    def locale(self) -> Locale:
        """The words and formats."""
        return locale_of(self.language)

    def when(self, at: datetime) -> str:
        """A time in the desk's zone, to the minute."""
        return at.astimezone(ZoneInfo(self.time_zone)).strftime(self.locale.time)
