"""The words of the pages in French and English, and how times and numbers are written.

``vocabulary.yaml`` has each text once, in every language; a template has none.
"""

import importlib.resources
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Final, Literal, get_args
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from sinks.alerts.message.catalogue import Locale, locale_of

Language = Literal["en", "fr"]
LANGUAGES: Final[tuple[str, ...]] = get_args(Language)
MAX_ACCEPTED: Final = 10
"""Languages of a browser that are looked at."""


class _Text(Struct, forbid_unknown_fields=True):
    en: str
    fr: str


@cache
def texts(language: Language) -> Mapping[str, str]:
    file = importlib.resources.files("tower.pages") / "vocabulary.yaml"
    table = msgspec.yaml.decode(file.read_bytes(), type=dict[str, _Text])
    return {key: getattr(text, language) for key, text in table.items()}


def accepted(header: str) -> Language:
    """The first language of ``Accept-Language`` that the pages have; English if none is."""
    wanted: list[tuple[float, str]] = []
    for part in header.split(",")[:MAX_ACCEPTED]:
        name, _, quality = part.partition(";")
        try:
            weight = float(quality.partition("=")[2] or 1)
        except ValueError:
            weight = 0.0
        wanted.append((-weight, name.strip().lower()[:2]))
    for _, name in sorted(wanted, key=lambda pair: pair[0]):
        if name == "fr":
            return "fr"
        if name == "en":
            return "en"
    return "en"


@dataclass(frozen=True)
class Words:
    """The texts and formats of one language and time zone."""

    language: Language
    time_zone: str = "UTC"

    def __call__(self, key: str, *values: object) -> str:
        text = texts(self.language)[key]
        return text.format(*values) if values else text

    def label(self, group: str, value: object) -> str:
        """The name of a closed value, such as a tone; the value itself if it has none."""
        return texts(self.language).get(f"{group}.{value}", str(value))

    @property
    def locale(self) -> Locale:
        return locale_of(self.language)

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    def number(self, value: float, digits: int = 0) -> str:
        return self.locale.number(value, digits)

    def short(self, value: float) -> str:
        """``12,3 k`` from ten thousand on, ``1,2 M`` from a million on."""
        for size, unit in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
            if abs(value) >= size:
                return f"{self.number(value / (1e3 if unit == 'k' else size), 1)}\u202f{unit}"
        return self.number(value)

    def percent(self, share: float) -> str:
        return self.locale.percent(share)

    def change(self, now: float, before: float) -> str:
        """``+12 %`` against before."""
        share = now / before - 1
        text = self.percent(abs(share))
        return f"+{text}" if share > 0 else f"\u2212{text}" if share < 0 else text

    def local(self, at: datetime) -> datetime:
        """In the reader's zone; a time at the edge of the calendar stays as it is."""
        try:
            return at.astimezone(self.zone)
        except OverflowError:
            return at

    def clock(self, at: datetime) -> str:
        return f"{self.local(at):%H:%M:%S}"

    def minute(self, at: datetime) -> str:
        return f"{self.local(at):%H:%M}"

    def day(self, at: datetime) -> str:
        local = self.local(at)
        return f"{local:%d/%m/%Y}" if self.language == "fr" else f"{local:%d %b %Y}"

    def when(self, at: datetime) -> str:
        """Day and minute, with the zone."""
        local = self.local(at)
        return f"{self.day(at)} {local:%H:%M} {local:%Z}"

    def age(self, seconds: float) -> str:
        """``4 s``, ``12 min``, ``3 h``, ``2 d``."""
        for size, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
            if seconds >= 2 * size:
                return self(f"age.{unit}", self.number(seconds // size))
        return self("age.second", self.number(max(0, seconds) // 1))

    def length(self, span: timedelta) -> str:
        return self.age(span.total_seconds())
