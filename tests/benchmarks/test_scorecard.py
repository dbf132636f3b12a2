"""How the scorecard runs the detector: as the stream does, and again with another bar."""

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
from processors.volume.detector import VolumeDetector
from processors.volume.parameters import VolumeParameters


@pytest.fixture(scope="module")
def series() -> list[Series]:
    counts = quiet((Brand(2.0, 0.3), Brand(40.0, 0.3)), 9, 15.0, np.random.default_rng(1))
    for row, column, extra in ((300, 0, 30), (500, 0, 15), (310, 1, 200), (700, 1, 400)):
        counts[row : row + 6, column] += extra
    moments = tuple(times(len(counts), 15.0))
    labelled = Labelled(len(moments), ((280, 340),))
    shorter = Labelled(800, ((280, 340),))
    return [
        Series("one", moments, counts[:, 0], labelled),
        Series("two", moments[:800], counts[:800, 1], shorter),
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
        VolumeParameters(learn_days=4, echo=0),
    ],
)
def test_opening_anew_is_as_detecting_anew(
    series: list[Series], parameters: VolumeParameters
) -> None:
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


@pytest.mark.parametrize("part", [airlines, volume])
def test_missing_data_is_said(part: ModuleType, tmp_path: Path) -> None:
    assert "Left out" in part.section(tmp_path)[2]
