"""The objects of Kibana are whole: each has what Kibana needs, and names only what exists."""

import json
import re
from typing import Any, get_args

import pytest

from deploy.kibana.__main__ import FILE, written
from deploy.kibana.board import COLUMNS
from deploy.kibana.data_views import ALERTS, DELETIONS, MENTIONS, DataView
from deploy.kibana.saved_object import TYPE_VERSIONS
from schemas.alert import AlertKind, Status
from schemas.coverage import CoverageReason, CoverageState
from schemas.types import EmotionLabel, IntentLabel, Kind, SentimentLabel
from tests.deploy.compose import SERVICES
from tests.deploy.grid import overlap
from tests.deploy.kibana_file import (
    BY_VIEW,
    SAVED,
    LensPanel,
    inner,
    lens_panels,
    of_type,
    references,
    source_of,
    view_of_session,
)
from tests.queries.elasticsearch.test_kql import Reader

BOARDS = of_type("dashboard")
SESSIONS = of_type("search")
PANELS = lens_panels()
each_panel = pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel.name)
each_board = pytest.mark.parametrize("board", BOARDS, ids=lambda board: str(board["id"]))
each_session = pytest.mark.parametrize("session", SESSIONS, ids=lambda saved: str(saved["id"]))
WORDS = {
    "intents": get_args(IntentLabel),
    "sentiment.label": get_args(SentimentLabel),
    "emotion.label": get_args(EmotionLabel),
    "kind": (*get_args(Kind), *get_args(AlertKind)),
    "status": get_args(Status),
    "state": get_args(CoverageState),
    "why": get_args(CoverageReason),
}
"""Field to the only words that it can hold."""


def aggregatable(view: DataView, path: str) -> dict[str, Any]:
    mapped = view.mapped(path)
    assert mapped.get("type", "object") not in ("text", "object"), path
    assert mapped.get("doc_values", True), f"{path} cannot be aggregated or sorted"
    return mapped


def clauses(node: Any) -> list[tuple[str, str, str]]:
    if isinstance(node, tuple):
        return [node]
    ((_, inside),) = node.items()
    parts = inside if isinstance(inside, list) else [inside]
    return [clause for part in parts for clause in clauses(part)]


def check_kql(kql: str, view: DataView) -> None:
    """It parses, its fields are searchable, and its words are ones that the fields can hold."""
    for field, _, value in clauses(Reader(kql).expression()) if kql else []:
        mapped = view.mapped(field)
        assert mapped.get("index", True) and mapped.get("enabled", True), field
        if value != "*" and field in WORDS:
            assert value in WORDS[field], f"{field} is never {value}"


def test_the_file_is_what_the_code_writes() -> None:
    assert FILE.read_text("utf-8") == written(), "python -m deploy.kibana"


def test_every_line_is_a_saved_object_with_an_id_of_its_own() -> None:
    assert len({(saved["type"], saved["id"]) for saved in SAVED}) == len(SAVED)
    titles = [saved["attributes"]["title"] for saved in SAVED]
    assert len(titles) == len(set(titles))
    for saved in SAVED:
        assert saved.keys() == {
            "attributes", "coreMigrationVersion", "id", "managed", "references", "type",
            "typeMigrationVersion",
        }  # fmt: skip
        assert saved["typeMigrationVersion"] == TYPE_VERSIONS[saved["type"]]
        assert re.fullmatch(r"tocsin-[a-z-]+", saved["id"])
        if saved["type"] != "index-pattern":
            assert saved["attributes"]["description"]


def test_compose_imports_the_file() -> None:
    setup = SERVICES["kibana-setup"]
    assert f"file=@/setup/{FILE.name}" in setup["command"][0]
    assert "./deploy/kibana:/setup:ro" in setup["volumes"]


def test_references_resolve() -> None:
    present = {(saved["type"], saved["id"]) for saved in SAVED}
    for saved in SAVED:
        assert set(references(saved).values()) <= present, saved["id"]
        assert len(references(saved)) == len(saved["references"])


def named_by(panel: dict[str, Any]) -> set[str]:
    """The references that a panel's stored state names."""
    config = panel["embeddableConfig"]
    found = {
        f"link_{link['id']}_dashboard" for link in config.get("attributes", {}).get("links", ())
    }
    if "panelRefName" in panel:
        found.add(panel["panelRefName"])
    for event in config["enhancements"].get("dynamicActions", {}).get("events", ()):
        found.add(f"drilldown:{event['action']['factoryId']}:{event['eventId']}:dashboardId")
    if panel["type"] == "lens":
        state = config["attributes"]["state"]
        layers = state["datasourceStates"]["formBased"]["layers"]
        found |= {f"indexpattern-datasource-layer-{id_}" for id_ in layers}
        for layer in state["visualization"].get("layers", ()):
            if layer["layerType"] == "annotations":
                found.add(f"xy-visualization-layer-{layer['layerId']}")
    return found


