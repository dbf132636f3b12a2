"""The index of alerts: one document an alert, written by the detector's stream and by people.

Both read the document, change their own part and write it back under its sequence number, so that
neither can undo what the other did meanwhile. External versions could not promise that: the later
writer would put back the part that it had read before. The version of the state is compared here
instead, with the same result: an older state never replaces a newer one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec
from elasticsearch import ConflictError, Elasticsearch, NotFoundError

from schemas.alert import Alert
from sinks.alerts.triage import AlertDocument, Triage

MAX_STATES = 500
"""Kept of one alert; of more, the first and the last ones."""
_ATTEMPTS = 10


@dataclass(frozen=True, slots=True)
class StoredAlert:
    """A document and where in its history it was read."""

    source: AlertDocument
    seq_no: int
    primary_term: int


def read(client: Elasticsearch, index: str, alert_id: str) -> StoredAlert | None:
    """The document of an alert, as it is now."""
    try:
        found = client.get(index=index, id=alert_id)
    except NotFoundError as error:
        # Without an index, what is written would make one with guessed types.
        if isinstance(error.body, dict) and "error" in error.body:
            raise
        return None
    return StoredAlert(found["_source"], found["_seq_no"], found["_primary_term"])


def write(
    client: Elasticsearch,
    index: str,
    alert_id: str,
    source: AlertDocument,
    before: StoredAlert | None,
) -> bool:
    """Write the document unless somebody else did since ``before``; whether it was written."""
    try:
        if before is None:
            client.index(index=index, id=alert_id, document=source, op_type="create")
        else:
            client.index(
                index=index,
                id=alert_id,
                document=source,
                if_seq_no=before.seq_no,
                if_primary_term=before.primary_term,
            )
    except ConflictError:
        return False
    return True


def update(
    client: Elasticsearch,
    index: str,
    alert_id: str,
    change: Callable[[AlertDocument | None], AlertDocument | None],
) -> bool:
    """Read, change and write the document, again where somebody else wrote in between.

    ``change`` gives None where there is nothing to write. Returns False where others always won.
    """
    for _ in range(_ATTEMPTS):
        stored = read(client, index, alert_id)
        document = change(None if stored is None else stored.source)
        if document is None or write(client, index, alert_id, document, stored):
            return True
    return False


def merged(alert: Alert, before: AlertDocument | None) -> AlertDocument | None:
    """The document with this state in it; None where it is there already. Pure."""
    if before is None:
        return {**fields(alert), "states": [state(alert)], "desk": {}}
    states = list(before.get("states") or [])
    if any(known["version"] == alert.version for known in states):
        return None
    states = sorted([*states, state(alert)], key=lambda known: int(known["version"]))
    if len(states) > MAX_STATES:
        del states[1 : len(states) - MAX_STATES + 1]
    newer = alert.version > before["version"]
    if newer:
        return {**fields(alert), "states": states, "desk": before.get("desk") or {}}
    return {**before, "states": states}


def with_desk(source: AlertDocument, desk: Triage) -> AlertDocument:
    """The document with the people's part as it is now. Pure."""
    return {**source, "desk": msgspec.to_builtins(desk)}


def fields(alert: Alert) -> dict[str, Any]:
    """The detector's part: all of the state, with what people filter by written out."""
    said: dict[str, Any] = msgspec.to_builtins(alert)
    said |= {"kind": alert.kind, "muted": alert.muted, "channels": alert.channels}
    return said


def state(alert: Alert) -> dict[str, Any]:
    """What is kept of a state for good: enough to see how it went."""
    return {
        "version": alert.version,
        "status": alert.status,
        "severity": alert.severity,
        "at": alert.raised_at.isoformat(),
        "title": alert.title,
        "headline": msgspec.to_builtins(alert.headline),
        "muted": alert.muted,
        "signals": msgspec.to_builtins(alert.signals),
    }


def alert_of(source: AlertDocument) -> Alert:
    """The detector's part of a document; the rest is ignored."""
    return msgspec.convert(source, Alert)


def states_of(source: AlertDocument) -> list[Alert]:
    """The states that an alert had, oldest first, as far as they are kept: without evidence."""
    return [
        msgspec.convert(
            {
                **{name: source[name] for name in ("id", "brand", "began_at")},
                "kind": source.get("kind", "crisis"),
                "raised_at": known["at"],
                **{name: value for name, value in known.items() if name != "at"},
            },
            Alert,
        )
        for known in source.get("states") or []
    ]
