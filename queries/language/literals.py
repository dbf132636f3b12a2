"""Parses field values: text, numbers, times, ranges."""

import re
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from queries.language.ast import Bound, Range, Span, Value
from queries.language.errors import QueryError, shorten
from queries.language.fields import FieldType, Holds, checked_value
from queries.language.terms import LEADING_LETTERS, letters_of

_BARE = re.compile(r"[^\s()（）\"“”„＂«»「」{}\[\]<>|]+")
_BOUNDS = re.compile(r"\s*(\S+)\s+TO\s+(\S+)\s*")
_COMPARISON = re.compile(r"(>=|<=|>|<|=|)\s*([^\s()\[\]{}\"<>]*)")
_NUMBER = re.compile(r"-?[0-9]{1,15}")
_SHORT_NUMBER = re.compile(r"([0-9]{1,6}(?:[.,][0-9]{1,3})?)([kKmM])\+?")
_TIMES = {"k": 1_000, "m": 1_000_000}
_GROUPED = re.compile(r"[0-9]{1,3}(?:[,._'][0-9]{3}){1,4}\+?|[0-9]{1,15}\+")
_SPAN = re.compile(r"([0-9]{1,15})[-–]([0-9]{1,15})")
_STARS = re.compile(r"([1-5])(?:/5|\s?(?:stars?|étoiles?|sterne?|estrellas?|stelle|★|\*))")
_DAY = re.compile(r"([0-9]{1,2})[/.-]([0-9]{1,2})[/.-]([0-9]{4})")
_MARK = re.compile(r"[0-9](?:\.[0-9]{1,2})?")
_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"(?:T[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,3})?)?(?:Z|[+-][0-9]{2}:[0-9]{2})?)?"
)
_MILLISECOND = timedelta(milliseconds=1)
"""The index stores times to the millisecond."""

_HUNDREDTH = Decimal("0.01")
"""The index stores marks to the hundredth."""
WORST_MARK, BEST_MARK = Decimal(1), Decimal(5)

_Bound = tuple[int, int] | tuple[Decimal, Decimal] | tuple[datetime, datetime]
"""The first and last number, mark or instant of a bound: a date covers its whole day."""


def bare_end(text: str, start: int) -> int:
    """The end of an unquoted value."""
    value = _BARE.match(text, start)
    return value.end() if value else start


def read_value(field: FieldType, raw: str, start: int, *, quoted: bool) -> Value:
    """One value; in quotes, ``*`` and ``?`` are plain letters."""
    end = start + len(raw) + (2 if quoted else 0)
    wildcard = not quoted and ("*" in raw or "?" in raw)
    if not quoted and re.search(r"[,;]", raw):
        hint = f"write {field.name}:(… OR …), or quotes around a value with a comma"
        raise QueryError(f"'{shorten(raw)}' has a comma", start, end, hint)
    value = checked_value(field, raw, start, end)
    if wildcard:
        stem = re.split(r"[*?]", value, maxsplit=1)[0]
        if not field.wildcards:
            message, hint = f"'{field.name}:' takes no wildcard", "write the whole value"
            domain = re.fullmatch(r"\*\.?([^*?]+)", value)
            if field.name == "site" and domain:
                hint = f"write site:{domain[1]}, which every host in it has"
            raise QueryError(message, start, end, hint)
        if letters_of(stem) < LEADING_LETTERS:
            message = f"a wildcard needs at least {LEADING_LETTERS} letters before it"
            raise QueryError(message, start, end, "write the start of the value, such as oran*")
    return Value(value, wildcard, span=(start, end))


def read_range(field: FieldType, text: str, name_start: int, start: int) -> tuple[Range, int]:
    """The range after the colon, and its end."""
    if text.startswith("[", start):
        end = text.find("]", start) + 1
        if not end:
            raise QueryError("this bracket is never closed", start, start + 1, _example(field))
        bounds = _BOUNDS.fullmatch(text, start + 1, end - 1)
        if not bounds:
            ends = re.split(r"\s*(?:,|;|\bto\b|\.\.)\s*", text[start + 1 : end - 1].strip())
            hint = _example(field)
            if len(ends) == 2 and all(ends) and not any(" " in each for each in ends):
                hint = f"did you mean {field.name}:[{shorten(ends[0])} TO {shorten(ends[1])}]?"
            raise QueryError("this is not a range", start, end, hint)
        low, high = (
            None if bounds[group] == "*" else _bound(field, bounds[group], *bounds.span(group))
            for group in (1, 2)
        )
        if low is None and high is None:
            raise QueryError("a range needs a bound", start, end, _example(field))
        return _range(field, low and low[0], high and high[1], (name_start, end)), end
    comparison = _COMPARISON.match(text, start)
    if comparison is None or not comparison[2]:
        message = f"'{field.name}:' needs a range after it"
        quoted = text[start : start + 1] in ('"', "“", "„", "＂", "«")
        hint = "leave the quotation marks out: " if quoted else ""
        raise QueryError(message, name_start, start, hint + _example(field))
    if not comparison[1] and ".." in comparison[2]:
        return _between(field, comparison, name_start), comparison.end()
    return _compared(field, comparison, name_start), comparison.end()


def _compared(field: FieldType, comparison: re.Match[str], name_start: int) -> Range:
    sign, bound = comparison[1], comparison.span(2)
    first, last = _bound(field, comparison[2], *bound)
    try:
        low = _step(last, 1) if sign == ">" else None if sign.startswith("<") else first
        high = _step(first, -1) if sign == "<" else None if sign.startswith(">") else last
    except OverflowError:
        raise QueryError("this is the last time there is", *bound, _example(field)) from None
    least, most = _ends(field)
    if isinstance(high, int | Decimal) and least is not None and high < least:
        raise QueryError(f"nothing is below {least}", *comparison.span(), _example(field))
    if isinstance(low, Decimal) and most is not None and low > most:
        raise QueryError(f"nothing is above {most}", *comparison.span(), _example(field))
    return _range(field, low, high, (name_start, comparison.end()))


