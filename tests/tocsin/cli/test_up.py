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


def test_up_shows_posts_being_indexed_and_ctrl_c_stops_everything(folder: Path) -> None:
    process = start(folder, "up", "--source", "generate", "--pace", "720")
    assert process.stdout is not None
    deadline, indexed, lines = time.monotonic() + PATIENCE_S, 0, []
    while not indexed and time.monotonic() < deadline:
        line = process.stdout.readline()
        lines.append(line)
        found = re.search(r"indexed (\d+)", line)
        indexed = int(found[1]) if found else 0
    assert indexed > 0, "".join(lines)
    assert "dead letters 0" in lines[-1]
    children = psutil.Process(process.pid).children(recursive=True)
    services = {" ".join(child.cmdline()) for child in children}
    assert any("tocsin process" in service for service in services)
    assert any("tocsin sink" in service for service in services)

    process.send_signal(signal.SIGINT)
    rest, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, rest
    assert "had to kill" not in rest
    gone, alive = psutil.wait_procs(children, timeout=5)
    assert not alive
    assert len(gone) == len(children)


def test_a_service_that_dies_is_started_again(folder: Path) -> None:
    process = start(folder, "up", "--source", "none")
    try:
        deadline = time.monotonic() + PATIENCE_S
        sink = None
        while sink is None and time.monotonic() < deadline:
            for child in psutil.Process(process.pid).children(recursive=True):
                if "tocsin sink elasticsearch" in " ".join(child.cmdline()):
                    sink = child
            time.sleep(0.2)
        assert sink is not None
        sink.kill()
        assert process.stdout is not None
        said = ""
        while "sink died, starting it again" not in said and time.monotonic() < deadline:
            said = process.stdout.readline()
        assert "sink died, starting it again (status -9)" in said
        again = [
            child
            for child in psutil.Process(process.pid).children(recursive=True)
            if child.pid != sink.pid and "tocsin sink elasticsearch" in " ".join(child.cmdline())
        ]
        while not again and time.monotonic() < deadline:
            time.sleep(0.2)
            again = [
                child
                for child in psutil.Process(process.pid).children(recursive=True)
                if "tocsin sink elasticsearch" in " ".join(child.cmdline())
            ]
        assert again
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=PATIENCE_S)


def test_the_demo_answers_from_the_index(folder: Path) -> None:
    process = start(folder, "demo", "--posts", "400")
    out, _ = process.communicate(timeout=2 * PATIENCE_S)
    assert process.returncode == 0, out
    found = re.search(r"(\d+) post events read, .* (\d+) mentions found by search, 0 dead", out)
    assert found is not None, out
    assert int(found[1]) >= 400
    assert 100 < int(found[2]) < 400
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
