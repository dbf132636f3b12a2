"""The columns of a Lens layer: buckets that split documents, and metrics that measure them.

A column becomes one aggregation, in the order of the columns. Formulas are left out: Kibana stores
them with columns of its own, which only its parser makes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from deploy.kibana.data_views import DataView
from deploy.kibana.saved_object import KQL
from schemas.types import JsonObject

RECORDS: Final = "___records___"
"""The source field of a count of documents."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column; ``json`` gives what Lens stores of it."""

    id: str
    operation: str
    label: str
    field: str = RECORDS
    kql: str = ""
    parameters: JsonObject | None = None

    @property
    def is_bucket(self) -> bool:
        return self.operation in ("date_histogram", "terms", "filters")

    def json(self, view: DataView) -> JsonObject:
        """Without a label of its own, Kibana would write one in its reader's language."""
        stored: JsonObject = {
            "customLabel": True,
            "dataType": self._data_type(view),
            "isBucketed": self.is_bucket,
            "label": self.label,
            "operationType": self.operation,
            "params": self.parameters or {},
            "scale": {"date_histogram": "interval", "terms": "ordinal", "filters": "ordinal"}.get(
                self.operation, "ratio"
            ),
        }
        if self.operation != "filters":
            stored["sourceField"] = self.field
        if self.kql:
            stored["filter"] = {"language": KQL, "query": self.kql}
        return stored

    def _data_type(self, view: DataView) -> str:
        match self.operation:
            case "filters":
                return "string"
            case "count" | "unique_count":
                return "number"
        return view.data_type(self.field)


def over_time(field: str, label: str = "Time") -> Column:
    """Buckets of equal length; Kibana chooses it by the time range."""
    parameters: JsonObject = {"dropPartials": False, "includeEmptyRows": True, "interval": "auto"}
    return Column("time", "date_histogram", label, field, parameters=parameters)


def top(field: str, label: str, size: int, by: str, id_: str = "top") -> Column:
    """The values of a field with most of the metric in column ``by``."""
    parameters: JsonObject = {
        "exclude": [],
        "excludeIsRegex": False,
        "include": [],
        "includeIsRegex": False,
        "missingBucket": False,
        "orderBy": {"columnId": by, "type": "column"},
        "orderDirection": "desc",
        "otherBucket": False,
        "parentFormat": {"id": "terms"},
        "size": size,
    }
    return Column(id_, "terms", label, field, parameters=parameters)


def groups(label: str, queries: Mapping[str, str], id_: str = "groups") -> Column:
    """One bucket a query; ``queries`` is label to KQL."""
    filters = [
        {"input": {"language": KQL, "query": kql}, "label": name} for name, kql in queries.items()
    ]
    return Column(id_, "filters", label, parameters={"filters": filters})


def count(label: str, kql: str = "", id_: str = "count") -> Column:
    return Column(id_, "count", label, kql=kql, parameters={"emptyAsNull": False})


def distinct(field: str, label: str, kql: str = "", id_: str = "distinct") -> Column:
    """Different values, as an estimate."""
    return Column(id_, "unique_count", label, field, kql, {"emptyAsNull": False})


def greatest(field: str, label: str, kql: str = "", id_: str = "greatest") -> Column:
    """The highest number, or the latest time."""
    return Column(id_, "max", label, field, kql, {"emptyAsNull": True})


def mean(field: str, label: str, kql: str = "", id_: str = "mean") -> Column:
    return Column(id_, "average", label, field, kql, {"emptyAsNull": True})


def total(field: str, label: str, kql: str = "", id_: str = "total") -> Column:
    return Column(id_, "sum", label, field, kql, {"emptyAsNull": False})
