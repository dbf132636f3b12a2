"""Alerts: the list, and the room of one alert."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct

from schemas.alert import Alert, Headline, Signal, Status
from schemas.types import Count, JsonObject, Time
from sinks.alerts.triage import Standing, Triage, desk_of, standing
from tower.questions.question import Answer, Ask, Question, Response, Row, Scope, Search, total

MAX_ALERTS: Final = 200


class AlertsAsk(Ask, frozen=True, kw_only=True):
    brand: Annotated[str, Meta(max_length=64, description="Only of this brand.")] | None = None
    standing: Annotated[
        Literal["open", "acknowledged", "closed", "all"],
        Meta(description="By what people and the detector have done with it."),
    ] = "all"
    size: Annotated[int, Meta(ge=1, le=MAX_ALERTS)] = 50


class AlertAsk(Ask, frozen=True, kw_only=True):
    id: Annotated[str, Meta(min_length=1, max_length=512, description="Id of the alert.")]


class AlertState(Struct, kw_only=True):
    """One past state."""

    at: Time
    version: int
    status: Status
    severity: int
    title: str
    muted: bool = False
    headline: Headline | None = None
    signals: list[Signal] = []


class ListedAlert(Struct, kw_only=True):
    alert: Alert
    standing: Standing
    desk: Triage
    states: list[AlertState] = []

    @property
    def gravest(self) -> AlertState | None:
        """The state with the highest severity, the newest of equal ones."""
        return max(
            (state for state in self.states if state.status != "close"),
            key=lambda state: (state.severity, state.version),
            default=None,
        )

    @property
    def ends_at(self) -> datetime | None:
        """When the detector closed it."""
        return self.alert.raised_at if self.alert.status == "close" else None


class AlertsAnswer(Answer, kw_only=True):
    total: Count = 0
    alerts: list[ListedAlert] = []


class AlertAnswer(Answer, kw_only=True):
    found: ListedAlert | None = None


def searches(ask: AlertsAsk, scope: Scope) -> list[Search]:
    brand = ask.brand or scope.brand
    recent: JsonObject = {"range": {"raised_at": {"gte": scope.since.isoformat()}}}
    # An alert that goes on may have told nothing new since.
    lasting: JsonObject = {"bool": {"must_not": [{"term": {"status": "close"}}]}}
    filters: list[JsonObject] = [
        {"range": {"began_at": {"lt": scope.until.isoformat()}}},
        {"bool": {"should": [recent, lasting], "minimum_should_match": 1}},
    ]
    if brand:
        filters.append({"term": {"brand": brand}})
    body = {
        "size": MAX_ALERTS,
        "track_total_hits": True,
        "query": {"bool": {"filter": filters}},
        "sort": [{"raised_at": "desc"}, {"id": "asc"}],
    }
    return [Search("alerts", body)]


def read(ask: AlertsAsk, scope: Scope, responses: list[Response]) -> AlertsAnswer:
    (response,) = responses
    found = [alert_of(hit["_source"]) for hit in response["hits"]["hits"]]
    kept = [one for one in found if ask.standing in ("all", one.standing)]
    kept.sort(key=lambda one: (_URGENCY[one.standing], -one.alert.severity))
    count = total(response) if ask.standing == "all" else len(kept)
    return AlertsAnswer(total=count, alerts=kept[: ask.size])


_URGENCY: Final = {"open": 0, "acknowledged": 1, "closed": 2}


def alert_of(source: JsonObject) -> ListedAlert:
    states = [
        AlertState(
            at=datetime.fromisoformat(state["at"]),
            version=state["version"],
            status=state["status"],
            severity=state["severity"],
            title=state["title"],
            muted=state.get("muted", False),
            headline=msgspec.convert(state.get("headline"), Headline | None),
            signals=msgspec.convert(state.get("signals") or [], list[Signal]),
        )
        for state in source.get("states") or []
    ]
    return ListedAlert(
        alert=msgspec.convert(source, Alert),
        standing=standing(source),
        desk=desk_of(source),
        states=states,
    )


def rows(answer: AlertsAnswer) -> Iterable[Row]:
    for one in answer.alerts:
        alert = one.alert
        yield (
            alert.id, alert.brand, alert.kind, one.standing, alert.severity,
            alert.began_at.isoformat(), alert.raised_at.isoformat(), one.desk.assignee, alert.title,
        )  # fmt: skip


def room_searches(ask: AlertAsk, scope: Scope) -> list[Search]:
    return [Search("alerts", {"size": 1, "query": {"term": {"id": ask.id}}})]


def read_room(ask: AlertAsk, scope: Scope, responses: list[Response]) -> AlertAnswer:
    (response,) = responses
    hits = response["hits"]["hits"]
    return AlertAnswer(found=alert_of(hits[0]["_source"]) if hits else None)


def room_rows(answer: AlertAnswer) -> Iterable[Row]:
    if answer.found is not None:
        for signal in answer.found.alert.signals:
            yield (
                signal.name, signal.observed, signal.baseline, signal.unit, signal.significance,
                signal.about,
            )  # fmt: skip


ALERTS = Question(
    name="alerts",
    summary="Alerts whose time meets the window, those that need attention first.",
    ask=AlertsAsk,
    answer=AlertsAnswer,
    searches=searches,
    read=read,
    columns=(
        "id", "brand", "kind", "standing", "severity", "began_at", "raised_at", "assignee", "title",
    ),
    rows=rows,
)  # fmt: skip
ALERT = Question(
    name="alerts/{id}",
    summary="One alert: its state, signals, evidence, past states, and what people did.",
    ask=AlertAsk,
    answer=AlertAnswer,
    searches=room_searches,
    read=read_room,
    columns=("signal", "observed", "baseline", "unit", "significance", "about"),
    rows=room_rows,
    path="id",
)
