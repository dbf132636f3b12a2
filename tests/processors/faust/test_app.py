"""A Faust service serves its metrics once, also if it was prepared before it starts."""

import os
import subprocess
import sys


def test_a_prepared_service_serves_its_metrics_once() -> None:
    command = (
        "from processors.faust.app import monitor, start\n"
        "prepared = monitor('process')\n"
        "print(start('process') is prepared, monitor('process') is prepared)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", command],
        env={**os.environ, "TOCSIN_MONITOR_PORT": "0"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout == "True True\n"
