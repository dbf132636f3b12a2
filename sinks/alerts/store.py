"""The index of alerts: one document per alert, written by the sink and by people.

Both read the document, change their own part, and write it under the sequence number that they
read, so neither overwrites the other. Versions of states are compared here: an older state never
replaces a newer one. An external version would let the sink write back an old part of the people.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import msgspec
from elastic_transport import TransportError
from elasticsearch import ApiError, ConflictError, Elasticsearch, NotFoundError

from schemas.alert import Alert
from schemas.delivery import AlertDelivery
from schemas.types import JsonObject
from sinks.alerts.channels.base import Busy, Channel, Refused
from sinks.alerts.triage import AlertDocument, Triage
from sinks.elasticsearch.alert_redaction import account_ids, authors_in, redacted
from sinks.elasticsearch.connection import reason
from sinks.elasticsearch.lookup import documents

INDEX = "index"
"""The name of the index among the channels."""
MAX_STATES = 500
"""Kept per alert: the first and the last ones."""
_ATTEMPTS = 10
_MAX_ATTEMPTS_S = 60.0
"""No attempt begins later: the consumer of alerts has to poll again within minutes."""
_REFUSING = (400, 413)
"""The document is at fault. Credentials, blocks and missing indices are fixed by people, and the
states wait for that."""


@dataclass(eq=False)
class Index(Channel):
    """Stores the current state of each alert, and its past."""

    takes_all = True

    name: str = field(default=INDEX, init=False)
    client: Elasticsearch
    index: str
    erasures: str = ""
    """The index of erasures: an alert is stored without the authors in it."""

    @property
    def attempt_s(self) -> float:
        return _MAX_ATTEMPTS_S

    def deliver(self, alert: Alert, before: AlertDelivery | None) -> str | None:
        try:
            if update(self.client, self.index, alert.id, partial(self._merged, alert)):
                return None
        except ApiError as error:
            why = f"Elasticsearch answered {error.status_code}: {reason(error)}"
            if error.status_code in _REFUSING:
                raise Refused(why) from None
            raise Busy(why, f"status_{error.status_code}") from None
        except TransportError as error:
            raise Busy(f"Elasticsearch does not answer ({error.message})", "connection") from None
        raise Busy("other writers keep changing this alert", "conflict")

    def _merged(self, alert: Alert, before: AlertDocument | None) -> AlertDocument | None:
        document = merged(alert, before)
        if document is None or not self.erasures:
            return document
        # An older state is added to a document that may be of a version without the field.
        authors = document.get("authors") or authors_in(document)
        wanted = [(self.erasures, author) for author in authors]
        erased = {found["_id"]: found["_source"] for found in documents(self.client, wanted)}
        ids = [source["author_id"] for source in erased.values()]
        return redacted(document, erased.keys(), account_ids(ids)) or document

    def close(self) -> None:
        self.client.close()


@dataclass(frozen=True, slots=True)
class StoredAlert:
    """A document and the sequence number that it was read under."""

    source: AlertDocument
    seq_no: int
    primary_term: int


def read(client: Elasticsearch, index: str, alert_id: str) -> StoredAlert | None:
    """The current document of an alert."""
    try:
        answer = client.get(index=index, id=alert_id)
    except NotFoundError as error:
        # The index is missing: a write would create one with guessed types.
        if isinstance(error.body, dict) and "error" in error.body:
            raise
        return None
    return StoredAlert(answer["_source"], answer["_seq_no"], answer["_primary_term"])


def write(
    client: Elasticsearch,
    index: str,
    alert_id: str,
    source: AlertDocument,
    before: StoredAlert | None,
) -> bool:
    """Write the document unless it changed since ``before``; returns whether it was written."""
    condition: JsonObject = {"op_type": "create"}
    if before is not None:
        condition = {"if_seq_no": before.seq_no, "if_primary_term": before.primary_term}
    try:
        client.index(index=index, id=alert_id, document=source, **condition)
    except ConflictError:
        return False
    return True


def update(
    client: Elasticsearch,
    index: str,
    alert_id: str,
    change: Callable[[AlertDocument | None], AlertDocument | None],
) -> bool:
    """Read, change and write the document, again after a conflict.

    ``change`` returns None if there is nothing to write. Returns False after too many conflicts.
    """
    ends = time.monotonic() + _MAX_ATTEMPTS_S
    for _ in range(_ATTEMPTS):
        if time.monotonic() > ends:
            return False
        stored = read(client, index, alert_id)
        document = change(None if stored is None else stored.source)
        if document is None or write(client, index, alert_id, document, stored):
            return True
    return False


def merged(alert: Alert, before: AlertDocument | None) -> AlertDocument | None:
    """The document with this state; None if it has the state already. Pure."""
    before = before or {}
    states = list(before.get("states") or [])
    if any(state["version"] == alert.version for state in states):
        return None
    states = sorted([*states, _summary(alert)], key=lambda state: int(state["version"]))
    if len(states) > MAX_STATES:
        del states[1 : len(states) - MAX_STATES + 1]
    if before and alert.version <= before["version"]:
        return {**before, "states": states}
    # Fields with a default are written too, since people filter by them.
    filters = {"kind": alert.kind, "muted": alert.muted, "channels": alert.channels}
    desk = before.get("desk") or {}
    document = {**msgspec.to_builtins(alert), **filters, "states": states, "desk": desk}
    if alert.status == "close" and before.get("evidence"):
        # Who looks at it afterwards asks what happened, not what the last minutes were like.
        document["evidence"] = before["evidence"]
    return {**document, "authors": authors_in(document)}


def _summary(alert: Alert) -> JsonObject:
    """The part of a state that is kept for good."""
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


def with_desk(source: AlertDocument, desk: Triage) -> AlertDocument:
    """The document with a new part of the people. Pure."""
    return {**source, "desk": msgspec.to_builtins(desk)}


def alert_of(source: AlertDocument) -> Alert:
    """The newest state of a document."""
    return msgspec.convert(source, Alert)


def states_of(source: AlertDocument) -> list[Alert]:
    """The states of an alert, oldest first, as far as they are kept: without evidence."""
    common = {name: source[name] for name in ("id", "brand", "began_at")}
    common["kind"] = source.get("kind", "crisis")
    return [
        msgspec.convert({**common, **state, "raised_at": state["at"]}, Alert)
        for state in source.get("states") or []
    ]
