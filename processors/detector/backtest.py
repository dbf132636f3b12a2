"""Back-tests: past records through the live detector; ``compare`` shows what a policy changes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from processors.detector.brand_detectors import BrandDetectors
from processors.detector.event_time import believed
from processors.detector.state.counts import minute_of
from schemas.activity import Activity
from schemas.alert import Alert
from schemas.brand import Brand

CLOSES: timedelta = timedelta(hours=2)
"""Time that passes after the last record, to close alerts."""


@dataclass(slots=True)
class BacktestAlert:
    id: str
    brand: str
    began_at: datetime
    opened_at: datetime
    severity: int
    """The highest."""
    closed_at: datetime | None = None
    states: list[Alert] = field(default_factory=list)


def replay(
    records: Iterable[Activity], brands: Iterable[Brand], known_since: datetime | None = None
) -> list[Alert]:
    """The alerts of records; see ``replayed``."""
    return replayed(records, brands, known_since)[0]


def replayed(
    records: Iterable[Activity], brands: Iterable[Brand], known_since: datetime | None = None
) -> tuple[list[Alert], BrandDetectors]:
    """The alerts of records, which are put in the order of event time, and the states after them.

    ``known_since``: the time from which mentions of the brands would have been heard, if any. A
    live detector that gets the records in another order tells the same alerts, some afterwards.
    """
    known = None if known_since is None else minute_of(known_since)
    detectors = BrandDetectors({brand.id: brand for brand in brands}, lambda _: known)
    alerts: list[Alert] = []
    ordered = sorted(map(believed, records), key=lambda record: record.at)
    for record in ordered:
        alerts += detectors.observe(record)
    if ordered:
        alerts += detectors.advance(ordered[-1].at + CLOSES)
    return alerts, detectors


def backtest_alerts(alerts: Sequence[Alert]) -> list[BacktestAlert]:
    """Group states by alert, in the order in which the alerts opened."""
    by_id: dict[str, BacktestAlert] = {}
    for state in alerts:
        alert = by_id.get(state.id)
        if alert is None:
            alert = by_id[state.id] = BacktestAlert(
                state.id, state.brand, state.began_at, state.raised_at, state.severity
            )
        alert.states.append(state)
        alert.severity = max(alert.severity, state.severity)
        if state.status == "close":
            alert.closed_at = state.raised_at
    return sorted(by_id.values(), key=lambda alert: (alert.opened_at, alert.id))


@dataclass(frozen=True, slots=True)
class Difference:
    """What another policy changes: alerts of one policy alone, and those with other states."""

    only_before: list[BacktestAlert]
    only_after: list[BacktestAlert]
    changed: list[tuple[BacktestAlert, BacktestAlert]]


def compare(before: Sequence[BacktestAlert], after: Sequence[BacktestAlert]) -> Difference:
    """Alerts of one brand are the same if they overlap in time."""
    changed: list[tuple[BacktestAlert, BacktestAlert]] = []
    only_before, only_after = [], list(after)
    for alert in before:
        other = next((other for other in only_after if _overlap(alert, other)), None)
        if other is None:
            only_before.append(alert)
            continue
        only_after.remove(other)
        if (alert.severity, alert.opened_at) != (other.severity, other.opened_at):
            changed.append((alert, other))
    return Difference(only_before, only_after, changed)


def _overlap(alert: BacktestAlert, other: BacktestAlert) -> bool:
    far = datetime.max.replace(tzinfo=alert.opened_at.tzinfo)
    return (
        alert.brand == other.brand
        and alert.began_at <= (other.closed_at or far)
        and other.began_at <= (alert.closed_at or far)
    )
