"""The folders that a stack writes: made, opened to the servers' account, and what fails there."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tocsin.local.stack import StackError
from tocsin.local.stack.account import Account

DATA_ADVICE = "start tocsin in a folder that you may write"
CACHE_ADVICE = "set TOCSIN_CACHE_DIR to a folder that can"
_CAUSES = {
    errno.ENOSPC: "its disk is full",
    errno.EDQUOT: "your share of its disk is used up",
    errno.EROFS: "its disk is read-only",
    errno.EACCES: "permission is denied",
    errno.EPERM: "permission is denied",
    errno.ENOENT: "it does not exist and cannot be made",
    errno.ENOTDIR: "a part of its path is a file",
    errno.EMFILE: "too many files are open",
    errno.ENFILE: "too many files are open",
    errno.EIO: "its disk has a fault",
}
_REMEDIES = {
    errno.ENOSPC: "free some space there",
    errno.EDQUOT: "free some space there",
    errno.EMFILE: "raise the limit of open files (ulimit -n)",
    errno.ENFILE: "raise the limit of open files of this machine",
    errno.EIO: "look at the kernel's log",
}


@contextmanager
def folder_errors(folder: Path, advice: str) -> Iterator[None]:
    """Turn what the operating system refuses into a sentence: the folder, the cause, the advice."""
    try:
        yield
    except OSError as error:
        number = error.errno or 0
        cause = _CAUSES.get(number) or (error.strerror or "unknown error").lower()
        remedy = f"{_REMEDIES[number]}, or {advice}" if number in _REMEDIES else advice
        raise StackError(f"The folder {folder} cannot be written ({cause}): {remedy}.") from error


def private_mode() -> int:
    """The mode of our folders: closed to others, whatever the umask.

    As root the servers run under another account, which has to pass through: others may then pass,
    and list nothing.
    """
    return 0o711 if os.geteuid() == 0 else 0o700


def open_private_folder(folder: Path) -> None:
    """Make the missing folders of a path, closed to others; existing ones stay as they are."""
    for missing in [path for path in (folder, *folder.parents) if not path.exists()][::-1]:
        missing.mkdir(exist_ok=True)
        missing.chmod(private_mode())


def close_folder(folder: Path) -> None:
    """Take from others what :func:`private_mode` does not leave them, if the folder is ours."""
    status = folder.stat()
    if status.st_uid == os.geteuid() and stat.S_IMODE(status.st_mode) & 0o077 & ~private_mode():
        folder.chmod(private_mode())


def open_data_folder(folder: Path, account: Account) -> None:
    """Make a data folder that the servers' account can reach, and refuse one that it cannot.

    A new folder is opened to that account. The mode of a folder with content stays: it may be
    closed to others on purpose.
    """
    open_private_folder(folder)
    if not any(folder.iterdir()) and not account.is_us:
        folder.chmod(private_mode())
    if barrier := account.barrier(folder / "kafka"):
        raise StackError(
            f"The servers run as the user {account.name}, who cannot pass through {barrier} "
            f"to {folder}: choose a data folder elsewhere, for example below /var/lib."
        )


def open_cache_folder(folder: Path) -> None:
    """Make the missing folders of a path, readable for all; existing ones stay as they are."""
    with folder_errors(folder, CACHE_ADVICE):
        for missing in [path for path in (folder, *folder.parents) if not path.exists()][::-1]:
            missing.mkdir(exist_ok=True)
            missing.chmod(0o755)
        if not os.access(folder, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder))
