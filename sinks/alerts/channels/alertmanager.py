"""Prometheus Alertmanager, API v2, for teams with their rota, silences and routes there.

Alertmanager drops an alert at its ``endsAt``. So an open alert is sent again and again, each time
to end some minutes later, as Prometheus does: it does not resolve by itself, and ends if this
service dies. ``alert-deliveries`` holds what to send again, so it survives a restart.

Labels identify an alert. A new severity changes them, so the old ones are ended with it.
"""

import base64
import time
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from datetime import datetime, timedelta
from typing import NotRequired, TypedDict

import msgspec
from pydantic import SecretStr

from runtime.clock import Clock, utc_now
from schemas.alert import Alert
from schemas.delivery import AlertDelivery
from sinks.alerts.channels.base import Busy, Channel
from sinks.alerts.channels.http import Address, post
from sinks.alerts.message.catalogue import Style
from sinks.alerts.message.render import plain
from sinks.alerts.message.report import report

PATH = "/api/v2/alerts"
_NAMES = {"crisis": "TocsinCrisis", "blind": "TocsinBlind"}
_MAX_SENT = 100
"""Open alerts in one request."""
_MAX_REPEAT_S = 60.0
"""No request of one repetition begins later: new alerts wait meanwhile."""


class Entry(TypedDict):
    """An alert of the API; the stored one, to send again, has no end."""

    labels: dict[str, str]
    annotations: dict[str, str]
    startsAt: str
    endsAt: NotRequired[str]


@dataclass(eq=False)
class Alertmanager(Channel):
    """Holds alerts open in an Alertmanager."""

    holds = True

    address: Address
    style: Style
    _: KW_ONLY
    labels: dict[str, str]
    hold_s: float
    authorization: SecretStr | None = None
    clock: Clock = utc_now

    @property
    def attempt_s(self) -> float:
        return self.address.timeout_s

    def deliver(self, alert: Alert, before: AlertDelivery | None) -> str | None:
        now = self.clock()
        current = self._entry(alert)
        ends = now + timedelta(seconds=self.hold_s)
        if alert.status == "close":
            ends = max(alert.began_at, min(now, alert.raised_at))
        sent: list[Entry] = [{**current, "endsAt": ends.isoformat()}]
        held = _held(before)
        if held is not None and held["labels"] != current["labels"]:
            ended = max(datetime.fromisoformat(held["startsAt"]), now)
            sent.insert(0, {**held, "endsAt": ended.isoformat()})
        self._post(sent)
        return None if alert.status == "close" else msgspec.json.encode(current).decode()

    def again(self, held: Sequence[AlertDelivery]) -> None:
        ends = (self.clock() + timedelta(seconds=self.hold_s)).isoformat()
        entries: list[Entry] = [
            {**entry, "endsAt": ends} for entry in map(_held, held) if entry is not None
        ]
        last = time.monotonic() + _MAX_REPEAT_S
        for first in range(0, len(entries), _MAX_SENT):
            if time.monotonic() > last:
                raise Busy(f"{self.address.host} takes too long for all open alerts", "connection")
            self._post(entries[first : first + _MAX_SENT])

    def _entry(self, alert: Alert) -> Entry:
        labels = {
            **self.labels,
            "alertname": _NAMES[alert.kind],
            "brand": alert.brand,
            "severity": str(alert.severity),
            "kind": alert.kind,
            # Two alerts of one brand must not end each other; group by brand, not by this.
            "alert": alert.id,
        }
        text = report(alert, self.style)
        annotations = {
            "summary": text.title,
            "description": plain(text),
            "version": str(alert.version),
        }
        return {
            "labels": labels,
            "annotations": annotations,
            "startsAt": alert.began_at.isoformat(),
        }

    def _post(self, entries: Sequence[Entry]) -> None:
        headers = {}
        if self.authorization is not None:
            headers["Authorization"] = self.authorization.get_secret_value()
        post(self.address, msgspec.json.encode(entries), headers)


def basic(username: str, password: SecretStr) -> SecretStr:
    """The value of the header for basic authentication."""
    pair = f"{username}:{password.get_secret_value()}"
    return SecretStr("Basic " + base64.b64encode(pair.encode()).decode())


def _held(delivery: AlertDelivery | None) -> Entry | None:
    if delivery is None or delivery.repeat is None:
        return None
    try:
        return msgspec.json.decode(delivery.repeat, type=Entry)
    except msgspec.DecodeError:
        return None
