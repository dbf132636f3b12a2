"""``tocsin up`` as a person uses it, on a real Kafka and the embedded Elasticsearch."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Queue
from threading import Thread

import psutil
import pytest

from tests.stack_fixtures import stack_dir
from tests.tocsin.cli.commands import Commands

__all__ = ["stack_dir"]
PATIENCE_S = 240.0


class Up:
    """A running command: its lines as they come, and its child processes."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.folder = folder
        environment = {**os.environ, "TOCSIN_PROCESS_ANNOTATORS": "language,brands,sentiment"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tocsin", *arguments],
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.lines: list[str] = []
        self._queue: Queue[str | None] = Queue()
        Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._queue.put(line)
        self._queue.put(None)

    def wait_for(self, pattern: str) -> re.Match[str]:
        """The first line from here on that the pattern is in."""
        deadline = time.monotonic() + PATIENCE_S
        while (left := deadline - time.monotonic()) > 0:
            line = self._queue.get(timeout=left)
            if line is None:
                break
            self.lines.append(line)
            if match := re.search(pattern, line):
                return match
        raise AssertionError(f"no line with {pattern}:\n{''.join(self.lines)}")

    def children(self, *words: str) -> list[psutil.Process]:
        below = psutil.Process(self.process.pid).children(recursive=True)
        return [child for child in below if all(word in child.cmdline() for word in words)]

    def server(self, word: str) -> psutil.Process:
        """The child with this word anywhere in its command line."""
        below = psutil.Process(self.process.pid).children(recursive=True)
        (server,) = (child for child in below if word in " ".join(child.cmdline()))
        return server

    def end(self) -> str:
        """Its remaining lines, once it has ended."""
        self.process.wait(PATIENCE_S)
        while (line := self._queue.get(timeout=PATIENCE_S)) is not None:
            self.lines.append(line)
        return "".join(self.lines)


@pytest.fixture
def start(stack_dir: Path) -> Iterator[Callable[..., Up]]:
    (stack_dir / "brands.yaml").write_text("brands:\n  - {id: velmora, name: Velmora}\n")
    stack_dir.chmod(0o755)  # else root's servers keep their data elsewhere
    started: list[Up] = []

    def begin(*arguments: str) -> Up:
        started.append(Up(stack_dir, *arguments))
        return started[-1]

    yield begin
    for up in started:
        if up.process.poll() is None:
            up.process.send_signal(signal.SIGTERM)
            up.process.wait(PATIENCE_S)
        assert up.process.stdout is not None
        up.process.stdout.close()


@pytest.mark.embedded
def test_up_shows_posts_being_indexed_tells_where_it_is_and_stops_everything_on_ctrl_c(
    start: Callable[..., Up],
) -> None:
    up = start("up", "--stack", "embedded", "--source", "generate", "--pace", "720")
    up.wait_for(r"posts read, [1-9][\d,]* mentions indexed")
    services = {"generate", "process", "sink", "detector", "alerts", "tower"}
    for service in services:
        # In whatever order they come: waiting for one reads past others.
        ready = f"{service}: ready"
        assert ready in "".join(up.lines) or up.wait_for(ready)
    text = "".join(up.lines)

    running = json.loads((up.folder / ".tocsin" / "running.json").read_text())
    assert running["monitors"].keys() == services
    assert running["kafka"] in text and running["elasticsearch"] in text
    assert running["logs"] in text

    children = up.children()
    up.process.send_signal(signal.SIGINT)
    text = up.end()
    assert up.process.returncode == 0, text
    assert "stopping" in text
    gone, alive = psutil.wait_procs(children, timeout=5)
    assert not alive
    assert len(gone) == len(children)
    assert not (up.folder / ".tocsin" / "running.json").exists()


@pytest.mark.embedded
def test_every_service_that_is_killed_is_started_again_and_goes_on(
    start: Callable[..., Up],
) -> None:
    up = start("up", "--stack", "embedded", "--source", "generate", "--pace", "120")
    up.wait_for(r"posts read, [1-9][\d,]* mentions indexed")
    for name, words in (("sink", ("sink", "elasticsearch")), ("process", ("process",))):
        (killed,) = up.children(*words)
        killed.kill()
        up.wait_for(rf"{name} died, restarting it \(SIGKILL\)")
        up.wait_for(rf"{name}: ready")
        (restarted,) = up.children(*words)
        assert restarted.pid != killed.pid
        before = int(up.wait_for(r"([\d,]+) mentions indexed")[1].replace(",", ""))
        while int(up.wait_for(r"([\d,]+) mentions indexed")[1].replace(",", "")) <= before:
            pass


@pytest.mark.embedded
def test_a_server_that_dies_is_named_with_its_log_and_ends_up_with_status_3(
    start: Callable[..., Up],
) -> None:
    up = start("up", "--stack", "embedded", "--source", "none")
    up.wait_for("other terminals")
    up.server("kafka.Kafka").kill()
    up.wait_for(r"Kafka ended \(SIGKILL\): see its log, /")
    children = up.children()
    text = up.end()
    assert up.process.returncode == 3, text
    assert "tocsin: Kafka ended" in text.splitlines()[-1]
    assert not psutil.wait_procs(children, timeout=5)[1]


@pytest.mark.embedded
def test_up_ends_with_2_when_all_services_have_ended(
    start: Callable[..., Up], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOCSIN_LOG_STYLE", "pretty")
    up = start("up", "--stack", "embedded", "--source", "none")
    text = up.end()
    assert up.process.returncode == 2, text
    assert "TOCSIN_LOG_STYLE" in text


@pytest.fixture
def tocsin(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Commands:
    return Commands(monkeypatch, capsys)


def test_an_unknown_source_and_a_missing_brands_file_are_told_before_anything_starts(
    tocsin: Commands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "there is no source nosuch; choose from bluesky" in tocsin.error(
        "up", "--source", "nosuch"
    )
    assert "brands.yaml" in tocsin.error("up")
    assert not (tmp_path / ".tocsin").exists()
