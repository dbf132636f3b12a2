"""A kept report on a page, with panels as on other pages, and on paper, with pictures for it."""

import importlib.resources
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from markupsafe import Markup

from tower.answers import Asked
from tower.pages.renderer import (
    Renderer,
    hours_pictures,
    map_picture,
    presence_pictures,
    volume_pictures,
)
from tower.pages.view import View
from tower.pages.vocabulary import Words
from tower.pictures.print_colours import printed, with_land
from tower.pictures.world_map import HEIGHT, WIDTH
from tower.questions.alert_list import AlertsAnswer
from tower.questions.presence import CountriesAnswer, HoursAnswer
from tower.questions.question import Ask
from tower.questions.volume_series import VolumeAnswer
from tower.reports.pdf_job import PdfRequest, PdfRow, PdfSection
from tower.reports.report_blocks import Block, blocks_of, facts_of, heading_of
from tower.reports.report_kinds import PEER
from tower.reports.report_lookup import OpenedReport
from tower.reports.report_store import StoredReport
from tower.security.users import Person

MAX_SECTIONS: Final = 60
MIN_LONG: Final = 40
"""Characters of a cell that takes the room of its row."""
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
            pictures[name] = hours_pictures(view, answer.cells)[0]
        elif isinstance(answer, CountriesAnswer) and answer.countries:
            pictures |= _of_countries(name, view, answer)
    return pictures


def _of_countries(name: str, view: View, answer: CountriesAnswer) -> Mapping[str, Markup]:
    if name == "presence":
        return {name: presence_pictures(view, answer)[0]}
    if name != "map":
        return {}
    land = (importlib.resources.files("tower") / "static" / "land.svg").read_text("utf-8")
    return {name: with_land(map_picture(view, answer), land, WIDTH, HEIGHT)}


def pdf_request(
    opened: OpenedReport, view: View, words: Words, brands: Mapping[str, str], *, texts: bool
) -> PdfRequest:
    """What the process draws, in the reader's language."""
    blocks = blocks_of(opened, words, texts=texts, pictures=pictures_of(opened, view))
    return PdfRequest(
        title=heading_of(opened, words, brands),
        language=words.language,
        footer=words("report.number", opened.report.id),
        facts=facts_of(opened, words),
        sections=[_section(block) for block in blocks[:MAX_SECTIONS]],
    )


def _section(block: Block) -> PdfSection:
    rows = [PdfRow(cells=list(row.cells), share=row.share) for row in block.rows]
    count = max((len(row.cells) for row in rows), default=1)
    # The picture of a volume tells what its rows do.
    drawn = block.picture is not None
    return PdfSection(
        title=block.title,
        columns=[] if drawn else list(block.columns),
        rows=[] if drawn else rows,
        notes=list(block.notes),
        picture=None if block.picture is None else printed(block.picture),
        wide=count - 1 if count == 4 and len(block.columns) == 4 and _long(rows) else 0,
    )


def _long(rows: Sequence[PdfRow]) -> bool:
    return any(len(row.cells[-1]) > MIN_LONG for row in rows)
