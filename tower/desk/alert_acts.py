"""Acts of people on an alert: pure changes of its document, written under its sequence number."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final, Literal

from elasticsearch import Elasticsearch

from runtime import tower_metrics
from runtime.settings import ElasticsearchSettings
from schemas.errors import ConfigurationError, ServiceUnavailable
from schemas.types import JsonObject
from sinks.alerts import triage
from sinks.alerts.store import update, with_desk
from sinks.alerts.triage import MAX_TEXT, AlertDocument, NotPossible, Triage
from sinks.elasticsearch.connection import elasticsearch_errors

Act = Literal["ack", "assign", "note", "close", "verdict"]
ACTS: Final[tuple[Act, ...]] = ("ack", "assign", "note", "close", "verdict")
VERDICTS: Final = ("right", "false_alarm")
MAX_NAME: Final = 100


class SomebodyElse(Exception):
    """The alert is not as the person saw it; the message says what somebody else did."""


class NoSuchAlert(Exception):
    """There is no alert with this id."""


@dataclass(frozen=True)
class Request:
    """What a person wants. ``seen``: the number of entries in the history that they saw."""

    act: Act
    by: str
    text: str | None = None
    to: str | None = None
    verdict: str | None = None
    seen: int | None = None


def request_of(act: Act, by: str, given: Mapping[str, str]) -> Request:
    """From a form or a JSON object.

    :raises ConfigurationError: a value is missing or wrong.
    """
    text = given.get("text", "").strip()[:MAX_TEXT] or None
    to = given.get("to", "").strip()[:MAX_NAME] or None
    verdict = given.get("verdict") or None
    if act == "assign" and to is None:
        raise ConfigurationError("say who takes it over")
    if act == "note" and text is None:
        raise ConfigurationError("a note has no text")
    if act == "verdict" and verdict not in VERDICTS:
        raise ConfigurationError(f"a verdict is one of {', '.join(VERDICTS)}")
    seen = given.get("seen", "")
    if seen and not (seen.isascii() and seen.isdigit() and len(seen) < 9):
        raise ConfigurationError("seen is the number of entries of the history")
    return Request(act, by, text, to, verdict, int(seen) if seen else None)


def changed(request: Request, source: AlertDocument, at: datetime) -> Triage:
    """The people's part after the act. Pure.

    :raises SomebodyElse: it was changed since the person looked, or cannot be done any more.
    """
    desk = triage.desk_of(source)
    # A note takes nothing from anybody.
    if request.seen is not None and request.act != "note" and len(desk.history) > request.seen:
        last = desk.history[-1]
        if last.by != request.by:
            raise SomebodyElse(f"{last.by}: {last.did} {last.to or ''}".strip())
    try:
        return _change(request)(source, at)
    except NotPossible as error:
        raise SomebodyElse(str(error)) from None


def _change(request: Request) -> Callable[[AlertDocument, datetime], Triage]:
    by, text = request.by, request.text
    match request.act:
        case "ack":
            return lambda source, at: triage.acknowledge(source, by, at, text)
        case "assign":
            return lambda source, at: triage.assign(source, by, at, request.to or "", text)
        case "close":
            return lambda source, at: triage.close(source, by, at, text)
        case "note":
            return lambda source, at: triage.note(source, by, at, text or "")
        case "verdict":
            verdict: triage.Verdict = "right" if request.verdict == "right" else "false_alarm"
            return lambda source, at: triage.judge(source, by, at, verdict)


def perform(
    client: Elasticsearch,
    settings: ElasticsearchSettings,
    index: str,
    alert_id: str,
    request: Request,
    at: datetime,
) -> JsonObject:
    """Write the act; returns the document. Blocks: call it in a thread.

    :raises NoSuchAlert: there is none.
    :raises SomebodyElse: somebody else was faster.
    :raises ServiceUnavailable: Elasticsearch does not answer.
    """
    written: list[JsonObject] = []

    def change(source: AlertDocument | None) -> AlertDocument:
        if source is None:
            raise NoSuchAlert(alert_id)
        document = with_desk(source, changed(request, source, at))
        written[:] = [document]
        return document

    count = partial(tower_metrics.TOWER_ACTS.labels, request.act)
    with elasticsearch_errors(settings):
        try:
            if update(client, index, alert_id, change):
                count("done").inc()
                client.indices.refresh(index=index)
                return written[0]
        except SomebodyElse:
            count("somebody_else").inc()
            raise
    count("failed").inc()
    raise ServiceUnavailable("others keep changing this alert; try again")
