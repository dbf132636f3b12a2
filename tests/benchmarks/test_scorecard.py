"""The scorecard runs the volume detector as the stream does, and replays it with other bars."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from benchmarks.scorecard import airlines, volume
from benchmarks.scorecard.compared import alerts_of
from benchmarks.scorecard.nab import Labelled
from benchmarks.scorecard.runs import detect, reopen
from benchmarks.scorecard.series import Series, read_series
from benchmarks.scorecard.synthetic import Brand, quiet, times
from processors.detector.backtest import BacktestAlert
from processors.volume.detector import VolumeDetector
from processors.volume.parameters import VolumeParameters
from tests.processors.detector.storms import START, record


@pytest.fixture(scope="module")
def series() -> list[Series]:
    counts = quiet((Brand(2.0, 0.3), Brand(40.0, 0.3)), 9, 15.0, np.random.default_rng(1))
    for row, column, extra in ((300, 0, 30), (500, 0, 15), (310, 1, 200), (700, 1, 400)):
        counts[row : row + 6, column] += extra
    moments = tuple(times(len(counts), 15.0))
    windows = ((280, 340),)
    return [
        Series("one", moments, counts[:, 0], Labelled(len(moments), windows)),
        Series("two", moments[:800], counts[:800, 1], Labelled(800, windows)),
    ]


def test_the_scorecard_runs_what_the_stream_runs(series: list[Series]) -> None:
    run = detect(series, VolumeParameters())
    assert any(run.alerts)
    for each, alerts in zip(series, run.alerts, strict=True):
        detector = VolumeDetector()
        pairs = zip(each.times, each.counts.tolist(), strict=True)
        alone = [row for row, (at, c) in enumerate(pairs) if detector.update(at, c).alert]
        assert alone == list(alerts)


@pytest.mark.parametrize(
    "parameters",
    [
        VolumeParameters(bar=2.0),
        VolumeParameters(bar=4.0, quiet_minutes=60, echo=0.8),
        VolumeParameters(false_alarm_days=60, rise=1.0),
        VolumeParameters(learn_days=4, echo=0),
    ],
)
def test_a_replay_equals_a_new_run(series: list[Series], parameters: VolumeParameters) -> None:
    run = detect(series, VolumeParameters())
    assert reopen(run, parameters).alerts == detect(series, parameters).alerts


def test_an_alert_of_another_detector_needs_quiet_before_it() -> None:
    scores = np.array([0.0, 2, 2, 0, 2, 0, 0, 0, 2])
    assert alerts_of(scores, 1.0, quiet_rows=2) == [1, 8]
    assert alerts_of(scores, 1.0, quiet_rows=1) == [1, 4, 8]


def test_series_are_read_with_their_marks(tmp_path: Path) -> None:
    (tmp_path / "AB.csv").write_text(
        "timestamp,value\n2024-01-01 00:00:53,3\n2024-01-01 00:05:53,4\n2024-01-01 00:10:53,5\n"
    )
    (tmp_path / "windows.json").write_text(
        '{"AB": {"windows": [["2024-01-01 00:05:53.000000", "2024-01-01 00:10:53.000000"]],'
        ' "labels": ["2024-01-01 00:05:53"]}}'
    )
    (read,) = read_series(tmp_path)
    assert (read.name, read.minutes, read.counts.tolist()) == ("AB", 5.0, [3, 4, 5])
    assert read.labelled == Labelled(3, ((1, 2),), (1,))


@pytest.mark.parametrize("module", [airlines, volume])
def test_missing_data_is_noted(module: ModuleType, tmp_path: Path) -> None:
    assert "Left out" in module.section(tmp_path)[2]


LONG_BEFORE = datetime(2015, 2, 1, tzinfo=UTC)


def opened(brand: str, day: int, hour: int) -> BacktestAlert:
    at = datetime(2015, 2, day, hour, tzinfo=UTC)
    return BacktestAlert("id", brand, at, at, 3)


def test_known_events_are_matched_by_airline_and_time() -> None:
    assert "mass cancellations" in airlines.what_is_known(opened("american", 23, 10), LONG_BEFORE)
    assert airlines.what_is_known(opened("american", 19, 10), LONG_BEFORE) == "no claim"
    assert airlines.what_is_known(opened("virgin-america", 23, 10), LONG_BEFORE) == "no claim"


def test_an_alert_at_the_start_of_the_file_says_so() -> None:
    alert = opened("delta", 19, 10)
    begin = alert.opened_at - timedelta(hours=1)
    assert "only begins" in airlines.what_is_known(alert, begin)


def test_a_brand_begins_at_its_first_hour_with_enough_mentions() -> None:
    few = [record(n, START + timedelta(hours=n)) for n in range(5)]
    many = [record(n, START + timedelta(hours=7, minutes=n)) for n in range(20)]
    assert airlines.begins(few) == {}
    assert airlines.begins([*few, *many]) == {"velmora": START + timedelta(hours=7)}
