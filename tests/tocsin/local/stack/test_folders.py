"""What the operating system refuses, each as a sentence with the folder and what to do."""

import errno
import os
from pathlib import Path

import pytest

from tests.tocsin.local.stack.records import quiet
from tocsin.local.stack import StackError, open_stack
from tocsin.local.stack.folders import DATA_ADVICE, folder_errors, open_cache_folder


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
