"""The state file: true while its process lives, however that process ends."""

import subprocess
import sys
from pathlib import Path

import pytest

from schemas.errors import TocsinError
from tocsin.local.state_file import NAME, RunningStack, StateFile

ROOT = Path(__file__).parents[3]
RUNNING = RunningStack(
    command="tocsin up",
    pid=1,
    kafka="127.0.0.1:1",
    elasticsearch="http://127.0.0.1:2",
    logs="/logs",
    monitors={"process": "http://127.0.0.1:3"},
)
OTHER = """
import sys
from pathlib import Path
from tocsin.local.state_file import RunningStack, StateFile
state = StateFile(Path(sys.argv[1]))
state.write(RunningStack("tocsin up", 7, "kafka", "elasticsearch", "logs"))
print("written", flush=True)
sys.stdin.readline()
"""


def test_nothing_runs_where_there_is_no_file(tmp_path: Path) -> None:
    assert StateFile(tmp_path / "none").read() is None


def test_what_runs_is_told_until_the_end(tmp_path: Path) -> None:
    state = StateFile(tmp_path / ".tocsin")
    state.write(RUNNING)
    assert StateFile(tmp_path / ".tocsin").read() == RUNNING
    state.remove()
    state.remove()
    assert StateFile(tmp_path / ".tocsin").read() is None
    assert not list((tmp_path / ".tocsin").iterdir())


def test_the_file_of_a_killed_process_is_stale(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", OTHER, str(tmp_path)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout is not None and other.stdout.readline() == "written\n"
        running = StateFile(tmp_path).read()
        assert running is not None and running.pid == 7
        other.kill()
    assert (tmp_path / NAME).exists()
    assert StateFile(tmp_path).read() is None


def test_the_last_stack_of_a_folder_is_told_and_an_older_one_does_not_remove_its_file(
    tmp_path: Path,
) -> None:
    first, second = StateFile(tmp_path), StateFile(tmp_path)
    first.write(RUNNING)
    newer = RunningStack("tocsin demo --keep", 2, "k", "e", "l")
    second.write(newer)
    first.remove()
    assert StateFile(tmp_path).read() == newer
    second.remove()
    assert StateFile(tmp_path).read() is None


def test_a_file_that_is_no_state_is_one_sentence(tmp_path: Path) -> None:
    state = StateFile(tmp_path)
    state.write(RUNNING)
    with (tmp_path / NAME).open("r+") as file:
        file.truncate(10)
    with pytest.raises(TocsinError, match=r"running\.json cannot be read .* remove it"):
        StateFile(tmp_path).read()
    state.remove()
