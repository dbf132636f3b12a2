"""Checks the parameters of a question: the window, the time zone and the query."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from queries.elasticsearch.index_compiler import compile_query
from queries.language.ast import And, Field, Node, Or, Value
from queries.language.errors import QueryError
from queries.language.fields import normal
from queries.language.format import format_query
from queries.language.parser import parse
from queries.language.references import resolve
from schemas.errors import ConfigurationError
from schemas.types import JsonObject
from tower.questions.question import Ask, Context, Scope, between

DEFAULT_WINDOW: Final = timedelta(hours=24)
MAX_WINDOW: Final = timedelta(days=400)
_FIRST: Final = datetime(1900, 1, 1, tzinfo=UTC)
_LAST: Final = datetime(3000, 1, 1, tzinfo=UTC)
LIVE_TICK: Final = timedelta(seconds=8)
"""A window that ends now ends at the last tick: so all who ask within a tick ask the same."""
SLOW_TICK: Final = timedelta(seconds=60)
"""The tick of windows longer than :data:`SLOW_FROM`."""
SLOW_FROM: Final = timedelta(days=2)
_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days"}
_SPAN: Final = re.compile(r"([1-9][0-9]{0,3})([mhd])")

STEPS: Final[Sequence[timedelta]] = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=10),
    timedelta(minutes=15),
    timedelta(minutes=30),
    timedelta(hours=1),
    timedelta(hours=3),
    timedelta(hours=6),
    timedelta(hours=12),
    timedelta(days=1),
    timedelta(days=7),
)
"""Widths of a bucket; each divides a day or is whole days, so buckets begin at round times."""


class BadParameter(ConfigurationError):
    """A parameter is wrong; the message is for the user."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


def scope_of(ask: Ask, context: Context) -> Scope:
    """The checked parameters.

    :raises BadParameter: the window or the time zone is wrong.
    :raises QueryError: the query is.
    """
    since, until = window(ask, context.now)
    _check_zone(ask.tz)
    node = parsed(ask.q, context)
    filters: list[JsonObject] = [] if node is None else [compile_query(node)]
    return Scope(
        context=context,
        since=since,
        until=until,
        tz=ask.tz,
        node=node,
        filters=(*filters, between(since, until)),
        brand=None if node is None else brand_of(node),
    )


def parsed(text: str, context: Context) -> Node | None:
    """The resolved query; None for an empty one, which means everything."""
    if not text.strip():
        return None
    return resolve(parse(text), context.saved)


def window(ask: Ask, now: datetime) -> tuple[datetime, datetime]:
    """The start and the end: as given, or up to the last tick."""
    if ask.last is not None and (ask.since is not None or ask.until is not None):
        raise BadParameter("last", "give last, or since and until, not both")
    length = DEFAULT_WINDOW if ask.last is None else _length(ask.last)
    until = ask.until or _at_tick(now, length)
    since = ask.since if ask.since is not None else _back(until, length)
    if until <= since:
        raise BadParameter("until", "until must be after since")
    if until - since > MAX_WINDOW:
        raise BadParameter("since", f"the window is longer than {MAX_WINDOW.days} days")
    # So the time before the window, and the end of its last bucket, are times too.
    if since < _FIRST or until > _LAST:
        raise BadParameter("since", f"the window is not between {_FIRST.year} and {_LAST.year}")
    return since, until


def is_live(ask: Ask) -> bool:
    """Whether the window ends now, so that it moves."""
    return ask.until is None


def tick_of(length: timedelta) -> timedelta:
    return LIVE_TICK if length <= SLOW_FROM else SLOW_TICK


def _at_tick(now: datetime, length: timedelta) -> datetime:
    tick = int(tick_of(length).total_seconds())
    return now.replace(microsecond=0) - timedelta(seconds=int(now.timestamp()) % tick)


def _length(text: str) -> timedelta:
    matched = _SPAN.fullmatch(text)
    if matched is None:
        raise BadParameter("last", f"{text[:20]!r} is not a length of time; write 30m, 16h or 7d")
    length = timedelta(**{_UNITS[matched[2]]: int(matched[1])})
    if length > MAX_WINDOW:
        raise BadParameter("last", f"the window is longer than {MAX_WINDOW.days} days")
    return length


def _back(until: datetime, length: timedelta) -> datetime:
    try:
        return until - length
    except OverflowError:
        raise BadParameter("until", "until is too early") from None


def _check_zone(name: str) -> None:
    try:
        ZoneInfo(name)
    except (KeyError, OSError, ValueError):
        raise BadParameter(
            "tz", f"{name[:40]!r} is not a time zone; write one such as Europe/Paris"
        ) from None


def step_of(since: datetime, until: datetime, most: int) -> timedelta:
    """The smallest width that gives at most ``most`` buckets, or the largest there is."""
    length = until - since
    return next((step for step in STEPS if length <= step * (most - 1)), STEPS[-1])


def brand_of(node: Node) -> str | None:
    """The one brand that every match of the query has, if the query asks for one by ``brand:``."""
    parts = node.children if isinstance(node, And) else (node,)
    named = [
        normal(part.child.text)
        for part in parts
        if isinstance(part, Field)
        and part.name == "brand"
        and isinstance(part.child, Value)
        and not part.child.wildcard
    ]
    return named[0] if len(set(named)) == 1 else None


def with_clause(query: str, clause: str) -> str:
    """The query that a click on a value makes: ``query AND clause``.

    A click on a value that is in the query already takes it out again.
    """
    query = query.strip()
    if not query:
        return clause
    try:
        node, added = parse(query), parse(clause)
    except QueryError:
        return f"({query}) AND {clause}"
    if isinstance(added, Or):
        clause = f"({clause})"
    wanted = format_query(added)
    parts = node.children if isinstance(node, And) else (node,)
    kept = tuple(part for part in parts if format_query(part) != wanted)
    if len(kept) < len(parts):
        return format_query(kept[0] if len(kept) == 1 else And(kept)) if kept else ""
    return f"({query}) AND {clause}" if isinstance(node, Or) else f"{query} AND {clause}"


def value_clause(field: str, value: str) -> str | None:
    """``field:value`` as the language writes it; None: it cannot say this value."""
    if '"' in value:
        return None
    clause = format_query(Field(field, Value(value)))
    try:
        node = parse(clause)
    except QueryError:
        return None
    # The language takes the sign off a hashtag, and so cannot say one that begins with it.
    said = node.child if isinstance(node, Field) else node
    return clause if isinstance(said, Value) and normal(said.text) == normal(value) else None


def text_list(name: str, text: str, most: int) -> list[str]:
    """The texts of a parameter that is a JSON array of them.

    :raises BadParameter: it is none, or has more than ``most``.
    """
    try:
        texts = msgspec.json.decode(text, type=list[str])
    except msgspec.MsgspecError:
        raise BadParameter(name, f"{name} must be a JSON array of strings") from None
    if len(texts) > most:
        raise BadParameter(name, f"there are more than {most} {name}")
    return texts
