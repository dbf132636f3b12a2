"""A stop ends a process in time, whatever it waits for. The processes are real."""

import array
import fcntl
import json
import os
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

ENDS_WITHIN_S = 25.0
"""Generous, for a busy machine: later it has not ended by itself."""
HANGING = {
    "a library in C that does not return": (
        "up(); import ctypes; c = ctypes.CDLL(None); lock = ctypes.create_string_buffer(64); "
        "c.pthread_mutex_lock(lock); c.pthread_mutex_lock(lock)"
    ),
    "an event loop that is blocked": (
        "import asyncio, signal, time\n"
        "from runtime.limits.process_end import end_after\n"
        "async def main():\n"
        "    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, print)\n"
        "    end_after([signal.SIGTERM], 0.5, 3)  # after the loop's own, as Faust's worker\n"
        "    up()\n"
        "    time.sleep(600)\n"
        "asyncio.run(main())"
    ),
    "a call that ignores the stop": "up(); import time; time.sleep(600)",
    "a loop that never looks": "up()\nwhile True: pass",
    "a thread that is joined at the end": (
        "up(); import threading, time; threading.Thread(target=time.sleep, args=(600,)).start(); "
        "stop.wait()"
    ),
}


@pytest.mark.parametrize("body", HANGING.values(), ids=list(HANGING))
def test_a_stop_ends_what_hangs_with_a_word_and_its_status(tmp_path: Path, body: str) -> None:
    program = f"""
from runtime.service import service
with service("test", (), 0.5, 3) as (health, stop):
    health.clear("start")
    exec({body!r}, {{"up": lambda: print("up", flush=True), "stop": stop}})
"""
    log = tmp_path / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-c", program],
            env={**os.environ, "TOCSIN_MONITOR_PORT": "0", "TOCSIN_LOG_STYLE": "json"},
            stdout=subprocess.PIPE,
            stderr=out,
        )
    try:
        assert process.stdout is not None and process.stdout.readline() == b"up\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(ENDS_WITHIN_S) == 3
    finally:
        process.kill()
        process.communicate()
    (line,) = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    assert "ended before all had stopped" in line["event"] and line["level"] == "warning"


def test_a_stop_ends_a_service_whose_log_nobody_reads() -> None:
    program = """
from runtime.logs import get_logger
from runtime.service import service
with service("test", (), 0.5, 3) as (health, stop):
    print("up", flush=True)
    while True:
        get_logger("test").info("x" * 1000)
"""
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        env={**os.environ, "TOCSIN_MONITOR_PORT": "0", "TOCSIN_LOG_STYLE": "json"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        assert process.stdout is not None and process.stdout.readline() == b"up\n"
        pipe = process.stderr
        assert pipe is not None
        before, deadline = -1, time.monotonic() + 60
        while before < 1_000 or waiting(pipe.fileno()) > before:  # until no more fits in
            assert time.monotonic() < deadline, "the log never fills the pipe"
            before = waiting(pipe.fileno())
            time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        assert process.wait(ENDS_WITHIN_S) == 3
    finally:
        process.kill()
        process.communicate()


def waiting(pipe: int) -> int:
    """Bytes in a pipe that nobody has read."""
    count = array.array("i", [0])
    fcntl.ioctl(pipe, termios.FIONREAD, count)
    return count[0]
