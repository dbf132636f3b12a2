"""Reads one value of a row: an id, a time, a count, a list. What it cannot read it never changes.

A value that a spreadsheet or a float has falsified is refused (:class:`NotAPost`), or left out and
counted in the :class:`Tally` where the post is worth keeping without it.
"""

import html
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from typing import Any, Final, get_args

from msgspec import Struct

from ingestors.coerce import MAX_LISTED
from ingestors.source import SourceError
from schemas.countries import country_code
from schemas.errors import TocsinError
from schemas.post import Metrics
from schemas.types import Format
from text.terminal import single_line

NAMED_TIMES: Final = ("rfc3339", "epoch_s", "epoch_ms")
MAX_NUMBER: Final = 64
"""Letters of a text that may be a count; a longer one is not read."""
MAX_TIME: Final = 100
"""Letters of a text that may be a time."""
MAX_ROUNDED: Final = 400
"""Letters of an id that may be a rounded number: no float has more."""
EXACT: Final = 2**53
"""Largest integer up to which a float holds every integer."""
_EXCEL_DIGITS: Final = 15
_LONG_ID: Final = 17
"""Digits of an id that is long enough to tell that it was rounded."""
_ABSENT: Final = frozenset(
    ("", "nan", "NaN", "NaT", "None", "none", "null", "NULL", "N/A", "#N/A", "\\N", "undefined")
)
_ROUNDED: Final = re.compile(r"[+-]?\d+(?:[.,]\d*)?[eE]\+\d+|[+-]?\d+[.,]\d+[eE]\d+")
_FORMULA: Final = re.compile(r'="([^"]*)"')
_WHOLE: Final = re.compile(r"(\d+)[.,]0+")
_GROUPED: Final = re.compile(r"\d{1,3}(?:[ ,.'’\u00a0\u202f]\d{3})+")
_SHORTENED: Final = re.compile(r"(\d+(?:[.,]\d+)?)[ \u00a0\u202f]?(k|m|md|b|bn)", re.IGNORECASE)
_DECIMAL: Final = re.compile(r"-?\d{1,9}(?:[.,]\d{1,9})?", re.ASCII)
_UNITS: Final = {"k": 1e3, "m": 1e6, "md": 1e9, "b": 1e9, "bn": 1e9}
_FORMATS: Final = frozenset(get_args(Format))
_ENTITY: Final = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z]{2,8});")
_ZONES: Final = {
    "UTC": "+0000", "GMT": "+0000", "Z": "+0000", "WET": "+0000", "WEST": "+0100",
    "CET": "+0100", "CEST": "+0200", "EET": "+0200", "EEST": "+0300", "MSK": "+0300",
    "EST": "-0500", "EDT": "-0400", "CDT": "-0500", "MST": "-0700", "MDT": "-0600",
    "PST": "-0800", "PDT": "-0700", "JST": "+0900", "KST": "+0900",
}  # fmt: skip
"""Names of zones that mean one offset; CST, IST and BST mean several."""
_ZONE_NAME: Final = re.compile(r"(?<![A-Za-z])[A-Z]{1,5}(?![A-Za-z])")


class NotAPost(TocsinError):
    """A line that is not a post; the message says what is missing or wrong."""


class Tally:
    """What was left out of the posts of a file: counts by field, each with its first value."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._first: dict[str, str] = {}

    def drop(self, field: str, value: object) -> None:
        """Count a value that could not be read; the post is kept without it."""
        self.counts[field] += 1
        if field not in self._first:
            self._first[field] = single_line(_shown(value), 40)

        from runtime import metrics  # An intact file needs none.

        metrics.INGEST_DROPPED_VALUES.labels(field).inc()

    def lines(self) -> Iterator[str]:
        for field, count in sorted(self.counts.items()):
            yield (
                f"{field} of {count} post{'s' * (count != 1)} could not be read and is left out "
                f"(first: {self._first[field]!r})"
            )


class CellOptions(Struct, frozen=True):
    """How a file writes its values."""

    times: tuple[str, ...] = ("rfc3339",)
    zone: tzinfo = UTC
    list_separator: str = ","


class Cell(Struct, frozen=True):
    """Where a value stands: the field that it fills, its column or path, and the file's ways."""

    field: str
    path: str
    options: CellOptions
    tally: Tally


def _shown(value: object) -> str:
    """The beginning of a value that strangers wrote, without writing all of it."""
    if isinstance(value, str):
        return value[:200]
    return str(value) if isinstance(value, bool | float | None) else f"a {type(value).__name__}"


def unescaped(text: str) -> str:
    """The text without HTML entities, such as ``&amp;``, in which X and others export."""
    return _ENTITY.sub(lambda entity: _letter(entity[0]), text) if "&" in text else text


