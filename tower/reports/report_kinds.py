"""The kinds of reports: their parameters, their window, and the questions that they ask. Pure."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Annotated, Final, Literal, get_args
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta, Struct

from tower.pages.page_table import Panel
from tower.questions.alert_list import ALERT, ALERTS, ListedAlert
from tower.questions.aspect_opinions import ASPECTS, VOICE, compared
from tower.questions.author_ranks import AUTHORS
from tower.questions.mention_list import MENTIONS, POSTS
from tower.questions.presence import COUNTRIES, HOURS
from tower.questions.question import MAX_QUERY, Ask, Context
from tower.questions.records.coverage_states import COVERAGE
from tower.questions.scope import BadParameter, scope_of, value_clause
from tower.questions.term_lifts import LIFTS
from tower.questions.value_counts import VALUES
from tower.questions.volume_series import VOLUME

ReportKind = Literal["day", "week", "alert", "compare"]
KINDS: Final[tuple[ReportKind, ...]] = get_args(ReportKind)
BEFORE: Final = timedelta(hours=3)
AFTER: Final = timedelta(hours=1)
"""The time around an alert that its report shows."""
MAX_DAYS: Final = 31
MAX_SHOWN: Final = 20
PEER: Final = "peer-"
"""Sections of a comparison: one a brand."""


class ReportAsk(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a report is asked for."""

    kind: ReportKind
    q: Annotated[str, Meta(max_length=MAX_QUERY, description="Query; of day, week, compare.")] = ""
    day: (
        Annotated[
            str,
            Meta(
                pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
                description="The day; any day of the week; the last day of a comparison.",
            ),
        ]
        | None
    ) = None
    days: Annotated[int, Meta(ge=1, le=MAX_DAYS, description="Days of a comparison.")] = 7
    alert: Annotated[str, Meta(max_length=512, description="Id of the alert.")] | None = None
    tz: Annotated[str, Meta(max_length=64, description="Time zone of the days.")] = "UTC"


@dataclass(frozen=True)
class Plan:
    """A report that can be made: its checked parameters, window and sections."""

    ask: ReportAsk
    page: Ask
    """What every section asks for, beside its own parameters."""
    inner: Ask
    """The alert's own time."""
    sections: Sequence[Panel]
    ids: Sequence[str] = ()
    """The posts that an alert shows."""
    brand: str | None = None

    def asks(self) -> list[Ask]:
        """The parameters of each section."""
        extra = {"ids": msgspec.json.encode(self.ids).decode()}
        return [one.ask(self.inner if one.inner else self.page, extra) for one in self.sections]


def _values(field_name: str, size: int = 8) -> Panel:
    return Panel(field_name, VALUES, {"field": field_name, "size": size}, "values")


_ALARMS: Final = Panel("alarms", ALERTS, {"size": 20})
_VOLUME: Final = Panel("volume", VOLUME, others=(_ALARMS,))
_COVERAGE: Final = Panel("lines", COVERAGE, {"q": ""})
_SHARED: Final = (
    Panel("facts", VOLUME),
    _ALARMS,
    _VOLUME,
    Panel("lifts", LIFTS, {"size": 10}),
    Panel("aspects", ASPECTS),
    _values("emotion"),
    _values("intent"),
    Panel("reach", MENTIONS, {"order": "widest", "size": 5}, "cards_list"),
    Panel("authors", AUTHORS, {"size": 8}),
    Panel("widest", AUTHORS, {"size": 8, "by": "reach"}, "authors"),
    _COVERAGE,
    _values("entity", 10),
    _values("hashtag", 10),
    _values("link"),
    _values("country", 10),
    _values("language", 10),
    _values("source"),
)
DAY: Final = (*_SHARED, Panel("voice", VOICE))
WEEK: Final = (
    *DAY,
    Panel("hours", HOURS),
    Panel("map", COUNTRIES),
    Panel("presence", COUNTRIES),
)
POST_MORTEM: Final = (
    Panel("found", ALERT),
    _ALARMS,
    _VOLUME,
    Panel("first", MENTIONS, {"order": "oldest", "size": 3}, "cards_list", inner=True),
    Panel("reach", MENTIONS, {"order": "widest", "size": 4}, "cards_list", inner=True),
    Panel("shown", POSTS),
    Panel("lifts", LIFTS, {"size": 12}, inner=True),
    Panel("carried", AUTHORS, {"size": 8, "by": "reach"}, "authors", inner=True),
    Panel("aspects", ASPECTS, inner=True),
    _COVERAGE,
    replace(_values("country", 10), inner=True),
    replace(_values("source"), inner=True),
    replace(_values("language", 10), inner=True),
)
COMPARISON: Final = (
    Panel("voice", VOICE),
    _ALARMS,
    _VOLUME,
    Panel("aspects", ASPECTS),
    Panel("lifts", LIFTS, {"size": 10}),
)


