"""A server as a child process that never outlives us and never dies before we stop it.

The child has its own session, so Ctrl-C in the terminal reaches only us. On Linux the kernel
kills it when the thread that started it ends: start it from the main thread.
"""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tocsin.local.stack import StackError
from tocsin.local.stack.account import Account

PR_SET_PDEATHSIG = 1
PRIVATE_UMASK = 0o077
"""Data and logs hold posts of people: others on this machine do not read them."""


def private_log(path: Path) -> IO[bytes]:
    """Open a log to append to; a new one is readable for its owner alone."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")


@dataclass(frozen=True)
class Command:
    arguments: Sequence[str]
    environment: Mapping[str, str]
    folder: Path
    output: Path
    account: Account
    greeting: bytes = b""
    """Written to its standard input."""


class ChildProcess:
    """
    :raises StackError: the program cannot be started.
    :raises OSError: its output cannot be written.
    """

    def __init__(self, command: Command) -> None:
        with private_log(command.output) as output:
            self._process = _popen(command, output)
        assert self._process.stdin is not None
        self._input = self._process.stdin
        # It stays open: some servers stop at its end. Callers that wait see one that has ended.
        with suppress(BrokenPipeError):
            self._input.write(command.greeting)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        return self._process.poll()

    def ask_to_stop(self) -> None:
        self._signal(signal.SIGTERM)

    def wait_or_kill(self, seconds: float) -> None:
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
        self._input.close()

    def kill(self) -> None:
        """End it as a power cut does, and wait until it is gone."""
        self._signal(signal.SIGKILL)
        self._process.wait()
        self._input.close()

    def _signal(self, number: signal.Signals) -> None:
        """Signal the whole session: a server may have helpers of its own."""
        if self._process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)


def _popen(command: Command, output: IO[bytes]) -> "subprocess.Popen[bytes]":
    account = command.account
    try:
        return subprocess.Popen(
            list(command.arguments),
            bufsize=0,
            env=dict(command.environment),
            cwd=command.folder,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            umask=PRIVATE_UMASK,
            user=None if account.is_us else account.uid,
            group=None if account.is_us else account.gid,
            extra_groups=None if account.is_us else [],
            preexec_fn=tie_to_parent(os.getpid(), signal.SIGKILL)
            if sys.platform == "linux"
            else None,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise StackError(
            f"{command.arguments[0]} could not be started ({error}): "
            "check that it exists and that the account may execute it."
        ) from error


def tie_to_parent(parent: int, death_signal: signal.Signals) -> Callable[[], None]:
    """A function for the child: the kernel sends it the signal when its parent dies.

    It runs after a switch of user, which would undo it.
    """
    prctl = ctypes.CDLL(None, use_errno=True).prctl  # before the fork

    def tie() -> None:
        prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
        if os.getppid() != parent:  # the parent died before
            os._exit(1)

    return tie
