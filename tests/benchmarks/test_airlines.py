"""What stands beside the alerts of the real week, and what is not claimed."""

from datetime import UTC, datetime, timedelta

from benchmarks.scorecard import airlines
from processors.detector.backtest import BacktestAlert
from tests.processors.detector.storms import START, record

LONG_BEFORE = datetime(2015, 2, 1, tzinfo=UTC)


def opened(brand: str, day: int, hour: int) -> BacktestAlert:
    at = datetime(2015, 2, day, hour, tzinfo=UTC)
    return BacktestAlert("id", brand, at, at, 3)


def test_what_is_known_is_of_that_airline_and_time() -> None:
    assert "mass cancellations" in airlines.what_is_known(opened("american", 23, 10), LONG_BEFORE)
    assert airlines.what_is_known(opened("american", 19, 10), LONG_BEFORE) == "no claim"
    assert airlines.what_is_known(opened("virgin-america", 23, 10), LONG_BEFORE) == "no claim"


def test_an_alert_where_the_file_begins_is_told_as_one() -> None:
    one = opened("delta", 19, 10)
    assert "only begins" in airlines.what_is_known(one, one.opened_at - timedelta(hours=1))


def test_a_brand_begins_where_it_is_really_spoken_of() -> None:
    few = [record(n, START + timedelta(hours=n)) for n in range(5)]
    many = [record(n, START + timedelta(hours=7, minutes=n)) for n in range(20)]
    assert airlines.begins(few) == {}
    assert airlines.begins([*few, *many]) == {"velmora": START + timedelta(hours=7)}