def _ends(field: FieldType) -> tuple[int | Decimal | None, Decimal | None]:
    """The smallest and the largest value that there is."""
    return (WORST_MARK, BEST_MARK) if field.holds is Holds.MARK else (field.least, None)


def _between(field: FieldType, comparison: re.Match[str], name_start: int) -> Range:
    """``10..20``, where either end may be ``*``."""
    at, written = comparison.start(2), comparison[2]
    first, _, last = written.partition("..")
    ends = first, last
    places = (at, at + len(first)), (at + len(written) - len(last), at + len(written))
    if not (first and last) or ends == ("*", "*"):
        hint = _example(field)
        if (first or last) and "*" not in ends:
            hint = f"did you mean {field.name}:{f'>={first}' if first else f'<={last}'}?"
        raise QueryError("a range needs a bound", *comparison.span(2), hint)
    low, high = (
        None if end == "*" else _bound(field, end, *place)
        for end, place in zip(ends, places, strict=True)
    )
    return _range(field, low and low[0], high and high[1], (name_start, comparison.end()))


def _step(value: Bound, by: int) -> Bound:
    match value:
        case int():
            return value + by
        case Decimal():
            return value + by * _HUNDREDTH
        case _:
            return value + by * _MILLISECOND


def _range(field: FieldType, low: Bound | None, high: Bound | None, span: Span) -> Range:
    if low is not None and high is not None and low > high:  # type: ignore[operator]
        bounds = f"[{bound_text(high, day_end=False)} TO {bound_text(low, day_end=True)}]"
        hint = f"write the lower bound first: {field.name}:{bounds}"
        raise QueryError("the range is reversed and holds nothing", *span, hint)
    return Range(field.name, low, high, span=span)


def _bound(field: FieldType, written: str, start: int, end: int) -> _Bound:
    kind = "date or time"
    match field.holds:
        case Holds.NUMBER:
            kind = "number"
            if _NUMBER.fullmatch(written):
                number = int(written)
                if field.least is None or number >= field.least:
                    return number, number
        case Holds.MARK:
            kind = f"mark from {WORST_MARK} to {BEST_MARK}, whatever the platform's scale"
            if _MARK.fullmatch(written) and WORST_MARK <= (mark := Decimal(written)) <= BEST_MARK:
                return mark, mark
        case _:
            if instants := _instants(written):
                return instants
    meant = _meant(field, written)
    hint = (
        f"did you mean {field.name}:{meant}? Else {_example(field)}" if meant else _example(field)
    )
    raise QueryError(f"'{shorten(written)}' is not a {kind}", start, end, hint)


def _meant(field: FieldType, written: str) -> str | None:
    """The number, mark or date of another form: 10k, 1,000, 100+, ★★★, 31/03/2026."""
    if field.holds is Holds.MARK:
        stars = written.count("★") + written.count("⭐")
        mark = _STARS.fullmatch(written)
        return mark[1] if mark else str(stars) if 0 < stars <= BEST_MARK else None
    if field.holds is Holds.NUMBER:
        more = ">=" if written.endswith("+") else ""
        if short := _SHORT_NUMBER.fullmatch(written):
            value = Decimal(short[1].replace(",", ".")) * _TIMES[short[2].lower()]
            return f"{more}{value.normalize():f}"
        if _GROUPED.fullmatch(written):
            return more + re.sub(r"\D", "", written)
        if span := _SPAN.fullmatch(written):
            return f"{span[1]}..{span[2]}"
    elif field.holds is Holds.TIME and (day := _DAY.fullmatch(written)):
        first, second, year = int(day[1]), int(day[2]), int(day[3])
        # The month cannot be told where both fit; most of the world writes the day first.
        months = (second, first) if second <= 12 else (first, second)
        try:
            return date(year, *months).isoformat()
        except ValueError:
            return None
    return None


def _instants(written: str) -> tuple[datetime, datetime] | None:
    if not _TIME.fullmatch(written):
        return None
    try:
        first = datetime.fromisoformat(written)
        first = first.replace(tzinfo=UTC) if first.tzinfo is None else first.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return first, (_day_end(first) if "T" not in written else first)


def _day_end(day: datetime) -> datetime:
    return datetime.combine(day.date(), time(23, 59, 59, 999_000, UTC))


def _example(field: FieldType) -> str:
    name = field.name
    if field.holds is Holds.MARK:
        return f"write {name}:[4 TO 5], {name}:1..2, {name}:>=4, {name}:<3 or {name}:3.5"
    if field.holds is Holds.NUMBER:
        return f"write {name}:[500 TO 100000], {name}:[500 TO *], {name}:>500 or {name}:500"
    return (
        f"write {name}:[2026-03-01 TO 2026-03-31], {name}:>2026-03-01 or "
        f"{name}:[2026-03-01T12:00Z TO *]; no time is relative to now"
    )


def bound_text(bound: Bound | None, *, day_end: bool) -> str:
    """A bound as text; ``day_end``: an upper bound, where a date means its last instant."""
    if bound is None:
        return "*"
    if isinstance(bound, int):
        return str(bound)
    if isinstance(bound, Decimal):
        return f"{bound.normalize():f}"
    day = bound.replace(hour=0, minute=0, second=0, microsecond=0)
    if bound == (_day_end(day) if day_end else day):
        return bound.date().isoformat()
    return bound.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
