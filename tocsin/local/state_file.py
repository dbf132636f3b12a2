"""The file that says what runs in a folder: addresses of the stack, ports of the services.

The process that runs the stack holds a lock on the file. The kernel releases it however that
process ends, so a file without a lock is stale.
"""

import fcntl
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO

from schemas.errors import TocsinError
from tocsin.local.stack.folders import close_folder, open_private_folder

HOME = Path(".tocsin")
"""Where stacks keep their data, below the folder that they are started in."""
NAME = "running.json"


@dataclass(frozen=True)
class RunningStack:
    """What ``tocsin env`` tells of the stack that runs in a folder."""

    command: str
    """The command that runs it: ``tocsin up``, or ``tocsin demo --keep``."""
    pid: int
    kafka: str
    elasticsearch: str
    logs: str
    monitors: Mapping[str, str] = field(default_factory=dict)
    """Service to the base URL of its /metrics and /readyz."""
    tower_port: str = ""
    """Of the control tower, which takes another one if its own is in use; empty without it."""


class StateFile:
    """The state file of one folder (``.tocsin``); write it while the stack runs."""

    def __init__(self, home: Path = HOME) -> None:
        self.path = home.absolute() / NAME
        self._file: IO[str] | None = None

    def write(self, running: RunningStack) -> None:
        """Write the state and hold the file; again when something changed.

        A second stack of the same folder takes the file over: the last one started is told.
        """
        open_private_folder(self.path.parent)
        close_folder(self.path.parent)
        scratch = self.path.with_name(f"{NAME}.{os.getpid()}")
        file = scratch.open("w", encoding="utf-8")
        os.fchmod(file.fileno(), 0o600)
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        file.write(json.dumps(asdict(running), indent=2) + "\n")
        file.flush()
        scratch.replace(self.path)
        if self._file is not None:
            self._file.close()
        self._file = file

    def remove(self) -> None:
        """Remove the file if it is still this stack's; idempotent."""
        if self._file is None:
            return
        with suppress(OSError):
            if os.fstat(self._file.fileno()).st_ino == self.path.stat().st_ino:
                self.path.unlink()
        self._file.close()
        self._file = None

    def read(self) -> RunningStack | None:
        """The stack that runs, or None: there is no file, or its process has ended."""
        try:
            with self.path.open(encoding="utf-8") as file:
                if not _is_held(file):
                    return None
                return RunningStack(**json.load(file))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError) as error:
            raise TocsinError(f"{self.path} cannot be read ({error}); remove it") from None


def _is_held(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    fcntl.flock(file, fcntl.LOCK_UN)
    return False
