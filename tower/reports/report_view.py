"""A kept report on a page: its panels, as on other pages, and its pictures for paper."""

import importlib.resources
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from markupsafe import Markup

from tower.answers import Asked
from tower.pages.renderer import (
    Renderer,
    hours_picture,
    map_picture,
    presence_picture,
    volume_pictures,
)
from tower.pages.view import View
from tower.pages.vocabulary import Words
from tower.pictures.print_colours import with_land
from tower.pictures.world_map import HEIGHT, WIDTH
from tower.questions.alert_list import AlertsAnswer
from tower.questions.presence import CountriesAnswer, HoursAnswer
from tower.questions.question import Ask
from tower.questions.volume_series import VolumeAnswer
from tower.reports.report_kinds import PEER
from tower.reports.report_lookup import OpenedReport
from tower.reports.report_store import StoredReport
from tower.security.users import Person

NOBODY: Final = Person("report", "reader")
"""Who looks at a report that is mailed or printed."""


def report_view(
    report: StoredReport, words: Words, person: Person = NOBODY, theme: str = ""
) -> View:
    """The view of its query and window; a click leads to the live page with both."""
    ask = Ask(q=report.query, since=report.since, until=report.until, tz=report.time_zone)
    params = {
        "q": report.query,
        "since": _utc(report.since),
        "until": _utc(report.until),
        "tz": report.time_zone,
    }
    return View(
        page="report",
        path="/live",
        params={name: value for name, value in params.items() if value},
        ask=ask,
        words=words,
        person=person,
        now=report.made_at,
        extra={},
        since=report.since,
        until=report.until,
        brand=report.brand,
        theme=theme,
    )


def _utc(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def panels_of(renderer: Renderer, opened: OpenedReport, view: View) -> dict[str, Markup]:
    """The inside of each panel, by the name of its section; a comparison's brands have none."""
    asked = {name: Asked(section.answer) for name, section in opened.sections.items()}
    html = {}
    for name, section in opened.sections.items():
        if name.startswith(PEER):
            continue
        others = {other.name: asked.get(other.name) for other in section.panel.others}
        html[name] = renderer.panel(view, section.panel, asked[name], others)
    return html


def pictures_of(opened: OpenedReport, view: View) -> dict[str, Markup]:
    """The pictures of a report, for paper: with classes, and with the land below the map."""
    pictures: dict[str, Markup] = {}
    alarms = opened.answer("alarms")
    for name, section in opened.sections.items():
        answer = section.answer
        if name == "volume" and isinstance(answer, VolumeAnswer):
            alerts = alarms if isinstance(alarms, AlertsAnswer) else None
            pictures[name] = volume_pictures(view, answer, alerts)[0]
        elif name == "hours" and isinstance(answer, HoursAnswer):
            pictures[name] = hours_picture(view, answer.cells)
        elif isinstance(answer, CountriesAnswer) and answer.countries:
            pictures |= _of_countries(name, view, answer)
    return pictures


def _of_countries(name: str, view: View, answer: CountriesAnswer) -> Mapping[str, Markup]:
    if name == "presence":
        return {name: presence_picture(view, answer)}
    if name != "map":
        return {}
    land = (importlib.resources.files("tower") / "static" / "land.svg").read_text("utf-8")
    return {name: with_land(map_picture(view, answer), land, WIDTH, HEIGHT)}
