"""Alerts of minutes that were looked at again: which of them are news, and how they are marked.

Mentions that come late may show a storm that was told in time, or an hour ago from a part of them.
It is told again only where it is graver than what was told.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from processors.detector.lifecycle import COOL_DOWN, AlertLifecycle
from processors.detector.state.counts import time_of
from processors.detector.state.window import LONG
from schemas.alert import Alert
from text.alert_title import WIRE, titled_afterwards

AFTERWARDS: Final = timedelta(minutes=15)
"""Age of a minute from which its alert is told as found afterwards."""


class Told(Struct):
    """An alert that was told and is over; minutes since 1970."""

    id: str
    began: int
    end: int
    severity: int
    version: int


def overlapping(
    told: Iterable[Told], first: int, last: int, before: int = LONG, after: int = COOL_DOWN
) -> list[Told]:
    """The alerts of the minutes from ``first`` to ``last``, or of so many before or after them."""
    return [one for one in told if first <= one.end + after and last >= one.began - before]


def afterwards(alert: Alert) -> Alert:
    """The alert, marked as found afterwards."""
    if alert.found_afterwards:
        return alert
    return replace(alert, found_afterwards=True, title=titled_afterwards(alert.title, WIRE))


def marked(alerts: Iterable[Alert], now: datetime) -> list[Alert]:
    """The alerts, those of crises that are old at ``now`` marked."""
    old = now - AFTERWARDS
    return [
        afterwards(alert) if alert.kind == "crisis" and alert.raised_at < old else alert
        for alert in alerts
    ]


class Retold:
    """The alerts of one run of minutes; ``alerts`` has those that are news.

    ``current``: the life of the brand's alert at the minute ``looked``. A graver storm of the open
    alert updates it; ``joined`` says so.
    """

    def __init__(self, told: Sequence[Told], current: AlertLifecycle, looked: int) -> None:
        self.told = list(told)
        self.alerts: list[Alert] = []
        self.joined = False
        self._current = current
        self._looked = looked
        self._told: Told | None = None

    @property
    def is_empty(self) -> bool:
        return self._told is None

    def take(self, state: Alert, lane: AlertLifecycle, minute: int) -> None:
        """Take a state of the alert of ``lane`` at a minute."""
        current = self._current
        if current.is_open and minute >= current.began - LONG:
            self._join(state)
            return
        if state.status == "close":
            self._close(state, minute)
            return
        others = [
            one for one in overlapping(self.told, lane.began, minute) if one is not self._told
        ]
        for one in others:
            one.began, one.end = min(one.began, lane.began), max(one.end, minute)
        if state.severity <= max((one.severity for one in others), default=0):
            return
        version = max([state.version + 1, *(o.version + 1 for o in self.told if o.id == state.id)])
        if self._told is None:
            self._told = Told(state.id, lane.began, minute, state.severity, version)
            self.told.append(self._told)
            state = replace(state, status="open")
        self._told.end, self._told.version = minute, version
        self._told.severity = max(self._told.severity, state.severity)
        self.alerts.append(replace(state, version=version))

    def end(self, minute: int) -> None:
        """Close what is open: nothing is known of the minutes after ``minute``."""
        if self._told is not None and self.alerts and self.alerts[-1].status != "close":
            last = self.alerts[-1]
            title = WIRE.title.line.format(_name(last), WIRE.title.close)
            self._close(replace(last, status="close", title=title), minute)

    def _close(self, state: Alert, minute: int) -> None:
        if self._told is None:
            return
        told = self._told
        told.end = minute
        told.version = max(told.version + 1, minute * 60_000_000 + 1)
        self.alerts.append(replace(state, status="close", version=told.version))
        self._told = None

    def _join(self, state: Alert) -> None:
        """The open alert is that storm: only more severity is news."""
        current = self._current
        if state.status == "close" or state.severity <= current.severity:
            return
        current.severity = state.severity
        current.last = max(current.last, state.severity)
        self.joined = True
        opened = alert_id(state.brand, current.opened)
        version = self._looked * 60_000_000 + state.severity
        self.alerts.append(replace(state, id=opened, status="update", version=version))


def _name(alert: Alert) -> str:
    return alert.brand if alert.headline is None else alert.headline.name


def alert_id(brand: str, opened: int) -> str:
    """The id of the alert of a brand that opened at a minute."""
    return f"{brand}-{time_of(opened):%Y-%m-%dT%H:%MZ}"
