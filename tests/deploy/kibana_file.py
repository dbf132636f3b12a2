"""Reads ``deploy/kibana/tocsin.ndjson`` as Kibana does: attributes, references, panels."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from deploy.kibana.__main__ import FILE
from deploy.kibana.data_views import VIEWS, DataView
from schemas.types import JsonObject

SAVED: list[dict[str, Any]] = [json.loads(line) for line in FILE.read_text("utf-8").splitlines()]
BY_VIEW = {view.id: view for view in VIEWS}


def of_type(type_: str) -> list[dict[str, Any]]:
    return [saved for saved in SAVED if saved["type"] == type_]


def inner(saved: JsonObject, name: str) -> Any:
    """JSON that an attribute holds as text."""
    return json.loads(saved["attributes"][name])


def references(saved: JsonObject) -> dict[str, tuple[str, str]]:
    """Name to type and id."""
    return {each["name"]: (each["type"], each["id"]) for each in saved["references"]}


def source_of(saved: JsonObject) -> Any:
    return json.loads(saved["attributes"]["kibanaSavedObjectMeta"]["searchSourceJSON"])


def view_of_session(saved: JsonObject) -> DataView:
    type_, id_ = references(saved)[source_of(saved)["indexRefName"]]
    assert type_ == "index-pattern"
    return BY_VIEW[id_]


@dataclass(frozen=True)
class LensPanel:
    """A panel of Lens, as its dashboard stores it."""

    board: JsonObject
    stored: JsonObject

    @property
    def name(self) -> str:
        return f"{self.board['id']}:{self.stored['panelIndex']}"

    @property
    def attributes(self) -> Any:
        return self.stored["embeddableConfig"]["attributes"]

    @property
    def state(self) -> Any:
        return self.attributes["state"]

    def view(self, reference: str) -> DataView:
        """The data view that a reference of this panel names."""
        type_, id_ = references(self.board)[f"{self.stored['panelIndex']}:{reference}"]
        assert type_ == "index-pattern"
        return BY_VIEW[id_]

    def layers(self) -> Iterator[tuple[str, Any, DataView]]:
        """Id, stored state and data view of each layer of columns."""
        layers = self.state["datasourceStates"]["formBased"]["layers"]
        for id_, layer in layers.items():
            yield id_, layer, self.view(f"indexpattern-datasource-layer-{id_}")

    def annotations(self) -> Iterator[tuple[Any, DataView]]:
        """Each annotation that asks an index, with its data view."""
        for layer in self.state["visualization"].get("layers", ()):
            if layer["layerType"] == "annotations":
                view = self.view(f"xy-visualization-layer-{layer['layerId']}")
                yield from ((annotation, view) for annotation in layer["annotations"])

    def kql(self) -> Iterator[tuple[str, DataView]]:
        """Every query that the panel holds."""
        for _, layer, view in self.layers():
            yield self.state["query"]["query"], view
            for column in layer["columns"].values():
                yield column.get("filter", {}).get("query", ""), view
                for each in column["params"].get("filters", ()):
                    yield each["input"]["query"], view
        for annotation, view in self.annotations():
            yield annotation["filter"]["query"], view


def lens_panels() -> list[LensPanel]:
    return [
        LensPanel(board, panel)
        for board in of_type("dashboard")
        for panel in inner(board, "panelsJSON")
        if panel["type"] == "lens"
    ]
