"""Templates to HTML. Everything that comes from outside is escaped; no template has a word."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from msgspec.structs import replace

from schemas.mention import Mention
from sinks.alerts.message.catalogue import Style
from sinks.alerts.message.report import title
from tower.answers import Asked
from tower.pages.page_table import PAGES, Panel
from tower.pages.post_card import Card, bare_link, card, clean, web_link
from tower.pages.view import RANGES, View
from tower.pages.vocabulary import Language, Words
from tower.pictures.coverage_cells import coverage_cells, coverage_line
from tower.pictures.hour_grid import NARROW as NARROW_CELL
from tower.pictures.hour_grid import hour_grid
from tower.pictures.presence_rows import NARROW as NARROW_PRESENCE
from tower.pictures.presence_rows import presence_rows
from tower.pictures.share_bars import share_bar, single_bar
from tower.pictures.volume_chart import Mark, Point, VolumePicture, volume_chart
from tower.pictures.world_map import Bubble, country_places, world_map
from tower.questions.alert_list import AlertsAnswer, ListedAlert
from tower.questions.aspect_opinions import VoiceAnswer
from tower.questions.mention_list import ListedMention
from tower.questions.presence import CountriesAnswer, CountryCount
from tower.questions.records.coverage_states import CoverageAnswer, SourceCoverage
from tower.questions.sentiment_estimate import MIN_SCORED
from tower.questions.volume_series import VolumeAnswer

_WIDE: Final = (860, 280)
_NARROW: Final = (360, 240)


class Renderer:
    """One for the application; safe from any thread."""

    def __init__(self, version: str) -> None:
        self._environment = Environment(
            loader=PackageLoader("tower.pages", "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._environment.globals |= {
            "PAGES": PAGES,
            "RANGES": RANGES,
            "MIN_SCORED": MIN_SCORED,
            "version": version,
            "card_of": card_of,
            "volume_pictures": volume_pictures,
            "map_picture": map_picture,
            "presence_pictures": presence_pictures,
            "hours_pictures": hours_pictures,
            "share_bar": share_bar,
            "coverage_cells": coverage_cells,
            "coverage_picture": coverage_picture,
            "alarm_in": alarm_in,
            "aspects_of": aspects_of,
            "web_link": web_link,
            "alert_title": alert_title,
            "single_bar": single_bar,
        }
        self._environment.filters |= {"clean": clean, "bare_link": bare_link}
        self._words: dict[tuple[Language, str], Words] = {}

    def page(self, template: str, **context: Any) -> str:
        return self._environment.get_template(template).render(context)

    def panel(
        self,
        view: View,
        panel: Panel,
        asked: Asked | None,
        others: Mapping[str, Asked | None] | None = None,
    ) -> Markup:
        """The inside of a panel; ``asked``: None while the answer is awaited."""
        template = self._environment.get_template("panel.html")
        html = template.render(
            view=view,
            t=view.words,
            panel=panel,
            asked=asked,
            others=others or {},
            body=f"panels/{panel.template or panel.name}.html",
        )
        return Markup(html)  # noqa: S704 (the template escapes)

    def post(self, mention: Mention, version: int, words: Words, link: View | None = None) -> str:
        """A card for the live stream."""
        template = self._environment.get_template("post.html")
        return template.render(card=card(mention, version), t=words, view=link)


def card_of(listed: ListedMention, brand: str | None) -> Card:
    return card(listed.mention, listed.version, brand, listed.copies, listed.copy_authors)


def volume_pictures(
    view: View,
    answer: VolumeAnswer,
    alerts: AlertsAnswer | None,
    coverage: CoverageAnswer | None = None,
) -> tuple[Markup, Markup]:
    """The picture for wide screens and for narrow ones, which has half as many buckets."""
    points = [
        Point(one.mentions, one.authors, one.texts, one.scored, one.negative)
        for one in answer.series
    ]
    usual = list(answer.usual)
    assert answer.since is not None
    assert answer.until is not None
    marks = [*_marks(view, alerts, answer.until), *_gaps(view, coverage)]
    label = view.words("volume.label", view.words.number(answer.mentions))

    def drawn(points: list[Point], usual: list[int], size: tuple[int, int]) -> Markup:
        assert answer.since is not None
        assert answer.until is not None
        picture = VolumePicture(
            answer.since, answer.until, points, usual, marks, view.words.time_zone, label
        )
        return volume_chart(picture, *size)

    return drawn(points, usual, _WIDE), drawn(_paired(points), _pairs(usual), _NARROW)


def _pairs(values: list[int]) -> list[int]:
    return [sum(values[place : place + 2]) for place in range(0, len(values), 2)]


def _paired(points: list[Point]) -> list[Point]:
    return [
        Point(
            *(
                sum(getattr(one, name) for one in points[place : place + 2])
                for name in ("mentions", "authors", "texts", "scored", "negative")
            )
        )
        for place in range(0, len(points), 2)
    ]


def _marks(view: View, alerts: AlertsAnswer | None, until: datetime) -> list[Mark]:
    marks = []
    for one in alerts.alerts if alerts else ():
        alert = one.alert
        marks.append(
            Mark(
                since=alert.began_at,
                until=one.ends_at or until,
                severity=alert.severity if alert.kind == "crisis" else 0,
                label=alert_title(view, one),
                href=view.link(f"/alerts/{quote(alert.id)}"),
            )
        )
    return marks


def aspects_of(answer: VoiceAnswer) -> list[str]:
    """The aspects that any of the brands is blamed for, the most frequent first."""
    counts = Counter[str]()
    for one in answer.brands:
        counts.update(one.aspects)
    counts.pop("other", None)
    return [name for name, _ in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))][:8]


def alarm_in(query: str, answer: AlertsAnswer) -> bool:
    """Whether an alert that needs attention is of the brand of a tab."""
    return any(
        one.standing == "open" and query.startswith(f"brand:{one.alert.brand}")
        for one in answer.alerts
    )


def _gaps(view: View, coverage: CoverageAnswer | None) -> list[Mark]:
    """What was not heard, as far as it is told."""
    marks = []
    for source in coverage.sources if coverage else ():
        for one in source.stretches:
            if one.state in ("gap", "blind", "away"):
                state = view.words.label("coverage", one.state)
                label = f"{clean(source.source, 30)}: {state}"
                marks.append(Mark(one.since, one.until, 0, label, view.link("/coverage")))
    return marks


def coverage_picture(view: View, answer: CoverageAnswer, one: SourceCoverage) -> Markup:
    assert answer.since is not None
    assert answer.until is not None
    spans = []
    for part in one.stretches:
        state, why = view.words.label("coverage", part.state), view.words.label("why", part.why)
        told = f"{state} · {why} · {view.words.when(part.since)}"
        spans.append((part.since, part.until, str(part.state), told))
    label = view.words("coverage.cells", clean(one.source, 30), view.words.percent(one.heard))
    return coverage_line(spans, answer.since, answer.until, label)


def alert_title(view: View, found: ListedAlert) -> str:
    """What happened, in the reader's language: the headline of the gravest state."""
    gravest, alert = found.gravest, found.alert
    if gravest is not None:
        alert = replace(
            alert, status=gravest.status, title=gravest.title, headline=gravest.headline
        )
    return clean(title(alert, Style(view.words.language, view.words.time_zone)), 200)


