"""Back-tests: records of the past through the detector, as if they came now.

The same code as live. ``compare`` says what another policy would have changed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from processors.detector.brand_detectors import BrandDetectors
from schemas.activity import Activity
from schemas.alert import Alert
from schemas.brand import Brand

CLOSES: timedelta = timedelta(hours=2)
"""Time that passes behind the last record, so that what has calmed down closes."""


@dataclass(slots=True)
class BacktestAlert:
    """One alert of a back-test, from its opening to its end."""

    id: str
    brand: str
    began_at: datetime
    opened_at: datetime
    severity: int
    """The highest."""
    closed_at: datetime | None = None
    states: list[Alert] = field(default_factory=list)


def replay(records: Iterable[Activity], brands: Iterable[Brand]) -> list[Alert]:
    """The alerts of the records, which come in the order in which they were ingested."""
    desk = BrandDetectors({brand.id: brand for brand in brands})
    found: list[Alert] = []
    last: datetime | None = None
    for record in records:
        found += desk.observe(record)
        last = record.at if last is None else max(last, record.at)
    if last is not None:
        found += desk.advance(last + CLOSES)
    return found


def backtest_alerts(alerts: Sequence[Alert]) -> list[BacktestAlert]:
    """The states of alerts put together, in the order in which they opened."""
    found: dict[str, BacktestAlert] = {}
    for alert in alerts:
        known = found.get(alert.id)
        if known is None:
            known = found[alert.id] = BacktestAlert(
                alert.id, alert.brand, alert.began_at, alert.raised_at, alert.severity
            )
        known.states.append(alert)
        known.severity = max(known.severity, alert.severity)
        if alert.status == "close":
            known.closed_at = alert.raised_at
    return sorted(found.values(), key=lambda one: (one.opened_at, one.id))


@dataclass(frozen=True, slots=True)
class Difference:
    """What another policy changes: alerts that only one of them has, and those told otherwise."""

    only_before: list[BacktestAlert]
    only_after: list[BacktestAlert]
    changed: list[tuple[BacktestAlert, BacktestAlert]]


def compare(before: Sequence[BacktestAlert], after: Sequence[BacktestAlert]) -> Difference:
    """Alerts of one brand are the same if they overlap in time."""
    changed: list[tuple[BacktestAlert, BacktestAlert]] = []
    matched: set[str] = set()
    only_before = []
    for one in before:
        other = next((two for two in after if two.id not in matched and _overlap(one, two)), None)
        if other is None:
            only_before.append(one)
            continue
        matched.add(other.id)
        if (one.severity, one.opened_at) != (other.severity, other.opened_at):
            changed.append((one, other))
    only_after = [two for two in after if two.id not in matched]
    return Difference(only_before, only_after, changed)


def _overlap(one: BacktestAlert, two: BacktestAlert) -> bool:
    far = datetime.max.replace(tzinfo=one.opened_at.tzinfo)
    return (
        one.brand == two.brand
        and one.began_at <= (two.closed_at or far)
        and two.began_at <= (one.closed_at or far)
    )
