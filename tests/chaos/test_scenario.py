"""The frame: what the command chooses, what a row holds, what the report says."""

from pathlib import Path

import pytest

from tests.chaos.report import report
from tests.chaos.scenario import Options, Row, is_finished, rows


@pytest.mark.parametrize(
    ("wanted", "name", "taken"),
    [
        ("S1", "S1", True),
        ("S1", "S1-sink", True),
        ("S1", "S12", False),
        ("S1,S12", "S12", True),
        ("", "S12", True),
    ],
)
def test_a_scenario_is_chosen_by_its_name_or_the_begin_of_it(
    wanted: str, name: str, taken: bool
) -> None:
    assert Options(scenario=wanted).takes(name, in_ci=False) is taken


def test_the_subset_of_ci_takes_its_own_and_shorter() -> None:
    ci = Options(ci=True)
    assert (ci.takes("S1", True), ci.takes("S2", False)) == (True, False)
    assert (ci.many(100, 5), Options(scale=0.1).many(100, 5)) == (5, 10)


def test_a_passed_scenario_is_not_run_again_unless_asked(tmp_path: Path) -> None:
    Row("S1", "kills", passed=True).write(tmp_path)
    Row("S2", "outage", passed=False).write(tmp_path)
    assert is_finished(Options(folder=tmp_path), "S1")
    assert not is_finished(Options(folder=tmp_path), "S2")
    assert not is_finished(Options(folder=tmp_path, afresh=True), "S1")


def test_the_report_has_a_line_a_scenario_and_says_what_failed(tmp_path: Path) -> None:
    Row("S10", "disorder", {"repeated": 5}, 100, passed=True, at="2026-01-02T03").write(tmp_path)
    Row("S2", "outage", lost=3, detail="lost: <three> | posts").write(tmp_path)
    text = report(rows(tmp_path))
    assert text.index("| S2 |") < text.index("| S10 |")
    assert "- **S2**: lost: (three) / posts" in text
    assert "1 of 2 scenarios passed" in text
