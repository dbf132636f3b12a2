"""The pages and their panels. A panel has one question; its template is its name."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from tower.questions.alert_list import ALERTS
from tower.questions.aspect_opinions import ASPECTS, VOICE
from tower.questions.author_ranks import AUTHORS
from tower.questions.mention_list import MENTIONS, POSTS, WALL
from tower.questions.presence import COUNTRIES, HOURS
from tower.questions.query_clauses import CLAUSES
from tower.questions.question import Ask, Question
from tower.questions.records.coverage_states import COVERAGE
from tower.questions.records.erasure_list import ERASURES
from tower.questions.records.latencies import LATENCIES
from tower.questions.records.tab_counts import TABS
from tower.questions.term_lifts import LIFTS
from tower.questions.value_counts import VALUES
from tower.questions.volume_series import VOLUME
from tower.request_parameters import ask_of
from tower.security.users import Role


@dataclass(frozen=True)
class Panel:
    """``params``: what it asks beside the page's own parameters; ``template``: if not its name."""

    name: str
    question: Question[Any, Any]
    params: Mapping[str, Any] = field(default_factory=dict)
    template: str = ""
    pushed: bool = True
    """Whether the live stream renders it anew at each tick."""
    inner: bool = False
    """Whether it asks about the alert's own time, not about the time around it."""
    others: "tuple[Panel, ...]" = ()
    """Panels whose answers its template also needs, by their names."""

    def ask(self, page: Ask, extra: Mapping[str, str]) -> Ask:
        """The parameters of its question: the page's, its own, and those that a person chose.

        :raises BadParameter: one that a person chose is wrong.
        """
        asked = self.question.ask
        given = {name: getattr(page, name) for name in page.__struct_fields__}
        own = set(asked.__struct_fields__) - set(given)
        chosen = {name: value for name, value in extra.items() if name in own}
        known = {name: value for name, value in given.items() if value is not None}
        made: Ask = ask_of(asked, {**known, **chosen, **self.params})
        return made


@dataclass(frozen=True)
class Page:
    name: str
    path: str
    own: tuple[Panel, ...]
    role: Role = "reader"
    streams: bool = False
    """Whether the page has live posts."""
    extra: tuple[str, ...] = ()
    """Parameters of its own."""
    in_rail: bool = True
    icon: str = ""
    key: str = ""
    """The letter after ``g`` that goes to it."""

    @property
    def panels(self) -> tuple[Panel, ...]:
        """Its own, and the strip of sources."""
        return (*self.own, STRIP)


def _values(field_name: str, size: int = 8) -> Panel:
    return Panel(field_name, VALUES, {"field": field_name, "size": size}, "values")


STRIP: Final = Panel("coverage", COVERAGE, {"q": ""})
"""The state of the sources, on every page: it does not depend on the query."""
_ALERTS: Final = Panel("alarms", ALERTS, {"size": 20})
_VOLUME: Final = Panel("volume", VOLUME, others=(_ALERTS, STRIP))
_FACTS: Final = Panel("facts", VOLUME)

ALERT_ROOM: Final = Page(
    "alert",
    "/alerts",
    (
        _VOLUME,
        Panel("shown", POSTS, pushed=False),
        Panel("first", MENTIONS, {"order": "oldest", "size": 3}, "cards_list", inner=True),
        Panel("reach", MENTIONS, {"order": "widest", "size": 4}, "cards_list", inner=True),
        Panel("lifts", LIFTS, {"size": 12}, inner=True),
        Panel("carried", AUTHORS, {"size": 8, "by": "reach"}, "authors", inner=True),
        Panel("aspects", ASPECTS, inner=True),
        replace(_values("country", 10), inner=True),
        replace(_values("source"), inner=True),
        replace(_values("language", 10), inner=True),
    ),
    extra=("job", "conflict", "kiosk", "rotate"),
    in_rail=False,
)
"""The room of one alert; its panels are of the brand around the alert."""
QUERY_EDITOR: Final = Page(
    "queries",
    "/queries",
    (
        _FACTS,
        _VOLUME,
        Panel("clauses", CLAUSES),
        Panel("posts", MENTIONS, {"size": 10}, pushed=False),
    ),
    extra=("brand", "job", "told"),
    icon="⌕",
    key="q",
)
OPS: Final = Page(
    "ops", "/ops", (Panel("latencies", LATENCIES), _values("source", 20)), icon="⚙", key="o"
)
ERASURE: Final = Page(
    "erasure",
    "/erasure",
    (Panel("erasures", ERASURES, pushed=False),),
    role="admin",
    extra=("job", "told"),
    icon="⌫",
    key="e",
)
REPORTS: Final = Page("reports", "/reports", (), extra=("told", "alert"), icon="▣", key="r")
REPORT: Final = Page("report", "/reports", (), extra=("told",), in_rail=False)
"""One kept report; its panels are those of its kind."""
SPECIAL: Final = (QUERY_EDITOR, OPS, ERASURE, REPORTS)
"""Pages with a route of their own."""
API: Final = Page("api", "/api", (), in_rail=False)
PAGES: Final[Mapping[str, Page]] = {
    page.name: page
    for page in (
        Page(
            "live",
            "/live",
            (
                Panel("tabs", TABS, {"q": ""}, others=(_ALERTS,)),
                _FACTS,
                _ALERTS,
                _VOLUME,
                Panel("posts", MENTIONS, {"size": 40}, pushed=False),
                Panel("countries", COUNTRIES),
                Panel("aspects", ASPECTS),
                _values("entity", 10),
                Panel("voice", VOICE),
            ),
            streams=True,
            icon="◉",
            key="l",
        ),
        Page(
            "wall",
            "/wall",
            (Panel("cards", WALL),),
            extra=("order", "kiosk", "rotate"),
            icon="▦",
            key="w",
        ),
        Page(
            "brands",
            "/brands",
            (
                _FACTS,
                _ALERTS,
                _VOLUME,
                Panel("voice", VOICE),
                Panel("peers", VOICE),
                Panel("aspects", ASPECTS),
                _values("emotion"),
                _values("intent"),
                Panel("lifts", LIFTS, {"size": 10}),
                Panel("authors", AUTHORS, {"size": 8}),
                Panel("widest", AUTHORS, {"size": 8, "by": "reach"}, "authors"),
                _values("link"),
                _values("hashtag", 10),
                _values("language", 10),
                _values("source"),
                Panel("hours", HOURS),
            ),
            icon="▤",
            key="b",
        ),
        Page(
            "alerts", "/alerts", (Panel("alerts", ALERTS),), extra=("standing",), icon="▲", key="a"
        ),
        Page(
            "world",
            "/world",
            (_FACTS, Panel("map", COUNTRIES), Panel("presence", COUNTRIES)),
            icon="◍",
            key="m",
        ),
        Page(
            "coverage",
            "/coverage",
            (Panel("lines", COVERAGE, {"q": ""}),),
            icon="▁",
            key="c",
        ),
        REPORTS,
        QUERY_EDITOR,
        OPS,
        ERASURE,
    )
}
