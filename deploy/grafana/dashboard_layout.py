"""Dashboards of Grafana as JSON: panels on the grid, variables, annotations, links to runbooks.

A dashboard asks whatever Prometheus its reader chooses. The variable ``runbooks`` holds the address
of the reader's copy of ``docs/runbooks.md``, as the rules of Prometheus do.

Source: the JSON model of dashboards, https://grafana.com/docs/grafana/latest/dashboards/.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec
import yaml

from schemas.types import JsonObject

COLUMNS: Final = 24
"""Width of the grid."""
TAG: Final = "tocsin"
_SCHEMA: Final = 39
_SOURCE: Final[JsonObject] = {"type": "prometheus", "uid": "${datasource}"}
_LETTERS: Final = "ABCDEFGHIJ"


class Limit(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A colour from a value on; without a value, the colour below all others."""

    colour: str
    value: float | None = msgspec.field(default=None, name="from")


class Panel(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Series over time, or one figure; ``asks`` is the legend to the expression."""

    title: str
    description: str
    unit: str
    asks: dict[str, str]
    width: int = 8
    figure: bool = False
    limits: list[Limit] = []
    stacked: bool = False
    filled: bool = False
    runbooks: list[str] = []
    """Names of rules whose runbook says what to do about it."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return (4, 4) if self.figure else (self.width, 8)

    def json(self, number: int, place: JsonObject) -> JsonObject:
        panel: JsonObject = {
            "datasource": _SOURCE,
            "description": self.description,
            "fieldConfig": {"defaults": self._defaults(), "overrides": []},
            "gridPos": place,
            "id": number,
            "options": _FIGURE if self.figure else _SERIES,
            "targets": [
                _target(letter, legend, expression, self.figure)
                for letter, (legend, expression) in zip(_LETTERS, self.asks.items(), strict=False)
            ],
            "title": self.title,
            "type": "stat" if self.figure else "timeseries",
        }
        if self.runbooks:
            panel["links"] = [
                {"targetBlank": True, "title": name, "url": f"${{runbooks:raw}}#{name.lower()}"}
                for name in self.runbooks
            ]
        return panel

    def _defaults(self) -> JsonObject:
        found: JsonObject = {"custom": {}, "min": 0, "unit": self.unit}
        if self.limits:
            steps = [{"color": limit.colour, "value": limit.value} for limit in self.limits]
            found["thresholds"] = {"mode": "absolute", "steps": steps}
        if self.figure:
            return {**found, "color": {"mode": "thresholds"}}
        found["custom"] = {
            "drawStyle": "line",
            "fillOpacity": 20 if self.filled or self.stacked else 5,
            "lineWidth": 1,
            "showPoints": "never",
            "spanNulls": False,
            "stacking": {"group": "A", "mode": "normal" if self.stacked else "none"},
        }
        if self.limits:
            found["custom"]["thresholdsStyle"] = {"mode": "dashed"}
        return found


class Row(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Panels under one heading."""

    title: str
    panels: list[Panel]


class Choice(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A variable: values of a label, several of which may be chosen."""

    name: str
    label: str
    description: str
    values: str


class Dashboard(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    uid: str
    title: str
    description: str
    rows: list[Row]
    choices: list[Choice] = []
    since: str = "now-1h"
    refresh: str = "10s"

    def text(self) -> str:
        """The file that Grafana reads."""
        return json.dumps(self._json(), indent=1, ensure_ascii=False) + "\n"

    def _json(self) -> JsonObject:
        return {
            "annotations": {"list": _ANNOTATIONS},
            "description": self.description,
            "editable": False,
            "graphTooltip": 1,
            "links": [_OTHERS],
            "panels": list(_placed(self.rows)),
            "refresh": self.refresh,
            "schemaVersion": _SCHEMA,
            "tags": [TAG],
            "templating": {"list": [_DATASOURCE, *map(_query, self.choices), _RUNBOOKS]},
            "time": {"from": self.since, "to": "now"},
            "timepicker": {},
            "timezone": "browser",
            "title": self.title,
            "uid": self.uid,
            "version": 3,
        }


def read_dashboard(file: Path) -> Dashboard:
    """The dashboard that a file describes; raises ``msgspec.ValidationError`` for a wrong field."""
    return msgspec.convert(yaml.safe_load(file.read_bytes()), Dashboard)


def _placed(rows: Sequence[Row]) -> Iterator[JsonObject]:
    """The panels, from left to right; a row is broken where its width is used up."""
    number, top = 0, 0
    for row in rows:
        number += 1
        yield _heading(row.title, number, top)
        top, left, height = top + 1, 0, 0
        for panel in row.panels:
            number += 1
            width, wanted = panel.size
            if left + width > COLUMNS:
                top, left, height = top + height, 0, 0
            yield panel.json(number, {"h": wanted, "w": width, "x": left, "y": top})
            left, height = left + width, max(height, wanted)
        top += height


def _heading(title: str, number: int, top: int) -> JsonObject:
    return {
        "collapsed": False,
        "gridPos": {"h": 1, "w": COLUMNS, "x": 0, "y": top},
        "id": number,
        "panels": [],
        "title": title,
        "type": "row",
    }


def _target(letter: str, legend: str, expression: str, figure: bool) -> JsonObject:
    return {
        "datasource": _SOURCE,
        "editorMode": "code",
        "expr": expression,
        "instant": figure,
        "legendFormat": legend,
        "range": not figure,
        "refId": letter,
    }


_FIGURE: Final[JsonObject] = {
    "colorMode": "value",
    "graphMode": "none",
    "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
    "textMode": "auto",
}
_SERIES: Final[JsonObject] = {
    "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
    "tooltip": {"mode": "multi", "sort": "desc"},
}
_DATASOURCE: Final[JsonObject] = {
    "current": {},
    "hide": 0,
    "includeAll": False,
    "label": "Prometheus",
    "multi": False,
    "name": "datasource",
    "options": [],
    "query": "prometheus",
    "refresh": 1,
    "regex": "",
    "skipUrlSync": False,
    "type": "datasource",
}
_RUNBOOKS: Final[JsonObject] = {
    "current": {"text": "docs/runbooks.md", "value": "docs/runbooks.md"},
    "description": "Address of your copy of docs/runbooks.md; panels link to its sections.",
    "hide": 0,
    "label": "Runbooks",
    "name": "runbooks",
    "options": [],
    "query": "docs/runbooks.md",
    "skipUrlSync": False,
    "type": "textbox",
}
_OTHERS: Final[JsonObject] = {
    "asDropdown": False,
    "icon": "external link",
    "includeVars": True,
    "keepTime": True,
    "tags": [TAG],
    "targetBlank": False,
    "title": "",
    "type": "dashboards",
}
_ANNOTATIONS: Final[Sequence[JsonObject]] = (
    {
        "datasource": _SOURCE,
        "enable": True,
        "expr": 'sum by (kind, severity) (increase(tocsin_detector_alerts_total{status="open"}[1m])'
        ' > 0 or (tocsin_detector_alerts_total{status="open"} unless '
        'tocsin_detector_alerts_total{status="open"} offset 1m))',
        "hide": False,
        "iconColor": "red",
        "name": "Crises",
        "step": "60s",
        "tagKeys": "kind,severity",
        "textFormat": "{{kind}}, severity {{severity}}; tocsin alerts list",
        "titleFormat": "A crisis opened",
        "useValueForTime": False,
    },
    {
        "datasource": _SOURCE,
        "enable": True,
        "expr": 'changes(process_start_time_seconds{job=~"tocsin-.*"}[1m]) > 0',
        "hide": False,
        "iconColor": "yellow",
        "name": "Restarts",
        "step": "60s",
        "tagKeys": "job,instance",
        "textFormat": "{{job}} {{instance}}",
        "titleFormat": "A service started",
        "useValueForTime": False,
    },
)


def _query(choice: Choice) -> JsonObject:
    return {
        "allValue": ".*",
        "current": {"text": ["All"], "value": ["$__all"]},
        "datasource": _SOURCE,
        "definition": choice.values,
        "description": choice.description,
        "hide": 0,
        "includeAll": True,
        "label": choice.label,
        "multi": True,
        "name": choice.name,
        "options": [],
        "query": {"query": choice.values, "refId": choice.name},
        "refresh": 2,
        "regex": "",
        "skipUrlSync": False,
        "sort": 1,
        "type": "query",
    }
