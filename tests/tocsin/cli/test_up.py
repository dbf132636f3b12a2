"""``tocsin up`` and ``tocsin demo`` as a person uses them, on the embedded stack."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.stack_fixtures import stack_dir

__all__ = ["stack_dir"]
pytestmark = pytest.mark.embedded

PATIENCE_S = 120.0


@pytest.fixture
def folder(stack_dir: Path) -> Iterator[Path]:
    (stack_dir / "brands.yaml").write_text("brands:\n  - {id: velmora, name: Velmora}\n")
    yield stack_dir


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "TOCSIN_PROCESS_ANNOTATORS": "language,brands,sentiment"}
    return subprocess.Popen(
        [sys.executable, "-m", "tocsin", *arguments],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def children(process: subprocess.Popen[str], command: str) -> list[psutil.Process]:
    """The services of a running pipeline that have these words in their command line."""
    below = psutil.Process(process.pid).children(recursive=True)
    return [child for child in below if command in " ".join(child.cmdline())]


def wait_for(process: subprocess.Popen[str], command: str, gone: int = 0) -> psutil.Process:
    """The service of that command, once there is one that is not the process ``gone``."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        for child in children(process, command):
            if child.pid != gone:
                return child
        time.sleep(0.2)
    raise AssertionError(f"{command} never ran")


def test_up_shows_posts_being_indexed_and_ctrl_c_stops_everything(folder: Path) -> None:
    process = start(folder, "up", "--source", "generate", "--pace", "720")
    assert process.stdout is not None
    deadline, indexed, lines = time.monotonic() + PATIENCE_S, 0, []
    while not indexed and time.monotonic() < deadline:
        lines.append(process.stdout.readline())
        match = re.search(r"indexed (\d+)", lines[-1])
        indexed = int(match[1]) if match else 0
    assert indexed > 0, "".join(lines)
    assert "dead letters 0" in lines[-1]
    assert children(process, "tocsin process") and children(process, "tocsin sink")

    services = children(process, "")
    process.send_signal(signal.SIGINT)
    rest, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, rest
    assert "had to kill" not in rest
    gone, alive = psutil.wait_procs(services, timeout=5)
    assert not alive
    assert len(gone) == len(services)


def test_a_service_that_dies_is_started_again(folder: Path) -> None:
    process = start(folder, "up", "--source", "none")
    try:
        sink = wait_for(process, "tocsin sink elasticsearch")
        sink.kill()
        assert process.stdout is not None
        deadline, line = time.monotonic() + PATIENCE_S, ""
        while "sink died" not in line and time.monotonic() < deadline:
            line = process.stdout.readline()
        assert "sink died, restarting it (status -9)" in line
        wait_for(process, "tocsin sink elasticsearch", gone=sink.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=PATIENCE_S)


def test_the_demo_answers_from_the_index(folder: Path) -> None:
    process = start(folder, "demo", "--posts", "400")
    out, _ = process.communicate(timeout=2 * PATIENCE_S)
    assert process.returncode == 0, out
    counts = re.search(r"(\d+) post events read, .* (\d+) mentions found by search, 0 dead", out)
    assert counts is not None, out
    assert int(counts[1]) >= 400
    assert 100 < int(counts[2]) < 400
    for heading in ("Mentions by brand", "Loudest authors", "The worst hour: velmora"):
        assert heading in out


def test_the_demo_replays_a_file_with_brands_of_ones_own(folder: Path) -> None:
    posts = "\n".join(
        f'{{"id": "{n}", "text": "Velmora number {n}", "created_at": "2026-05-01T10:0{n}:00Z"}}'
        for n in range(5)
    )
    (folder / "posts.jsonl").write_text(f"{posts}\nnot json\n")
    process = start(folder, "demo", "--data", "posts.jsonl", "--brands", "brands.yaml")
    out, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, out
    assert "5 mentions found by search, 1 dead letters" in out
