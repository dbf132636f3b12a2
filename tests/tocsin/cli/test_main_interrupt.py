"""Ctrl-C ends every command with status 130 and without a traceback; a reader that goes, with 0."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.runtime.test_service import Silent

ROOT = Path(__file__).parents[3]
ENDS_WITHIN_S = 25.0
"""Generous, for a busy machine: later it has not ended by itself."""
INTERRUPTED = 130


@pytest.fixture(autouse=True)
def _hears_ctrl_c() -> Iterator[None]:
    """A job in the background of a script ignores SIGINT, and so would its children."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@contextlib.contextmanager
def running(*arguments: str, **environment: str) -> Iterator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tocsin", *arguments],
        env={
            **{name: value for name, value in os.environ.items() if "TOCSIN" not in name},
            "TOCSIN_MONITOR_PORT": "0",
            **environment,
        },
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            with contextlib.suppress(OSError):
                pipe.close()  # type: ignore[union-attr]


def interrupt(process: "subprocess.Popen[bytes]") -> str:
    """Its standard error after Ctrl-C."""
    process.send_signal(signal.SIGINT)
    try:
        assert process.wait(ENDS_WITHIN_S) == INTERRUPTED
    finally:
        process.kill()
    assert process.stderr is not None
    return process.stderr.read().decode()


HELD_BY_KAFKA = [
    ["topics", "setup"],
    ["brands", "list"],
    ["brands", "apply", "examples/brands.yaml"],
    ["checkpoints", "list"],
    ["dead-letters", "replay", "--yes"],
    ["detector", "rebuild", "--yes"],
    ["doctor"],
]
HELD_BY_ELASTICSEARCH = [
    ["alerts", "list"],
    ["coverage"],
    ["index", "setup"],
    ["index", "erase", "bluesky", "did:plc:a", "--yes"],
]


@pytest.mark.parametrize("arguments", [*HELD_BY_KAFKA, *HELD_BY_ELASTICSEARCH], ids=" ".join)
def test_ctrl_c_ends_a_command_whose_server_never_answers(arguments: list[str]) -> None:
    with (
        Silent() as kafka,
        Silent() as elasticsearch,
        running(
            *arguments,
            TOCSIN_KAFKA_BOOTSTRAP_SERVERS=kafka.address,
            TOCSIN_ELASTICSEARCH_URL=f"http://{elasticsearch.address}",
        ) as process,
    ):
        asked = elasticsearch if arguments in HELD_BY_ELASTICSEARCH else kafka
        asked.wait_for("requests", lambda: len(asked.fired), 1, 60)
        assert "Traceback" not in interrupt(process)


@pytest.mark.parametrize("arguments", [["annotate"], ["match", "--query", "orange"]], ids=" ".join)
def test_ctrl_c_ends_a_command_that_waits_for_its_input(arguments: list[str]) -> None:
    with running(*arguments) as process:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(b'{"id":"1","text":"orange"}\n' * 3_000)
        process.stdin.flush()
        assert process.stdout.readline()
        assert "Traceback" not in interrupt(process)


def test_ctrl_c_ends_a_command_in_a_library_that_does_not_return(tmp_path: Path) -> None:
    """As a look-up of a name does while the name server is away."""
    (tmp_path / "stuck.py").write_text(
        "import ctypes\n"
        "c, lock = ctypes.CDLL(None), ctypes.create_string_buffer(64)\n"
        "c.pthread_mutex_lock(lock)\n"
        "print('up', flush=True)\n"
        "c.pthread_mutex_lock(lock)\n"
    )
    program = (
        "from tocsin.cli.main import COMMANDS, main; from tocsin.cli.lazy_commands import "
        "LazyCommand; COMMANDS['doctor'] = LazyCommand('stuck:none', 'Stuck.'); main()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, "doctor"],
        env={**os.environ, "PYTHONPATH": f"{tmp_path}:{ROOT}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        assert process.stdout is not None and process.stdout.readline() == b"up\n"
        assert interrupt(process) == ""
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(
    "arguments", [["annotate"], ["match", "--query", "orange"], ["--help"]], ids=" ".join
)
def test_a_reader_that_goes_ends_a_command_without_a_word(arguments: list[str]) -> None:
    with running(*arguments) as process:
        assert process.stdin is not None and process.stdout is not None
        process.stdout.close()
        deadline = time.monotonic() + 60
        with contextlib.suppress(BrokenPipeError):
            while process.poll() is None and time.monotonic() < deadline:
                process.stdin.write(b'{"id":"1","text":"orange"}\n' * 3_000)
        # The library that prints the help ends with 1 by itself.
        assert process.wait(ENDS_WITHIN_S) == ("--help" in arguments)
        assert process.stderr is not None
        assert process.stderr.read().strip() == b""
