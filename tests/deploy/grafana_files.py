"""The dashboards of Grafana as Grafana reads them, and what they ask Prometheus."""

import json
import re
from collections.abc import Iterator
from typing import Any

from deploy.grafana.__main__ import DASHBOARDS

BOARDS: dict[str, dict[str, Any]] = {
    file.stem: json.loads(file.read_bytes()) for file in sorted(DASHBOARDS.glob("*.json"))
}
"""Name of the file to the dashboard."""


def panels(board: dict[str, Any]) -> list[dict[str, Any]]:
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def variables(board: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {variable["name"]: variable for variable in board["templating"]["list"]}


def asked() -> Iterator[tuple[str, str]]:
    """Where an expression stands, and the expression."""
    for board in BOARDS.values():
        for panel in panels(board):
            for target in panel["targets"]:
                yield panel["title"], target["expr"]
        for annotation in board["annotations"]["list"]:
            yield annotation["name"], annotation["expr"]
        for variable in variables(board).values():
            if variable["type"] == "query":
                match = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["definition"])
                assert match
                yield variable["name"], f"count by ({match[2]}) ({match[1]})"


def metrics_in(expression: str) -> set[str]:
    """The metrics that an expression names, without the parts of a histogram."""
    bare = re.sub(r'"[^"]*"', '""', expression)
    found = re.findall(r"\b(?:tocsin|process)_\w+|\bup\b", bare)
    return {re.sub(r"_(?:bucket|sum|count)$", "", name) for name in found}
