"""What a question is: its parameters, its searches, and how their responses become the answer."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, Generic, Literal, TypeVar

from msgspec import Meta, Struct

from queries.language.ast import Node
from schemas.brand import Brand
from schemas.types import JsonObject, Time

Response = JsonObject
"""One response of ``_msearch``."""
Row = Sequence[str | int | float | None]
IndexName = Literal["mentions", "alerts", "coverage", "erasures"]

MAX_QUERY = 4_000
"""Characters of a query in a URL."""
AGGREGATIONS = frozenset(
    {
        "avg",
        "cardinality",
        "date_histogram",
        "filter",
        "filters",
        "histogram",
        "max",
        "min",
        "missing",
        "range",
        "sum",
        "terms",
        "top_hits",
        "value_count",
    }
)
"""What every Elasticsearch that tocsin runs on can aggregate; a test holds the searches to it."""


class Ask(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The parameters that every question about mentions takes."""

    q: Annotated[
        str, Meta(max_length=MAX_QUERY, description="Query (docs/queries.md); empty: all mentions.")
    ] = ""
    last: (
        Annotated[
            str,
            Meta(
                pattern=r"^[1-9][0-9]{0,3}[mhd]$",
                description="Window up to now, such as 16h or 7d.",
            ),
        ]
        | None
    ) = None
    since: Annotated[Time | None, Meta(description="Start of the window, included.")] = None
    until: Annotated[Time | None, Meta(description="End of the window, excluded.")] = None
    tz: Annotated[
        str, Meta(max_length=64, description="Time zone of days and hours, such as Europe/Paris.")
    ] = "UTC"


class Answer(Struct, kw_only=True):
    """What every answer carries."""

    as_of: Annotated[Time | None, Meta(description="When the index gave it.")] = None
    since: Time | None = None
    until: Time | None = None
    partial: Annotated[bool, Meta(description="Some shards did not answer in time.")] = False
    took_ms: Annotated[int, Meta(description="Time that the index took, milliseconds.")] = 0


@dataclass(frozen=True)
class Search:
    """One search of an index; the window and the query are already in the body."""

    index: IndexName
    body: JsonObject


@dataclass(frozen=True)
class Context:
    """What a question may know besides its parameters."""

    now: datetime
    brands: Mapping[str, Brand] = field(default_factory=dict)
    saved: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Scope:
    """The parameters, checked: the window, the query's tree and its filter."""

    context: Context
    since: datetime
    until: datetime
    tz: str
    node: Node | None
    filters: tuple[JsonObject, ...]
    """The query and the window, for ``bool.filter``."""
    brand: str | None
    """The one brand that the query asks for, if there is exactly one."""

    def within(self, *others: JsonObject) -> JsonObject:
        """The query of a search: everything in the scope that fits ``others`` too."""
        return {"bool": {"filter": [*self.filters, *others]}}

    def query_alone(self, since: datetime, until: datetime) -> JsonObject:
        """The query over another window."""
        return {"bool": {"filter": [*self.filters[:-1], between(since, until)]}}


def between(since: datetime, until: datetime) -> JsonObject:
    return {"range": {"created_at": {"gte": since.isoformat(), "lt": until.isoformat()}}}


A = TypeVar("A", bound=Ask)
R = TypeVar("R", bound=Answer)


@dataclass(frozen=True)
class Question(Generic[A, R]):
    """One entry of the table. ``name`` is the path below ``/api/v1/``."""

    name: str
    summary: str
    ask: type[A]
    answer: type[R]
    searches: Callable[[A, Scope], list[Search]]
    read: Callable[[A, Scope, list[Response]], R]
    columns: Sequence[str]
    rows: Callable[[R], Iterable[Row]]
    role: Literal["reader", "desk", "admin"] = "reader"
    path: str | None = None
    """The parameter that is a part of the path, such as the id of an alert."""


def total(response: Response) -> int:
    """The exact number of hits; the search asks for it with ``track_total_hits``."""
    return int(response["hits"]["total"]["value"])


def buckets(response: Response, *names: str) -> list[JsonObject]:
    """The buckets of an aggregation, by its path."""
    found: Any = response.get("aggregations", {})
    for name in names:
        found = found.get(name, {})
    return list(found.get("buckets", ()))


def top_terms(name: str, size: int, **others: Any) -> JsonObject:
    """The most frequent values; equal counts are in the order of the values."""
    terms = {"field": name, "size": size, "order": [{"_count": "desc"}, {"_key": "asc"}]}
    return {"terms": {**terms, **others}}


def distinct(name: str, exact_to: int = 40_000) -> JsonObject:
    """The number of distinct values; exact to about 40,000, the engine's limit.

    Each counter takes some eight bytes times ``exact_to``, so buckets have smaller ones.
    """
    return {"cardinality": {"field": name, "precision_threshold": exact_to}}
