"""A dashboard: panels on the grid, controls above them, links to the other dashboards.

Panels of Lens are stored in the dashboard, Discover sessions by reference, so that each session can
also be opened alone. Kibana's basic licence has drilldowns from one dashboard to another, and none
to an address.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from deploy.kibana.data_views import DataView
from deploy.kibana.lens_charts import Chart
from deploy.kibana.saved_object import Reference, SavedObject, packed, search_source
from schemas.types import JsonObject

COLUMNS: Final = 48
"""Width of the grid."""
_DRILLDOWN: Final = "DASHBOARD_TO_DASHBOARD_DRILLDOWN"
_REFRESH_MS: Final = 60_000


@dataclass(frozen=True, slots=True)
class Drilldown:
    """A click on a value of a panel opens another dashboard, filtered by the value."""

    board: str
    label: str

    @property
    def event(self) -> str:
        return f"to-{self.board}"

    def reference(self) -> Reference:
        return Reference(
            f"drilldown:{_DRILLDOWN}:{self.event}:dashboardId", "dashboard", self.board
        )

    def json(self) -> JsonObject:
        return {
            "action": {
                "config": {
                    "openInNewTab": False,
                    "useCurrentDateRange": True,
                    "useCurrentFilters": True,
                },
                "factoryId": _DRILLDOWN,
                "name": self.label,
            },
            "eventId": self.event,
            "triggers": ["FILTER_TRIGGER"],
        }


@dataclass(frozen=True, slots=True)
class Panel:
    """A panel of some size; ``content`` is a chart, or the id of a Discover session."""

    id: str
    width: int
    content: Chart | str
    drilldown: Drilldown | None = None


@dataclass(frozen=True, slots=True)
class Control:
    """A list of the values of a field, to filter the dashboard by."""

    field: str
    title: str


@dataclass(frozen=True, slots=True)
class Row:
    """Panels side by side, of one height."""

    height: int
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class Link:
    """To another dashboard; filters go along only where that one's data have the same fields."""

    board: str
    label: str
    filters: bool


@dataclass(frozen=True, slots=True)
class Board:
    """A dashboard."""

    id: str
    title: str
    description: str
    since: str
    view: DataView
    controls: tuple[Control, ...]
    links: tuple[Link, ...]
    rows: tuple[Row, ...]

    def saved(self) -> SavedObject:
        placed = list(_placed(self.rows))
        references = [each for panel, _ in placed for each in _references(panel)]
        references += [_control_reference(each, self.view) for each in self.controls]
        references += [_link_reference(each).within(LINKS) for each in self.links]
        attributes: JsonObject = {
            "controlGroupInput": _controls(self.controls),
            "description": self.description,
            "kibanaSavedObjectMeta": search_source(),
            "optionsJSON": packed(
                {
                    "hidePanelTitles": False,
                    "syncColors": True,
                    "syncCursor": True,
                    "syncTooltips": False,
                    "useMargins": True,
                }
            ),
            "panelsJSON": packed([_links(self.links), *(_panel(*each) for each in placed)]),
            "refreshInterval": {"pause": False, "value": _REFRESH_MS},
            "timeFrom": self.since,
            "timeRestore": True,
            "timeTo": "now",
            "title": self.title,
            "version": 1,
        }
        return SavedObject("dashboard", self.id, attributes, tuple(references))


LINKS: Final = "links"
_LINKS_HEIGHT: Final = 4


def _placed(rows: Sequence[Row]) -> "Sequence[tuple[Panel, JsonObject]]":
    """Each panel with its place: rows one below the other, below the links."""
    found: list[tuple[Panel, JsonObject]] = []
    top = _LINKS_HEIGHT
    for row in rows:
        left = 0
        for panel in row.panels:
            found.append(
                (
                    panel,
                    {"h": row.height, "i": panel.id, "w": panel.width, "x": left, "y": top},
                )
            )
            left += panel.width
        top += row.height
    return found


def _panel(panel: Panel, place: JsonObject) -> JsonObject:
    drilldowns = [panel.drilldown.json()] if panel.drilldown else []
    stored: JsonObject = {
        "embeddableConfig": {"enhancements": {"dynamicActions": {"events": drilldowns}}},
        "gridData": place,
        "panelIndex": panel.id,
    }
    if isinstance(panel.content, Chart):
        chart = panel.content
        stored["embeddableConfig"] |= {"attributes": chart.attributes(), "title": chart.title}
        return {**stored, "type": "lens"}
    return {**stored, "panelRefName": f"panel_{panel.id}", "type": "search"}


def _references(panel: Panel) -> list[Reference]:
    if isinstance(panel.content, Chart):
        found = [each.within(panel.id) for each in panel.content.references()]
    else:
        name = f"panel_{panel.id}"
        found = [Reference(name, "search", panel.content).within(panel.id)]
    if panel.drilldown:
        found.append(panel.drilldown.reference().within(panel.id))
    return found


def _controls(controls: Sequence[Control]) -> JsonObject:
    panels = {
        control.field: {
            "explicitInput": {
                "enhancements": {},
                "fieldName": control.field,
                "id": control.field,
                "sort": {"by": "_count", "direction": "desc"},
                "title": control.title,
            },
            "grow": True,
            "order": order,
            "type": "optionsListControl",
            "width": "medium",
        }
        for order, control in enumerate(controls)
    }
    ignored = ("ignoreFilters", "ignoreQuery", "ignoreTimerange", "ignoreValidations")
    return {
        "chainingSystem": "HIERARCHICAL",
        "controlStyle": "oneLine",
        "ignoreParentSettingsJSON": packed(dict.fromkeys(ignored, False)),
        "panelsJSON": packed(panels),
        "showApplySelections": False,
    }


def _control_reference(control: Control, view: DataView) -> Reference:
    return Reference(f"controlGroup_{control.field}:optionsListDataView", "index-pattern", view.id)


def _link_reference(link: Link) -> Reference:
    return Reference(f"link_{link.board}_dashboard", "dashboard", link.board)


def _links(links: Sequence[Link]) -> JsonObject:
    """The panel of links; the time range goes along with each."""
    stored = [
        {
            "destinationRefName": _link_reference(link).name,
            "id": link.board,
            "label": link.label,
            "options": {
                "openInNewTab": False,
                "useCurrentDateRange": True,
                "useCurrentFilters": link.filters,
            },
            "order": order,
            "type": "dashboardLink",
        }
        for order, link in enumerate(links)
    ]
    return {
        "embeddableConfig": {
            "attributes": {"layout": "horizontal", "links": stored},
            "enhancements": {},
            "hidePanelTitles": True,
            "title": "Dashboards",
        },
        "gridData": {"h": _LINKS_HEIGHT, "i": LINKS, "w": COLUMNS, "x": 0, "y": 0},
        "panelIndex": LINKS,
        "type": "links",
    }
