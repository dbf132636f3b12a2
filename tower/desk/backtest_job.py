"""A back-test of one brand in a process of its own: ``python -m tower.desk.backtest_job``.

Reads what is asked from standard input, and writes the alerts that the live detector would have
raised with another sensitivity beside those with the present one.
"""

import sys
from datetime import datetime, timedelta
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import replace

from processors.detector.backtest import BacktestAlert, backtest_alerts, replay
from runtime.settings import ElasticsearchSettings, load
from schemas.brand import Brand
from schemas.errors import TocsinError
from schemas.types import Time
from tower.desk.activity_history import records_of_index

MAX_DAYS: Final = 31
MAX_RECORDS: Final = 2_000_000
MIN_SENSITIVITY: Final = 0.1
MAX_SENSITIVITY: Final = 10.0


class BacktestRequest(Struct, kw_only=True):
    brand: Brand
    since: Time
    until: Time
    sensitivity: Annotated[float, Meta(ge=MIN_SENSITIVITY, le=MAX_SENSITIVITY)]


class FiredAlert(Struct, kw_only=True):
    """An alert that fires in the back-test."""

    began_at: Time
    opened_at: Time
    closed_at: Time | None = None
    severity: int
    title: str


class BacktestResult(Struct, kw_only=True):
    mentions: int
    present: list[FiredAlert]
    """With the brand's present policy."""
    changed: list[FiredAlert]
    """With the other sensitivity."""
    sensitivity: float


def run(request: BacktestRequest, settings: ElasticsearchSettings) -> BacktestResult:
    """:raises ServiceUnavailable: the index does not answer."""
    since = max(request.since, request.until - timedelta(days=MAX_DAYS))
    records = []
    for record in records_of_index(settings, request.brand.id, since, request.until):
        records.append(record)
        if len(records) > MAX_RECORDS:
            raise TocsinError(f"there are more than {MAX_RECORDS:,} mentions; take fewer days")
    other = replace(
        request.brand,
        alerts=replace(request.brand.alerts, sensitivity=request.sensitivity),
    )
    return BacktestResult(
        mentions=len(records),
        present=[_fired(one) for one in backtest_alerts(replay(records, [request.brand]))],
        changed=[_fired(one) for one in backtest_alerts(replay(records, [other]))],
        sensitivity=request.sensitivity,
    )


def _fired(alert: BacktestAlert) -> FiredAlert:
    gravest = max(alert.states, key=lambda state: state.severity)
    closed: datetime | None = alert.closed_at
    return FiredAlert(
        began_at=alert.began_at,
        opened_at=alert.opened_at,
        closed_at=closed,
        severity=alert.severity,
        title=gravest.title,
    )


def main() -> int:
    try:
        request = msgspec.json.decode(sys.stdin.buffer.read(), type=BacktestRequest)
        result = run(request, load(ElasticsearchSettings))
    except (TocsinError, msgspec.MsgspecError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.buffer.write(msgspec.json.encode(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
