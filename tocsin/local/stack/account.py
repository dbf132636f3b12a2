"""The operating-system account of the servers, and whether it can reach their files.

Elasticsearch refuses to run as root, so root starts both servers under an unprivileged account.
That account cannot pass through a folder of mode 700 (/root, pytest's temporary folder): check
this here, before a JVM fails with a stack trace.
"""

import os
import pwd
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tocsin.local.stack import StackError

PREFERRED_ACCOUNTS = ("tocsin", "nobody")


@dataclass(frozen=True)
class Account:
    name: str
    uid: int
    gid: int

    @property
    def is_us(self) -> bool:
        return self.uid == os.geteuid()

    def can_pass(self, folder: Path) -> bool:
        if self.uid == 0:
            return True
        status = folder.stat()
        if status.st_uid == self.uid:
            return bool(status.st_mode & stat.S_IXUSR)
        if status.st_gid == self.gid:
            return bool(status.st_mode & stat.S_IXGRP)
        return bool(status.st_mode & stat.S_IXOTH)

    def barrier(self, path: Path) -> Path | None:
        """The first existing folder on the way to `path` that this account cannot pass."""
        folders = (folder for folder in reversed(path.resolve().parents) if folder.is_dir())
        return next((folder for folder in folders if not self.can_pass(folder)), None)

    def own(self, folder: Path) -> None:
        """Create a folder for this account alone, or take over an existing one."""
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        if folder.stat().st_uid == self.uid:
            return
        if os.geteuid() != 0:
            raise StackError(
                f"{folder} belongs to another user: choose another data folder, or remove that one."
            )
        os.chown(folder, self.uid, self.gid)
        for parent, folders, files in os.walk(folder):
            for name in (*folders, *files):
                os.chown(Path(parent, name), self.uid, self.gid, follow_symlinks=False)


def our_account() -> Account:
    uid, name = os.geteuid(), str(os.geteuid())
    with suppress(KeyError):  # in a container the account may have no name
        name = pwd.getpwuid(uid).pw_name
    return Account(name, uid, os.getegid())


def server_account() -> Account:
    if os.geteuid() != 0:
        return our_account()
    for name in PREFERRED_ACCOUNTS:
        with suppress(KeyError):
            entry = pwd.getpwnam(name)
            return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
    raise StackError(
        "Elasticsearch refuses to run as root and there is no account to run it under: "
        "create a system user called tocsin, or start as another user."
    )