@lru_cache(1_024)
def _letter(entity: str) -> str:
    return html.unescape(entity)


def is_absent(value: object) -> bool:
    if isinstance(value, float) and math.isnan(value):
        return True
    return value is None or (isinstance(value, str) and value.strip() in _ABSENT)


def text_of(value: object, *_: object) -> str | None:
    """A string or a number as text; None if it is absent, empty or nested."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, str | int | float) and value != "" else None


def value_of(value: object, *_: object) -> str | None:
    """Text that is no post's own: also None if the software wrote that there is none."""
    return None if is_absent(value) else text_of(value)


def native_id(value: object) -> str | None:
    """The id as the platform writes it; raises NotAPost if it was rounded."""
    if isinstance(value, str) and value.isalnum() and value not in _ABSENT:
        return value
    if is_absent(value) or isinstance(value, bool):
        return None
    if isinstance(value, float):
        if not value.is_integer() or abs(value) > EXACT:
            raise _rounded(value)
        return str(int(value))
    text = (text_of(value) or "").strip()
    if len(text) > MAX_ROUNDED:
        return text
    if formula := _FORMULA.fullmatch(text):
        text = formula[1]
    elif text[:1] == "'" and text[1:].isdigit():
        text = text[1:]
    if whole := _WHOLE.fullmatch(text):
        return whole[1]
    if _ROUNDED.fullmatch(text):
        raise _rounded(text)
    return text or None


def _rounded(value: object) -> NotAPost:
    return NotAPost(
        f"the id {value} was rounded by a spreadsheet or a float, so it is no longer the post's; "
        "export the ids as text"
    )


def refuse_rounded(ids: Iterable[str], column: str, where: str) -> None:
    """Refuse a file whose long ids all end in zeros, as Excel writes what has over 15 digits."""
    long = [text for text in ids if text.isdigit() and len(text) >= _LONG_ID]
    if len(long) > 1 and all(set(text[_EXCEL_DIGITS:]) == {"0"} for text in long):
        raise SourceError(
            f"the ids in `{column}` of {where} were rounded to {_EXCEL_DIGITS} digits, such as "
            f"{long[0]}; export them again, as text, and do not open the file in a spreadsheet"
        )


def _own_id(value: object, _: Cell) -> str | None:
    return native_id(value)


def _other_id(value: object, cell: Cell) -> str | None:
    try:
        return native_id(value)
    except NotAPost:
        cell.tally.drop(cell.field, value)
        return None


def count_of(value: object) -> int | None:
    """A count, also as ``12,345``, ``12 345``, ``1.2K`` or ``1,2 k``; None if it is none."""
    if isinstance(value, str):
        return _count_of_text(value.strip())
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        return None
    return int(value) if 0 <= value <= EXACT else None


def score_of(value: object) -> int | None:
    """A count that may be negative."""
    text = value.strip() if isinstance(value, str) else ""
    if text[:1] in ("-", "\N{MINUS SIGN}"):
        down = count_of(text[1:])
        return None if down is None else -down
    if isinstance(value, int | float) and value < 0:
        down = count_of(-value)
        return None if down is None else -down
    return count_of(value)


def mark_of(value: object) -> tuple[float, float | None] | None:
    """A mark and the best one, if it is told, as in ``8/10``; None if it is no mark."""
    if isinstance(value, str):
        mark, _, best = value.strip()[:MAX_NUMBER].partition("/")
        numbers = [_decimal(mark), _decimal(best) if best else None]
        return None if numbers[0] is None or (best and numbers[1] is None) else (
            numbers[0], numbers[1]
        )  # fmt: skip
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return (float(value), None) if abs(value) <= EXACT else None


def _decimal(text: str) -> float | None:
    found = _DECIMAL.fullmatch(text.strip())
    return float(text.strip().replace(",", ".")) if found else None


def _count_of_text(text: str) -> int | None:
    if len(text) > MAX_NUMBER:
        return None
    if _GROUPED.fullmatch(text):
        return count_of(int(re.sub(r"\D", "", text)))
    if short := _SHORTENED.fullmatch(text):
        return count_of(round(float(short[1].replace(",", ".")) * _UNITS[short[2].lower()]))
    try:
        return count_of(float(text))
    except ValueError:
        return None


def _count(value: object, cell: Cell) -> int | None:
    count = count_of(value)
    if count is None and not is_absent(value):
        cell.tally.drop(cell.field, value)
    return count


def _score(value: object, cell: Cell) -> int | None:
    score = score_of(value)
    if score is None and not is_absent(value):
        cell.tally.drop(cell.field, value)
    return score


