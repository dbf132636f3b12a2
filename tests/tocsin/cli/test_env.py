"""``tocsin env``: what runs in this folder, for a shell, for a program, and as a hint."""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.tocsin.cli.commands import Commands
from tocsin.cli.env import hint, variables
from tocsin.local.state_file import HOME, RunningStack, StateFile

RUNNING = RunningStack(
    "tocsin up", 7, "127.0.0.1:9,[::1]:9", "http://127.0.0.1:8", "/a folder", {"sink": "http://h:1"}
)


@pytest.fixture
def tocsin(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Commands:
    return Commands(monkeypatch, capsys)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in variables(RUNNING):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def running(folder: Path) -> Iterator[RunningStack]:
    state = StateFile()
    state.write(RUNNING)
    yield RUNNING
    state.remove()


def test_where_nothing_runs_it_says_so_and_how_to_start_it(tocsin: Commands, folder: Path) -> None:
    error = tocsin.error("env")
    assert f"nothing runs in this folder ({folder})" in error
    assert "tocsin up" in error


def test_a_stack_that_has_ended_is_nothing_that_runs(tocsin: Commands, folder: Path) -> None:
    state = StateFile()
    state.write(RUNNING)
    left = (folder / HOME / "running.json").read_text()
    state.remove()
    (folder / HOME / "running.json").write_text(left)
    assert "nothing runs" in tocsin.error("env")


def test_a_link_to_the_tower_leads_to_the_port_that_it_took() -> None:
    assert "TOCSIN_TOWER_PORT" not in variables(RUNNING)
    assert variables(replace(RUNNING, tower_port="8471"))["TOCSIN_TOWER_PORT"] == "8471"


def test_a_shell_takes_the_addresses(tocsin: Commands, running: RunningStack) -> None:
    ran = tocsin("env")
    assert ran.status == 0
    script = f'{ran.out}\necho "$TOCSIN_KAFKA_BOOTSTRAP_SERVERS $TOCSIN_ELASTICSEARCH_URL"'
    shell = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    assert shell.stdout.split() == [running.kafka, running.elasticsearch]


def test_a_program_takes_the_services_too(tocsin: Commands, running: RunningStack) -> None:
    told = json.loads(tocsin("env", "--format", "json").out)
    assert told["monitors"] == {"sink": "http://h:1"}
    assert told["environment"] == variables(running)
    assert (told["logs"], told["pid"], told["command"]) == ("/a folder", 7, "tocsin up")


def test_a_command_that_finds_no_server_is_told_of_the_stack_here(running: RunningStack) -> None:
    told = hint({})
    assert told is not None and "'tocsin up' runs a stack in this folder" in told
    assert 'eval "$(tocsin env)"' in told
    assert hint({"TOCSIN_ELASTICSEARCH_URL": "http://elsewhere:9200"}) is None


def test_where_nothing_runs_there_is_no_hint(folder: Path) -> None:
    assert hint({}) is None


def test_the_hint_follows_the_error(
    tocsin: Commands, running: RunningStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The port of an address that nothing serves, as the default's is where nothing runs.
    monkeypatch.setenv("TOCSIN_ELASTICSEARCH_REQUEST_TIMEOUT_S", "5")
    error = tocsin.error("alerts", "list", status=3)
    assert error.splitlines()[-1].startswith("'tocsin up' runs a stack in this folder")
