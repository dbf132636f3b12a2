"""Reads what stands behind the colon of a field that holds no text: values, numbers, times."""

import re
from datetime import UTC, datetime, time, timedelta

from queries.language.ast import Range, Value
from queries.language.errors import QueryError, shorten
from queries.language.fields import FieldType, Holds, checked_value
from queries.language.terms import LEADING_LETTERS
from text.tokens import folded_form

_BARE = re.compile(r"[^\s()\"“”„{}\[\]<>|]+")
_BOUNDS = re.compile(r"\s*(\S+)\s+TO\s+(\S+)\s*")
_COMPARISON = re.compile(r"(>=|<=|>|<|=|)\s*([^\s()\[\]{}\"<>]*)")
_NUMBER = re.compile(r"[0-9]{1,15}")
_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"(?:T[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,3})?)?(?:Z|[+-][0-9]{2}:[0-9]{2})?)?"
)
_MILLISECOND = timedelta(milliseconds=1)
"""The index keeps times to the millisecond, so no query asks for less."""

_Bound = tuple[int, int] | tuple[datetime, datetime]
"""The first and the last instant, or number, that a bound means: a date means its whole day."""


def bare_end(text: str, start: int) -> int:
    """Where a value without quotes ends."""
    found = _BARE.match(text, start)
    return found.end() if found else start


def read_value(field: FieldType, raw: str, start: int, *, quoted: bool) -> Value:
    """One value; quotes make its ``*`` and ``?`` plain letters."""
    end = start + len(raw) + (2 if quoted else 0)
    wildcard = not quoted and ("*" in raw or "?" in raw)
    if not quoted and re.search(r"[,;]", raw):
        raise QueryError(
            f"'{shorten(raw)}' has a comma", start, end,
            f"write {field.name}:(… OR …), or quotes around a value that has a comma in it",
        )  # fmt: skip
    value = checked_value(field, raw, start, end)
    if wildcard:
        stem = re.split(r"[*?]", value, maxsplit=1)[0]
        if not field.wildcards:
            raise QueryError(
                f"'{field.name}:' takes no wildcard", start, end, "write the value whole"
            )
        if len(folded_form(stem)) < LEADING_LETTERS:
            raise QueryError(
                f"a wildcard needs at least {LEADING_LETTERS} letters before it", start, end,
                "write the beginning of the value, such as oran*",
            )  # fmt: skip
    return Value(value, wildcard, (start, end))


def read_range(field: FieldType, text: str, name_start: int, start: int) -> tuple[Range, int]:
    """The range behind the colon, and where it ends."""
    if text.startswith("[", start):
        end = text.find("]", start) + 1
        if not end:
            raise QueryError("this bracket is never closed", start, start + 1, _example(field))
        found = _BOUNDS.fullmatch(text, start + 1, end - 1)
        if not found:
            raise QueryError("this is no range", start, end, _example(field))
        low, high = _side(field, found, 1), _side(field, found, 2)
        if low is None and high is None:
            raise QueryError("a range without bounds says nothing", start, end, _example(field))
        span = (name_start, end)
        return _range(field, low and low[0], high and high[1], span), end
    found = _COMPARISON.match(text, start)
    if found is None or not found[2]:
        raise QueryError(
            f"'{field.name}:' is followed by no range", name_start, start, _example(field)
        )
    return _compared(field, found, name_start), found.end()


def _compared(field: FieldType, found: re.Match[str], name_start: int) -> Range:
    first, last = _bound(field, found[2], *found.span(2))
    sign = found[1]
    try:
        low = _step(last, 1) if sign == ">" else None if sign.startswith("<") else first
        high = _step(first, -1) if sign == "<" else None if sign.startswith(">") else last
    except OverflowError:
        raise QueryError("no time is beyond this one", *found.span(2), _example(field)) from None
    if high == -1:
        raise QueryError("nothing is below 0", *found.span(), _example(field))
    return _range(field, low, high, (name_start, found.end()))


def _step(value: int | datetime, by: int) -> int | datetime:
    return value + by if isinstance(value, int) else value + by * _MILLISECOND


def _range(
    field: FieldType,
    low: int | datetime | None,
    high: int | datetime | None,
    span: tuple[int, int],
) -> Range:
    if low is not None and high is not None and low > high:  # type: ignore[operator]
        raise QueryError(
            "the range is reversed: nothing is in it",
            *span,
            "write the lower bound first: "
            f"{field.name}:[{bound_text(high, day_end=False)} TO {bound_text(low, day_end=True)}]",
        )
    return Range(field.name, low, high, span)


def _side(field: FieldType, found: re.Match[str], group: int) -> _Bound | None:
    return None if found[group] == "*" else _bound(field, found[group], *found.span(group))


def _bound(field: FieldType, written: str, start: int, end: int) -> _Bound:
    is_number = field.holds is Holds.NUMBER
    bound = _number(written) if is_number else _instants(written)
    if bound is None:
        what = "number" if is_number else "date or time"
        raise QueryError(f"'{shorten(written)}' is no {what}", start, end, _example(field))
    return bound


def _number(written: str) -> _Bound | None:
    return (int(written), int(written)) if _NUMBER.fullmatch(written) else None


def _instants(written: str) -> _Bound | None:
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
    if field.holds is Holds.NUMBER:
        return f"write {name}:[500 TO 100000], {name}:[500 TO *], {name}:>500 or {name}:500"
    return (
        f"write {name}:[2026-03-01 TO 2026-03-31], {name}:>2026-03-01 or "
        f"{name}:[2026-03-01T12:00Z TO *]"
    )


def bound_text(bound: int | datetime | None, *, day_end: bool) -> str:
    """A bound as it is written; ``day_end``: the upper one, where a date means its last instant."""
    if bound is None:
        return "*"
    if isinstance(bound, int):
        return str(bound)
    day = bound.replace(hour=0, minute=0, second=0, microsecond=0)
    if bound == (_day_end(day) if day_end else day):
        return bound.date().isoformat()
    return bound.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
