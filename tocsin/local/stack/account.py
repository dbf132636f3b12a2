"""Which operating-system account the servers run under, and whether it can reach their files.

Elasticsearch refuses to run as root, so as root both servers get an unprivileged account. Such an
account cannot pass through a folder of mode 700 (/root, pytest's temporary folder): that must be
said in a sentence before a JVM says it in a stack trace.
"""

from __future__ import annotations

import os
import pwd
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tocsin.local.stack.base import StackError

PREFERRED_ACCOUNTS = ("tocsin", "nobody")


@dataclass(frozen=True)
class Account:
    """The user and group that own the servers' data and run their processes."""

    name: str
    uid: int
    gid: int

    @property
    def is_us(self) -> bool:
        """Whether no switch of user is needed."""
        return self.uid == os.geteuid()

    def can_pass(self, folder: Path) -> bool:
        """Whether the mode bits of a folder let this account through to what is inside."""
        if self.uid == 0:
            return True
        status = folder.stat()
        if status.st_uid == self.uid:
            return bool(status.st_mode & stat.S_IXUSR)
        if status.st_gid == self.gid:
            return bool(status.st_mode & stat.S_IXGRP)
        return bool(status.st_mode & stat.S_IXOTH)

    def barrier(self, path: Path) -> Path | None:
        """The first existing folder on the way to `path` that stops this account, if one does."""
        folders = (folder for folder in reversed(path.resolve().parents) if folder.is_dir())
        return next((folder for folder in folders if not self.can_pass(folder)), None)

    def own(self, folder: Path) -> None:
        """Create a folder that this account may write in, taking over an older one if need be."""
        folder.mkdir(parents=True, exist_ok=True)
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
    """The account that we run under; in a container it need not have a name."""
    uid, name = os.geteuid(), str(os.geteuid())
    with suppress(KeyError):
        name = pwd.getpwuid(uid).pw_name
    return Account(name, uid, os.getegid())


def server_account() -> Account:
    """Our own account, or an unprivileged one when we are root."""
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
