"""What people did about an alert: beside the detector's state, and never touched by it. Pure."""

from datetime import datetime
from typing import Any, Literal

import msgspec
from msgspec import Struct, field

Did = Literal["acknowledged", "assigned", "closed", "noted"]
Standing = Literal["open", "acknowledged", "closed"]
AlertDocument = dict[str, Any]
"""An alert in the index: the detector's part, the states that it had, and the people's part."""
MAX_TEXT = 4_000
MAX_ACTIONS = 1_000


class Action(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that one person did."""

    at: datetime
    by: str
    did: Did
    to: str | None = None
    text: str | None = None


class Triage(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who takes care of the alert, and all that was done about it."""

    acknowledged_by: str | None = None
    acknowledged_at: datetime | None = None
    assignee: str | None = None
    closed_by: str | None = None
    closed_at: datetime | None = None
    closed_severity: int | None = None
    """How grave it was then: a graver one is open again."""
    history: list[Action] = field(default_factory=list)


class NotPossible(ValueError):
    """What was asked makes no sense now; the message says why."""


def desk_of(source: AlertDocument) -> Triage:
    """The people's part of a document."""
    return msgspec.convert(source.get("desk") or {}, Triage)


def standing(source: AlertDocument) -> Standing:
    """Whether anybody has to do anything, by what the detector and the people say."""
    desk = desk_of(source)
    if source.get("status") == "close":
        return "closed"
    if desk.closed_by is not None and not escalated(source):
        return "closed"
    return "acknowledged" if desk.acknowledged_by is not None else "open"


def escalated(source: AlertDocument) -> bool:
    """Whether the alert is graver than it was when a person closed it."""
    desk = desk_of(source)
    return desk.closed_severity is not None and int(source["severity"]) > desk.closed_severity


def acknowledge(source: AlertDocument, by: str, at: datetime, text: str | None) -> Triage:
    """Somebody looks at it."""
    desk = desk_of(source)
    if desk.acknowledged_by is not None and desk.acknowledged_by != by:
        raise NotPossible(
            f"already acknowledged by {desk.acknowledged_by}; 'tocsin alerts assign' hands it on"
        )
    done = _done(desk, Action(at=at, by=by, did="acknowledged", text=text))
    return msgspec.structs.replace(done, acknowledged_by=by, acknowledged_at=at)


def assign(source: AlertDocument, by: str, at: datetime, to: str, text: str | None) -> Triage:
    """Somebody is to take care of it."""
    action = Action(at=at, by=by, did="assigned", to=to, text=text)
    return msgspec.structs.replace(_done(desk_of(source), action), assignee=to)


def close(source: AlertDocument, by: str, at: datetime, text: str | None) -> Triage:
    """For the people it is over; the detector may go on."""
    desk = desk_of(source)
    if desk.closed_by is not None and not escalated(source):
        raise NotPossible(f"already closed by {desk.closed_by}")
    done = _done(desk, Action(at=at, by=by, did="closed", text=text))
    return msgspec.structs.replace(
        done, closed_by=by, closed_at=at, closed_severity=int(source["severity"])
    )


def note(source: AlertDocument, by: str, at: datetime, text: str) -> Triage:
    """A remark."""
    return _done(desk_of(source), Action(at=at, by=by, did="noted", text=text))


def _done(desk: Triage, action: Action) -> Triage:
    for said in (action.text, action.to, action.by):
        if said is not None and not 0 < len(said.strip()) <= MAX_TEXT:
            raise NotPossible(f"a text must have 1 to {MAX_TEXT} characters")
    if len(desk.history) >= MAX_ACTIONS:
        raise NotPossible(f"its history is full ({MAX_ACTIONS} entries)")
    return msgspec.structs.replace(desk, history=[*desk.history, action])
