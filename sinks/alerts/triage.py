"""The work of people on an alert, kept apart from the state of the detector. Pure."""

from datetime import datetime
from typing import Literal

import msgspec
from msgspec import Struct, field

from schemas.types import JsonObject

Did = Literal["acknowledged", "assigned", "closed", "noted", "judged"]
Verdict = Literal["right", "false_alarm"]
Standing = Literal["open", "acknowledged", "closed"]
AlertDocument = JsonObject
"""An alert in the index: the newest state, the past ``states``, and the ``desk`` of people."""
MAX_TEXT = 4_000
MAX_ACTIONS = 1_000


class Action(Struct, frozen=True, kw_only=True, omit_defaults=True):
    at: datetime
    by: str
    did: Did
    to: str | None = None
    text: str | None = None


class Triage(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who handles the alert, and everything that was done."""

    acknowledged_by: str | None = None
    acknowledged_at: datetime | None = None
    assignee: str | None = None
    closed_by: str | None = None
    closed_at: datetime | None = None
    closed_severity: int | None = None
    """The severity at that time; a graver state reopens the alert."""
    verdict: Verdict | None = None
    """Whether the alarm was right: what the scorecard of one's own alerts is made of."""
    verdict_by: str | None = None
    verdict_at: datetime | None = None
    history: list[Action] = field(default_factory=list)


class NotPossible(ValueError):
    """The action contradicts the current state; the message is for the user."""


def desk_of(source: AlertDocument) -> Triage:
    return msgspec.convert(source.get("desk") or {}, Triage)


def standing(source: AlertDocument) -> Standing:
    """Whether the alert needs attention, from the states of the detector and of people."""
    desk = desk_of(source)
    closed = desk.closed_by is not None and not escalated(source)
    if closed or source.get("status") == "close":
        return "closed"
    return "acknowledged" if desk.acknowledged_by is not None else "open"


def escalated(source: AlertDocument) -> bool:
    """Whether the alert is graver than it was when a person closed it."""
    desk = desk_of(source)
    return desk.closed_severity is not None and int(source["severity"]) > desk.closed_severity


def acknowledge(source: AlertDocument, by: str, at: datetime, text: str | None) -> Triage:
    desk = desk_of(source)
    if desk.acknowledged_by is not None and desk.acknowledged_by != by:
        raise NotPossible(
            f"already acknowledged by {desk.acknowledged_by}; 'tocsin alerts assign' hands it on"
        )
    done = _done(desk, Action(at=at, by=by, did="acknowledged", text=text))
    return msgspec.structs.replace(done, acknowledged_by=by, acknowledged_at=at)


def assign(source: AlertDocument, by: str, at: datetime, to: str, text: str | None) -> Triage:
    action = Action(at=at, by=by, did="assigned", to=to, text=text)
    return msgspec.structs.replace(_done(desk_of(source), action), assignee=to)


def close(source: AlertDocument, by: str, at: datetime, text: str | None) -> Triage:
    """Close it for people; the detector may go on."""
    desk = desk_of(source)
    if desk.closed_by is not None and not escalated(source):
        raise NotPossible(f"already closed by {desk.closed_by}")
    done = _done(desk, Action(at=at, by=by, did="closed", text=text))
    return msgspec.structs.replace(
        done, closed_by=by, closed_at=at, closed_severity=int(source["severity"])
    )


def note(source: AlertDocument, by: str, at: datetime, text: str) -> Triage:
    return _done(desk_of(source), Action(at=at, by=by, did="noted", text=text))


def judge(source: AlertDocument, by: str, at: datetime, verdict: Verdict) -> Triage:
    """Say whether the alarm was right; a later verdict replaces it, and the history keeps both."""
    done = _done(desk_of(source), Action(at=at, by=by, did="judged", to=verdict))
    return msgspec.structs.replace(done, verdict=verdict, verdict_by=by, verdict_at=at)


def _done(desk: Triage, action: Action) -> Triage:
    for text in (action.text, action.to, action.by):
        if text is not None and not 0 < len(text.strip()) <= MAX_TEXT:
            raise NotPossible(f"texts and names must have 1 to {MAX_TEXT} characters")
    if len(desk.history) >= MAX_ACTIONS:
        raise NotPossible(f"the history of the alert is full ({MAX_ACTIONS} entries)")
    return msgspec.structs.replace(desk, history=[*desk.history, action])
