"""Charts of Lens: a figure, series over time, bars, shares, a table, a heat map.

Each is one layer of columns on a data view, with what the visualization stores of it. Alerts may be
drawn over a series as annotations.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from deploy.kibana.data_views import ALERTS, DataView
from deploy.kibana.lens_columns import Column
from deploy.kibana.saved_object import KQL, Reference
from schemas.types import JsonObject

LAYER: Final = "layer"
MARKS: Final = "alerts"
"""Ids of the layers; they are unique within a panel."""
_ALERT_COLOUR: Final = "#8c1230"


@dataclass(frozen=True, slots=True)
class Chart:
    """A Lens panel before it has a place."""

    title: str
    description: str
    view: DataView
    columns: tuple[Column, ...]
    kind: str
    visualization: JsonObject
    kql: str = ""
    everything: bool = False
    """Whether the dashboard's query, filters and controls are ignored, as their fields are not in
    this data view."""
    marks: bool = False

    def references(self) -> tuple[Reference, ...]:
        found = [Reference(f"indexpattern-datasource-layer-{LAYER}", "index-pattern", self.view.id)]
        if self.marks:
            name = f"xy-visualization-layer-{MARKS}"
            found.append(Reference(name, "index-pattern", ALERTS.id))
        return tuple(found)

    def attributes(self) -> JsonObject:
        """What a panel by value holds."""
        layer: JsonObject = {
            "columnOrder": [column.id for column in self.columns],
            "columns": {column.id: column.json(self.view) for column in self.columns},
            "ignoreGlobalFilters": self.everything,
            "incompleteColumns": {},
            "sampling": 1,
        }
        return {
            "description": self.description,
            "references": [each.json() for each in self.references()],
            "state": {
                "adHocDataViews": {},
                "datasourceStates": {
                    "formBased": {"layers": {LAYER: layer}},
                    "textBased": {"layers": {}},
                },
                "filters": [],
                "internalReferences": [],
                "query": {"language": KQL, "query": self.kql},
                "visualization": self.visualization,
            },
            "title": self.title,
            "type": "lens",
            "visualizationType": self.kind,
        }


@dataclass(frozen=True, slots=True)
class Source:
    """The part that charts share: what they are about, and what they read."""

    title: str
    description: str
    view: DataView
    kql: str = ""
    everything: bool = False


def _chart(
    source: Source,
    columns: Sequence[Column],
    kind: str,
    visualization: JsonObject,
    marks: bool = False,
) -> Chart:
    return Chart(
        source.title,
        source.description,
        source.view,
        tuple(columns),
        kind,
        visualization,
        source.kql,
        source.everything,
        marks,
    )


def figure(source: Source, value: Column, beside: Column | None = None) -> Chart:
    """One number, with a smaller one beside it."""
    visualization: JsonObject = {
        "layerId": LAYER,
        "layerType": "data",
        "metricAccessor": value.id,
        "showBar": False,
    }
    columns = [value]
    if beside is not None:
        visualization["secondaryMetricAccessor"] = beside.id
        columns.append(beside)
    return _chart(source, columns, "lnsMetric", visualization)


@dataclass(frozen=True, slots=True)
class Axes:
    """How series are drawn; ``colours`` is the id of a metric to its colour."""

    series: str = "bar_stacked"
    colours: Mapping[str, str] = field(default_factory=dict)
    marks: bool = False


def series(
    source: Source,
    along: Column,
    values: Sequence[Column],
    split: Column | None = None,
    axes: Axes | None = None,
) -> Chart:
    """Values along time or along the values of a field, one series a value or a split."""
    axes = axes or Axes()
    layer: JsonObject = {
        "accessors": [value.id for value in values],
        "layerId": LAYER,
        "layerType": "data",
        "position": "top",
        "seriesType": axes.series,
        "showGridlines": False,
        "xAccessor": along.id,
        "yConfig": [
            {"axisMode": "left", "color": colour, "forAccessor": id_}
            for id_, colour in axes.colours.items()
        ],
    }
    columns = [along, *values]
    if split is not None:
        # First, so that the same values are split in each bucket.
        columns.insert(0, split)
        layer["splitAccessor"] = split.id
    shown = {"x": True, "yLeft": True, "yRight": True}
    visualization: JsonObject = {
        "axisTitlesVisibilitySettings": {"x": False, "yLeft": False, "yRight": False},
        "fittingFunction": "None",
        "gridlinesVisibilitySettings": shown,
        "labelsOrientation": {"x": 0, "yLeft": 0, "yRight": 0},
        "layers": [layer, *([_marks()] if axes.marks else [])],
        "legend": {
            "isVisible": len(values) > 1 or split is not None,
            "position": "right",
            "showSingleSeries": False,
        },
        "preferredSeriesType": axes.series,
        "tickLabelsVisibilitySettings": shown,
        "valueLabels": "hide",
    }
    return _chart(source, columns, "lnsXY", visualization, axes.marks)


def _marks() -> JsonObject:
    """A mark where an alert began."""
    annotation: JsonObject = {
        "color": _ALERT_COLOUR,
        "extraFields": ["brand", "severity", "status"],
        "filter": {"language": KQL, "query": "kind: crisis", "type": "kibana_query"},
        "icon": "alert",
        "id": "crises",
        "key": {"type": "point_in_time"},
        "label": "An alert began",
        "timeField": ALERTS.time,
        "type": "query",
    }
    return {
        "annotations": [annotation],
        # Filters on mentions name fields that alerts do not have.
        "ignoreGlobalFilters": True,
        "layerId": MARKS,
        "layerType": "annotations",
        "persistanceType": "byValue",
    }


def shares(source: Source, by: Column, value: Column) -> Chart:
    """A ring of shares."""
    layer: JsonObject = {
        "categoryDisplay": "default",
        "layerId": LAYER,
        "layerType": "data",
        "legendDisplay": "show",
        "metrics": [value.id],
        "nestedLegend": False,
        "numberDisplay": "percent",
        "primaryGroups": [by.id],
    }
    return _chart(source, [by, value], "lnsPie", {"layers": [layer], "shape": "donut"})


def table(source: Source, by: Sequence[Column], values: Sequence[Column]) -> Chart:
    """A row for each bucket, sorted by the first value."""
    columns = [*by, *values]
    visualization: JsonObject = {
        "columns": [
            {"columnId": column.id, "isMetric": not column.is_bucket, "isTransposed": False}
            for column in columns
        ],
        "layerId": LAYER,
        "layerType": "data",
        "paging": {"enabled": True, "size": 10},
        "sorting": {"columnId": values[0].id, "direction": "desc"},
    }
    return _chart(source, columns, "lnsDatatable", visualization)


def heat_map(source: Source, along: Column, down: Column, value: Column) -> Chart:
    """A cell for each pair of values."""
    visualization: JsonObject = {
        "gridConfig": {
            "isCellLabelVisible": False,
            "isXAxisLabelVisible": True,
            "isXAxisTitleVisible": False,
            "isYAxisLabelVisible": True,
            "isYAxisTitleVisible": False,
            "type": "heatmap_grid",
        },
        "layerId": LAYER,
        "layerType": "data",
        "legend": {"isVisible": True, "position": "right", "type": "heatmap_legend"},
        "shape": "heatmap",
        "valueAccessor": value.id,
        "xAccessor": along.id,
        "yAccessor": down.id,
    }
    return _chart(source, [down, along, value], "lnsHeatmap", visualization)