def _mark(value: object, cell: Cell) -> str | float | None:
    """A mark as it is written: the scale of its row tells whether it is one."""
    if is_absent(value) or mark_of(value) is not None:
        return value if isinstance(value, str | int | float) and not is_absent(value) else None
    cell.tally.drop(cell.field, value)
    return None


def _format(value: object, cell: Cell) -> str | None:
    text = (value_of(value) or "")[:MAX_NUMBER].strip().lower()
    if text in _FORMATS:
        return text
    if text:
        cell.tally.drop(cell.field, value)
    return None


def _flag(value: object, _: Cell) -> bool | None:
    text = (text_of(value) or "")[:MAX_NUMBER].lower()
    yes, no = ("true", "1", "yes", "vrai", "oui"), ("false", "0", "no", "faux", "non")
    return True if text in yes else False if text in no else None


def _list(value: object, cell: Cell) -> list[str]:
    if not isinstance(value, list):
        text = value_of(value) or ""
        if text.startswith("[") and text.endswith("]"):  # a list as Python prints it
            text = text[1:-1]
            items: list[Any] = [item.strip(" '\"") for item in text.split(",", MAX_LISTED)]
        else:
            items = text.split(cell.options.list_separator, MAX_LISTED)
    else:
        items = value
    texts = ((text_of(item) or "").strip().lstrip("@#") for item in items[:MAX_LISTED])
    return [text for text in texts if text]


def _country(value: object, cell: Cell) -> str | None:
    text = value_of(value)
    code = country_code(text) if text else None
    if text and code is None:
        cell.tally.drop(cell.field, text)
    return code


def _time(value: object, cell: Cell) -> datetime | None:
    text = value_of(value)
    if text is None:
        return None
    for pattern in cell.options.times:
        when = time_of_text(text, pattern, cell.options.zone)
        if when is not None:
            return when
    raise NotAPost(
        f"{text[:40]!r} in `{cell.path}` has no format listed under times "
        f"({', '.join(cell.options.times)}); add its format there"
    )


def time_of_text(text: str, pattern: str, zone: tzinfo) -> datetime | None:
    """The time in UTC; ``zone`` is that of a text without one. None if it is not so written."""
    if len(text) > MAX_TIME:
        return None
    try:
        when = _parsed_time(text.strip(), pattern)
        return (when if when.tzinfo else when.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _parsed_time(text: str, pattern: str) -> datetime:
    if pattern == "rfc3339":
        if text.isdigit() and len(text) != len("20260131"):
            raise ValueError  # Python takes seconds since 1970 for a date of another century
        return datetime.fromisoformat(text)
    if pattern in NAMED_TIMES:
        number = float(text.replace(",", "."))
        return datetime.fromtimestamp(number / (1000 if pattern == "epoch_ms" else 1), UTC)
    if "%Z" in pattern:
        # Python knows the host's own zones by name, and calls their times naive.
        text = _ZONE_NAME.sub(lambda name: _ZONES.get(name[0], name[0]), text)
        pattern = pattern.replace("%Z", "%z")
    return datetime.strptime(text, pattern)  # noqa: DTZ007 - time_of_text gives it its zone


Converter = Callable[[object, Cell], object]
"""Converts a value of a row."""

FIELDS: Final[Mapping[str, Converter]] = {
    "id": _own_id,
    **dict.fromkeys(("text", "title"), text_of),
    **dict.fromkeys(("source", "url", "language", "place"), value_of),
    **dict.fromkeys(("about", "about_name", "author.url"), value_of),
    **dict.fromkeys(("community.name", "community.url"), value_of),
    **dict.fromkeys(("publisher.name", "publisher.domain"), value_of),
    **dict.fromkeys(("country", "publisher.country"), _country),
    **dict.fromkeys(
        ("reply_to", "repost_of", "quote_of", "thread", "author.id", "community.id"), _other_id
    ),
    "format": _format,
    **dict.fromkeys(("rating.value", "rating.best", "rating.worst"), _mark),
    **dict.fromkeys(("mentions", "hashtags", "links", "copied_from"), _list),
    **dict.fromkeys(("created_at", "edited_at", "deleted_at", "keep_until"), _time),
    **dict.fromkeys(("author.handle", "author.name"), value_of),
    **dict.fromkeys(("author.followers", "community.members"), _count),
    **dict.fromkeys(("author.verified", "author.bot"), _flag),
    "author.created_at": _time,
    **dict.fromkeys((f"metrics.{name}" for name in Metrics.__struct_fields__), _count),
    "metrics.score": _score,
}
"""Fields of a post, and of what it consists of, that a mapping can fill."""
