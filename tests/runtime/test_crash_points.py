"""Crash points: nothing without the variable, a crash at the named visit with it."""

import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from runtime.crash_points import VARIABLE, CrashPoints, Point, armed
from schemas.errors import ConfigurationError

ROOT = Path(__file__).parents[2]
SOURCES = ("ingestors", "processors", "runtime", "sinks")


def test_without_the_variable_no_point_crashes() -> None:
    crashes: list[str] = []
    points = CrashPoints(armed({}), lambda: crashes.append("now"))
    points.reached("sink_written")
    assert crashes == []


def test_the_wanted_visit_of_the_wanted_point_crashes_and_no_other() -> None:
    crashes: list[str] = []
    points = CrashPoints(armed({VARIABLE: "sink_written:2"}), lambda: crashes.append("now"))
    points.reached("sink_written")
    points.reached("consumer_handled")
    assert crashes == []
    points.reached("sink_written")
    assert crashes == ["now"]
    points.reached("sink_written")
    assert crashes == ["now"]


def test_a_crash_is_a_sigkill_of_the_process() -> None:
    code = "from runtime.crash_points import reached; reached('alert_delivered'); print('alive')"
    environment = {"PYTHONPATH": str(ROOT), VARIABLE: "alert_delivered"}
    ended = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, check=False
    )
    assert (ended.returncode, ended.stdout) == (-signal.SIGKILL, b"")


@pytest.mark.parametrize("text", ["nowhere", "sink_written:0", "sink_written:x", ":1"])
def test_a_name_or_number_that_means_nothing_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="process_delivered"):
        armed({VARIABLE: text})


def test_every_point_is_visited_in_one_place_of_the_code() -> None:
    """An unvisited point makes the scenario of crashes wait for nothing."""
    visits = [
        name
        for folder in SOURCES
        for path in (ROOT / folder).rglob("*.py")
        for name in re.findall(r'\breached\("(\w+)"\)', path.read_text("utf-8"))
    ]
    assert sorted(visits) == sorted(get_args(Point))