def _lean(one: CountryCount) -> float | None:
    scored = one.negative + one.neutral + one.positive
    return (one.positive - one.negative) / scored if scored else None


def map_picture(view: View, answer: CountriesAnswer) -> Markup:
    words = view.words
    bubbles = [
        Bubble(
            country=one.country,
            mentions=one.mentions,
            lean=_lean(one),
            label=words(
                "world.bubble",
                one.country,
                words.number(one.mentions),
                words.number(one.negative),
                words.number(one.positive),
            ),
            href=view.clause(one.clause),
        )
        for one in answer.countries
        if one.country in country_places()
    ]
    return world_map(bubbles, words("world.label", words.number(len(bubbles))))


def presence_pictures(view: View, answer: CountriesAnswer) -> tuple[Markup, Markup]:
    """For wide screens, and for narrow ones with half as many cells."""
    zone, label = view.words.zone, view.words("world.cells")
    starts = [start.astimezone(zone) for start in answer.starts]
    rows = [(one.country, one.cells) for one in answer.countries[:20]]
    step = timedelta(seconds=answer.step_s)
    halved = [(country, _pairs(cells)) for country, cells in rows]
    return (
        presence_rows(rows, starts, step, label),
        presence_rows(halved, starts[::2], step * 2, label, NARROW_PRESENCE),
    )


def hours_pictures(view: View, cells: list[list[int]]) -> tuple[Markup, Markup]:
    """For wide screens and for narrow ones."""
    days, label = [view.words(f"weekday.{day}") for day in range(7)], view.words("hours.label")
    return hour_grid(cells, days, label), hour_grid(cells, days, label, NARROW_CELL)
