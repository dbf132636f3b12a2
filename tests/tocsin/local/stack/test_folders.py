"""What the operating system refuses, each as a sentence with the folder and what to do."""

import errno
import os
import stat
from pathlib import Path

import pytest

from tests.tocsin.local.stack.records import quiet
from tocsin.local.stack import StackError, open_stack
from tocsin.local.stack.folders import (
    DATA_ADVICE,
    close_folder,
    folder_errors,
    open_cache_folder,
    open_private_folder,
    private_mode,
)
from tocsin.local.stack.process import private_log
from tocsin.local.state_file import NAME, RunningStack, StateFile


@pytest.mark.parametrize(
    ("number", "cause", "advice"),
    [
        (errno.ENOSPC, "its disk is full", "free some space there, or start tocsin in a folder"),
        (errno.EROFS, "its disk is read-only", "start tocsin in a folder that you may write"),
        (errno.EACCES, "permission is denied", "start tocsin in a folder that you may write"),
        (errno.EMFILE, "too many files are open", "raise the limit of open files"),
        (errno.ELOOP, "too many levels of symbolic links", "start tocsin in a folder"),
    ],
)
def test_the_cause_decides_the_advice(number: int, cause: str, advice: str) -> None:
    with (
        pytest.raises(StackError, match=f"The folder /data cannot be written .{cause}.: {advice}"),
        folder_errors(Path("/data"), DATA_ADVICE),
    ):
        raise OSError(number, os.strerror(number))


@pytest.mark.parametrize("name", ["engines", "embedded"])
@pytest.mark.parametrize("folder", ["/proc/tocsin/data", "file/data"])
def test_a_data_folder_that_cannot_be_made_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, folder: str
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.chdir(tmp_path)
    stack = open_stack("engines" if name == "engines" else "embedded", Path(folder))
    with pytest.raises(StackError, match=r"data cannot be written .*: start tocsin in a folder"):
        stack.start(quiet)
    assert stack.failure() is None


def test_the_folders_of_a_cache_are_open_to_all_and_those_that_are_there_stay(
    tmp_path: Path,
) -> None:
    tmp_path.chmod(0o700)
    before = os.umask(0o077)
    try:
        open_cache_folder(tmp_path / "a" / "b")
    finally:
        os.umask(before)
    modes = [folder.stat().st_mode & 0o777 for folder in (tmp_path, tmp_path / "a" / "b")]
    assert modes == [0o700, 0o755]
    with pytest.raises(StackError, match="cannot be written .*set TOCSIN_CACHE_DIR"):
        open_cache_folder(Path("/proc/tocsin"))


def test_the_folders_of_a_stack_are_closed_to_others_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        open_private_folder(folder := tmp_path / ".tocsin" / "engines")
        state = StateFile(tmp_path / ".tocsin")
        state.write(RunningStack("tocsin up", 1, "k", "e", "logs"))
        with private_log(folder / "output.log") as log:
            log.write(b"posts of people")
    finally:
        os.umask(before)
    for path in (tmp_path / ".tocsin", folder):
        # As root, the servers' account passes through; nobody lists or reads.
        assert stat.S_IMODE(path.stat().st_mode) == private_mode()
        assert private_mode() & 0o066 == 0
    for path in (folder / "output.log", tmp_path / ".tocsin" / NAME):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    state.remove()


def test_a_folder_of_an_older_release_is_closed_and_a_closed_one_stays(tmp_path: Path) -> None:
    for mode, closed in ((0o755, private_mode()), (0o777, private_mode()), (0o700, 0o700)):
        tmp_path.chmod(mode)
        close_folder(tmp_path)
        assert stat.S_IMODE(tmp_path.stat().st_mode) == closed