@each_board
def test_a_dashboard_uses_each_of_its_references(board: dict[str, Any]) -> None:
    named = {
        f"{panel['panelIndex']}:{name}"
        for panel in inner(board, "panelsJSON")
        for name in named_by(panel)
    }
    controls = json.loads(board["attributes"]["controlGroupInput"]["panelsJSON"])
    named |= {f"controlGroup_{id_}:optionsListDataView" for id_ in controls}
    assert named == references(board).keys()


def test_data_views_read_our_indices_by_a_date_and_each_is_used() -> None:
    used = {each["id"] for saved in SAVED for each in saved["references"]}
    for saved in of_type("index-pattern"):
        view = BY_VIEW[saved["id"]]
        assert saved["attributes"]["title"] == view.pattern
        assert view.mapped(saved["attributes"]["timeFieldName"])["type"] == "date"
        assert set(inner(saved, "fieldFormatMap")) <= view.properties.keys()
        assert view.id in used
    # The alias leaves tombstones out; a pattern of its indices would count them.
    assert "*" not in MENTIONS.pattern
    assert DELETIONS.pattern.startswith(f"{MENTIONS.pattern}-*,")


@each_panel
def test_a_panel_has_what_kibana_needs(panel: LensPanel) -> None:
    attributes, state = panel.attributes, panel.state
    assert attributes.keys() == {
        "description", "references", "state", "title", "type", "visualizationType",
    }  # fmt: skip
    assert state.keys() == {
        "adHocDataViews", "datasourceStates", "filters", "internalReferences", "query",
        "visualization",
    }  # fmt: skip
    assert attributes["type"] == "lens" and attributes["description"] and attributes["title"]
    assert panel.stored["embeddableConfig"]["title"] == attributes["title"]
    # Kibana keeps them twice: in the panel, and in its dashboard with the panel's id before them.
    own = {each["name"]: (each["type"], each["id"]) for each in attributes["references"]}
    prefix = f"{panel.stored['panelIndex']}:"
    of_board = {
        name.removeprefix(prefix): value
        for name, value in references(panel.board).items()
        if name.startswith(prefix) and "drilldown:" not in name
    }
    assert own == of_board


@each_panel
def test_a_panel_aggregates_what_can_be_aggregated(panel: LensPanel) -> None:
    for _, layer, view in panel.layers():
        columns = layer["columns"]
        order = [columns[id_] for id_ in layer["columnOrder"]]
        assert sorted(layer["columnOrder"]) == sorted(columns)
        buckets = [column["isBucketed"] for column in order]
        assert buckets == sorted(buckets, reverse=True), "buckets come before metrics"
        assert not all(buckets)
        for column in order:
            check_column(column, columns, view)


def check_column(column: dict[str, Any], columns: dict[str, Any], view: DataView) -> None:
    assert column["label"] and column["customLabel"]
    operation, field = column["operationType"], column.get("sourceField")
    if operation == "filters":
        return
    if operation == "count":
        assert field == "___records___" and column["dataType"] == "number"
        return
    assert isinstance(field, str)
    mapped = aggregatable(view, field)
    match operation:
        case "date_histogram":
            assert mapped["type"] == "date" == column["dataType"]
        case "terms":
            by = columns[column["params"]["orderBy"]["columnId"]]
            assert not by["isBucketed"]
            assert column["dataType"] == view.data_type(field)
        case "max":
            assert column["dataType"] == view.data_type(field) in ("number", "date")
        case "average" | "sum":
            assert column["dataType"] == view.data_type(field) == "number"
        case other:
            assert other == "unique_count"


ACCESSORS = re.compile(r"(?:[aA]ccessors?|columnId|metrics|primaryGroups)$")


def accessors(node: Any) -> set[str]:
    """The columns that a visualization draws."""
    found: set[str] = set()
    for name, value in node.items():
        parts = value if isinstance(value, list) else [value]
        if ACCESSORS.search(name):
            found |= set(parts)
        elif name != "annotations":
            found = found.union(*(accessors(part) for part in parts if isinstance(part, dict)))
    return found


@each_panel
def test_a_panel_draws_each_of_its_columns(panel: LensPanel) -> None:
    visualization = panel.state["visualization"]
    for id_, layer, _ in panel.layers():
        assert accessors(visualization) == layer["columns"].keys()
        drawn = visualization.get("layers", [visualization])
        assert id_ in {each["layerId"] for each in drawn}
        assert len(drawn) == len({each["layerId"] for each in drawn})


@each_panel
def test_the_queries_of_a_panel_find_what_can_be_there(panel: LensPanel) -> None:
    for kql, view in panel.kql():
        check_kql(kql, view)
    for annotation, view in panel.annotations():
        assert view.mapped(annotation["timeField"])["type"] == "date"
        for field in annotation["extraFields"]:
            aggregatable(view, field)