def settled(ask: ReportAsk, now: datetime) -> ReportAsk:
    """The parameters with the day filled in: yesterday; those of other kinds are taken out.

    :raises BadParameter: the day or the time zone is wrong, or the time has not begun.
    """
    if ask.kind == "alert":
        if not ask.alert:
            raise BadParameter("alert", "name the alert of the report")
        return ReportAsk(kind="alert", alert=ask.alert, tz=_zone(ask.tz).key)
    zone = _zone(ask.tz)
    day = ask.day or (now.astimezone(zone).date() - timedelta(days=1)).isoformat()
    days = ask.days if ask.kind == "compare" else 7
    made = ReportAsk(kind=ask.kind, q=ask.q.strip(), day=day, days=days, tz=ask.tz)
    if window_of(made)[0] >= now:
        raise BadParameter("day", f"{day} has not begun")
    return made


def window_of(ask: ReportAsk) -> tuple[datetime, datetime]:
    """The local days of a report that is not of an alert, as instants.

    :raises BadParameter: there is no such day.
    """
    zone = _zone(ask.tz)
    try:
        day = date.fromisoformat(ask.day or "")
        if ask.kind == "week":
            first, length = day - timedelta(days=day.weekday()), 7
        elif ask.kind == "compare":
            first, length = day - timedelta(days=ask.days - 1), ask.days
        else:
            first, length = day, 1
        last = first + timedelta(days=length)
        return _midnight(first, zone), _midnight(last, zone)
    except (ValueError, OverflowError):
        raise BadParameter("day", f"there is no day {ask.day}; write one as 2026-03-02") from None


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(ZoneInfo("UTC"))


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError):
        raise BadParameter("tz", f"{name[:40]!r} is not a time zone") from None


def plan_of(ask: ReportAsk, context: Context, found: ListedAlert | None = None) -> Plan:
    """The plan of checked parameters; ``found``: the alert of a post-mortem.

    :raises BadParameter: a comparison is not of one brand.
    :raises QueryError: the query is wrong.
    """
    if found is not None:
        return _post_mortem(ask, context, found)
    since, until = window_of(ask)
    page = Ask(q=ask.q, since=since, until=until, tz=ask.tz)
    scope = scope_of(page, context)
    sections = {"day": DAY, "week": WEEK, "compare": COMPARISON}[ask.kind]
    if ask.kind == "compare":
        if scope.brand is None:
            raise BadParameter(
                "q", "a comparison is of one brand: write a query like brand:velmora"
            )
        sections = (*COMPARISON, *map(_peer, compared(scope)))
    return Plan(ask, page, page, sections, brand=scope.brand)


def _peer(brand: str) -> Panel:
    return Panel(PEER + brand, VOLUME, {"q": value_clause("brand", brand), "most": 2})


def _post_mortem(ask: ReportAsk, context: Context, found: ListedAlert) -> Plan:
    alert = found.alert
    ends = found.ends_at or context.now
    query = value_clause("brand", alert.brand) or ""
    page = Ask(q=query, since=alert.began_at - BEFORE, until=ends + AFTER, tz=ask.tz)
    inner = Ask(q=query, since=alert.began_at, until=max(ends, alert.raised_at), tz=ask.tz)
    ids = tuple(post.id for post in alert.evidence.shown)[:MAX_SHOWN]
    own = (replace(POST_MORTEM[0], params={"id": alert.id}), *POST_MORTEM[1:])
    return Plan(ask, page, inner, own, ids, alert.brand)


def panel_of(kind: str, name: str) -> Panel | None:
    """The panel of a stored section; None: this version has none of this name."""
    if kind == "compare" and name.startswith(PEER):
        return _peer(name.removeprefix(PEER))
    table = {"day": DAY, "week": WEEK, "alert": POST_MORTEM, "compare": COMPARISON}
    return next((one for one in table.get(kind, ()) if one.name == name), None)


def report_id(ask: ReportAsk, now: datetime) -> str:
    """The id of what is asked for on this day: asked again on it, it is the same report."""
    made_on = now.astimezone(_zone(ask.tz)).date()
    text = msgspec.json.encode((ask, made_on))
    about = ask.day if ask.kind != "alert" else made_on.isoformat()
    return f"{ask.kind}-{about}-{hashlib.blake2b(text, digest_size=6).hexdigest()}"
