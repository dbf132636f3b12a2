"""Alerts of minutes that were looked at again: which of them are news, and of which alert.

Mentions that come late may show a storm that was told in time, or an hour ago from a part of them.
One storm is one alert: what they show belongs to the alert that it overlaps, open or over, and is
told again only where it is graver than what was told, or still goes on.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from processors.detector.lifecycle import COOL_DOWN, AlertLifecycle, Change
from processors.detector.state.counts import minute_of, time_of
from processors.detector.state.window import LONG
from schemas.alert import Alert
from text.alert_title import WIRE, titled_afterwards

AFTERWARDS: Final = timedelta(minutes=15)
"""Age of a minute from which its alert is told as found afterwards."""
_OPENED: Final = "%Y-%m-%dT%H:%MZ"
_MINUTE: Final = 60_000_000
"""Of a version, which is a time in microseconds."""
_JOINED: Final = 1_000
"""In the version of an open alert that a late storm joins, for each severity; the versions of an
alert that was over are less beyond their minute."""


class Told(Struct):
    """An alert that was told and is over; minutes since 1970."""

    id: str
    began: int
    end: int
    severity: int
    version: int


def alert_id(brand: str, opened: int) -> str:
    """The id of the alert of a brand that opened at a minute."""
    return f"{brand}-{time_of(opened).strftime(_OPENED)}"


def _opened(alert: str) -> int:
    """The minute at which the alert of an id opened."""
    written = alert[-len("2026-03-02T12:00Z") :]
    return minute_of(datetime.strptime(written, _OPENED).replace(tzinfo=UTC))


def overlapping(
    told: Iterable[Told], first: int, last: int, before: int = LONG, after: int = COOL_DOWN
) -> list[Told]:
    """The alerts of the minutes from ``first`` to ``last``, or of so many before or after them."""
    return [one for one in told if first <= one.end + after and last >= one.began - before]


def told_and_open(
    told: Iterable[Told], brand: str, current: AlertLifecycle, looked: int
) -> list[Told]:
    """The alerts that are over, and the open one as it is at the minute ``looked``."""
    if not current.is_open:
        return list(told)
    name = alert_id(brand, current.opened)
    return [*told, Told(name, current.began, looked, current.severity, 0)]


def taken_up(told: list[Told], lane: AlertLifecycle) -> Change:
    """What the opening of an alert is: where one that is over overlaps it, that one goes on.

    Then it is removed from ``told``. In order of event time no alert overlaps another one.
    """
    home = max(told, key=lambda one: one.end, default=None)
    if home is None or home.end < lane.began:
        return "open"
    told.remove(home)
    _go_on(lane, home)
    return "update"


def _go_on(lane: AlertLifecycle, home: Told) -> None:
    """Make ``lane`` the life of an alert that was over."""
    lane.opened, lane.began = _opened(home.id), min(lane.began, home.began)
    lane.severity = max(lane.severity, home.severity)
    lane.last = max(lane.last, home.severity)


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

    ``current``: the life of the brand's alert at the minute ``looked``; ``told``: those that are
    over. Both change with what the run shows.
    """

    def __init__(
        self, brand: str, told: Sequence[Told], current: AlertLifecycle, looked: int
    ) -> None:
        self.told = list(told)
        self.alerts: list[Alert] = []
        self.reopened: Told | None = None
        """An alert that was over and goes on, though no state of it was news."""
        self._brand, self._current, self._looked = brand, current, looked
        self._states: list[Alert] = []

    def take(self, state: Alert, lane: AlertLifecycle, minute: int) -> None:
        """Take a state of the alert of ``lane`` at a minute."""
        self._states.append(state)
        if state.status == "close":
            self._settle(lane, minute, goes_on=False)

    def end(self, lane: AlertLifecycle, minute: int) -> bool:
        """End the run; returns whether ``lane`` is the life of the brand's alert from here on.

        Otherwise it closes what is open: nothing is known of the minutes after ``minute``.
        """
        if not lane.is_open:
            return False
        goes_on = minute == self._looked and not self._current.is_open
        self._settle(lane, minute, goes_on)
        return goes_on

    def _settle(self, lane: AlertLifecycle, minute: int, goes_on: bool) -> None:
        """Decide which alert the states belong to, now that it is known how far they reach."""
        states, self._states = self._states, []
        known = told_and_open(self.told, self._brand, self._current, self._looked)
        peers = sorted(overlapping(known, lane.began, minute), key=lambda one: one.began)
        if not peers:
            self._tell(states, lane, minute, goes_on)
            return
        first, last = peers[0], peers[-1]
        first.began, last.end = min(first.began, lane.began), max(last.end, minute)
        worst = max(states, key=lambda state: state.severity)
        if worst.severity > max(peer.severity for peer in peers):
            goes_on_told = self._update(worst, peers, goes_on)
        else:
            goes_on_told = False
        for peer in peers:
            if self._is_current(peer):
                self._current.began = peer.began
        if goes_on:
            self.told.remove(last)
            _go_on(lane, last)
            self.reopened = None if goes_on_told else last
        else:
            self._cool_down(last)

    def _tell(
        self, states: Sequence[Alert], lane: AlertLifecycle, minute: int, goes_on: bool
    ) -> None:
        """Tell a storm of which nothing was known."""
        told = Told(states[0].id, lane.began, minute, max(one.severity for one in states), 0)
        for state in states:
            told.version = state.version + 1
            self.alerts.append(replace(state, version=told.version))
        if goes_on:
            return
        if states[-1].status != "close":
            self._close(states[-1], told)
        self.told.append(told)
        self._cool_down(told)

    def _update(self, worst: Alert, peers: Sequence[Told], goes_on: bool) -> bool:
        """Tell the gravest state, as one of the alert next to it; returns whether that is open."""
        minute = minute_of(worst.raised_at)
        home = min(peers, key=lambda one: max(one.began - minute, minute - one.end, 0))
        home.began, home.end = min(home.began, minute), max(home.end, minute)
        home.severity = worst.severity
        current = self._current
        is_current = self._is_current(home)
        if is_current:
            current.severity, current.last = worst.severity, max(current.last, worst.severity)
            home.version = self._looked * _MINUTE + _JOINED * worst.severity
        else:
            home.version = max(home.version, worst.version) + 1
        state = replace(
            worst,
            id=home.id,
            status="update",
            began_at=time_of(home.began - 1),
            version=home.version,
        )
        self.alerts.append(state)
        if is_current or (goes_on and home is peers[-1]):
            return True
        self._close(state, home)
        return False

    def _close(self, state: Alert, told: Told) -> None:
        told.version = max(told.version, told.end * _MINUTE) + 1
        name = state.brand if state.headline is None else state.headline.name
        self.alerts.append(
            replace(
                state,
                status="close",
                title=WIRE.title.line.format(name, WIRE.title.close),
                raised_at=time_of(told.end),
                version=told.version,
            )
        )

    def _cool_down(self, told: Told) -> None:
        """What was found is over: as after any alert, nothing as grave opens for a while."""
        current = self._current
        if not current.is_open and told.end > current.closed:
            current.closed, current.last = told.end, told.severity

    def _is_current(self, one: Told) -> bool:
        current = self._current
        return current.is_open and one.id == alert_id(self._brand, current.opened)