@each_panel
def test_time_without_documents_is_zero_or_a_gap_and_no_joined_line(panel: LensPanel) -> None:
    """An outage looks like one: empty buckets are asked for, counts in them are zero."""
    visualization = panel.state["visualization"]
    for _, layer, _ in panel.layers():
        columns = layer["columns"].values()
        times = [column for column in columns if column["operationType"] == "date_histogram"]
        for column in times:
            assert column["params"]["includeEmptyRows"] is True
            assert column["params"]["dropPartials"] is False
        if not times or panel.attributes["visualizationType"] != "lnsXY":
            continue
        assert visualization["fittingFunction"] == "None"
        for column in columns:
            if column["operationType"] in ("count", "unique_count", "sum"):
                assert column["params"]["emptyAsNull"] is False
        # Stacked areas and bars do not join what is null.
        kinds = {drawn.get("seriesType") for drawn in visualization["layers"]}
        assert kinds <= {"bar_stacked", "bar_percentage_stacked", "area_stacked", None}


@each_session
def test_a_session_asks_for_fields_that_exist(session: dict[str, Any]) -> None:
    view, attributes = view_of_session(session), session["attributes"]
    for field in attributes["columns"]:
        assert view.mapped(field).get("enabled", True)
    for field, order in attributes["sort"]:
        aggregatable(view, field)
        assert order == "desc"
    if "breakdownField" in attributes:
        aggregatable(view, attributes["breakdownField"])
    check_kql(source_of(session)["query"]["query"], view)


@each_board
def test_panels_stand_side_by_side_on_the_grid(board: dict[str, Any]) -> None:
    panels = inner(board, "panelsJSON")
    ids = [panel["panelIndex"] for panel in panels]
    assert len(ids) == len(set(ids))
    assert ids == [panel["gridData"]["i"] for panel in panels]
    assert not any(":" in id_ for id_ in ids), "a colon ends the panel's part of a reference"
    assert not overlap([panel["gridData"] for panel in panels], COLUMNS)
    for top in {panel["gridData"]["y"] for panel in panels}:
        width = sum(p["gridData"]["w"] for p in panels if p["gridData"]["y"] == top)
        assert width == COLUMNS, f"the row at {top} is not full"


def controls_of(board: dict[str, Any]) -> dict[str, DataView]:
    """Field of each control to its data view."""
    stored = json.loads(board["attributes"]["controlGroupInput"]["panelsJSON"])
    named = references(board)
    return {
        control["explicitInput"]["fieldName"]: BY_VIEW[
            named[f"controlGroup_{id_}:optionsListDataView"][1]
        ]
        for id_, control in stored.items()
    }


@each_board
def test_controls_filter_only_panels_that_have_their_fields(board: dict[str, Any]) -> None:
    """Kibana finds nothing where an index does not have the field of a filter."""
    controls = controls_of(board)
    assert controls
    for field, view in controls.items():
        aggregatable(view, field)
        for panel in (each for each in PANELS if each.board is board):
            for _, layer, asked in panel.layers():
                assert layer["ignoreGlobalFilters"] or asked.mapped(field)
            assert all(
                layer["ignoreGlobalFilters"]
                for layer in panel.state["visualization"].get("layers", ())
                if layer["layerType"] == "annotations"
            )
    sessions = {saved["id"]: saved for saved in SESSIONS}
    for type_, id_ in references(board).values():
        if type_ == "search":
            assert all(view_of_session(sessions[id_]).mapped(field) for field in controls)


@each_board
def test_filters_go_only_to_dashboards_that_have_their_fields(board: dict[str, Any]) -> None:
    by_id = {saved["id"]: saved for saved in BOARDS}
    for panel in inner(board, "panelsJSON"):
        for link in panel["embeddableConfig"].get("attributes", {}).get("links", ()):
            target = by_id[link["id"]]
            assert target is not board
            if link["options"]["useCurrentFilters"]:
                assert controls_of(target) == controls_of(board)
    for each in (each for each in PANELS if each.board is board):
        events = each.stored["embeddableConfig"]["enhancements"]["dynamicActions"]["events"]
        for event in events:
            name = f"{each.stored['panelIndex']}:drilldown:{event['action']['factoryId']}"
            _, id_ = references(board)[f"{name}:{event['eventId']}:dashboardId"]
            view = next(iter(controls_of(by_id[id_]).values()))
            for _, layer, _ in each.layers():
                split = [c["sourceField"] for c in layer["columns"].values() if c["isBucketed"]]
                assert split and all(view.mapped(field) for field in split)


def test_there_is_a_dashboard_for_each_reader_and_a_session_for_each_view() -> None:
    assert {board["id"] for board in BOARDS} == {"tocsin-analysts", "tocsin-crisis", "tocsin-ops"}
    assert {view_of_session(session).id for session in SESSIONS} == BY_VIEW.keys()
    assert ALERTS.id in {view.id for panel in PANELS for _, view in panel.annotations()}
