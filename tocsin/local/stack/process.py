"""A server as a child process that never outlives us and never dies before we say so.

The child has its own session, so Ctrl-C in the terminal reaches us alone. On Linux the kernel
kills it when we die, however we die. That promise is bound to the thread that started the child,
which must be one that lives as long as we do: the main one.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tocsin.local.stack.account import Account
from tocsin.local.stack.base import StackError

PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Command:
    """What to run, as whom, where, and what to tell it on its standard input."""

    arguments: Sequence[str]
    environment: Mapping[str, str]
    folder: Path
    output: Path
    account: Account
    greeting: bytes = b""


class ChildProcess:
    """One run of one server, started by the main thread."""

    def __init__(self, command: Command) -> None:
        account = command.account
        try:
            with command.output.open("ab") as output:
                self._process = subprocess.Popen(
                    list(command.arguments),
                    bufsize=0,
                    env=dict(command.environment),
                    cwd=command.folder,
                    stdin=subprocess.PIPE,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
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
        assert self._process.stdin is not None
        self._input = self._process.stdin
        # It stays open, since its end means stop to some; one that has ended is seen by who waits.
        with suppress(BrokenPipeError):
            self._input.write(command.greeting)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._process.poll()

    def ask_to_stop(self) -> None:
        """Request an orderly end, without waiting for it."""
        self._signal(signal.SIGTERM)

    def wait_or_kill(self, seconds: float) -> None:
        """Give it time to end, then end it."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
        self._input.close()

    def kill(self) -> None:
        """End it as a power cut would, and wait until it is gone."""
        self._signal(signal.SIGKILL)
        self._process.wait()
        self._input.close()

    def _signal(self, number: signal.Signals) -> None:
        """Signal the whole session: a server may have helpers of its own."""
        if self._process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)


def tie_to_parent(parent: int, death_signal: signal.Signals) -> Callable[[], None]:
    """A function for the child: the kernel shall send it the signal when its parent dies.

    It runs after a switch of user, which would undo it.
    """
    prctl = ctypes.CDLL(None, use_errno=True).prctl  # looked up before the fork

    def tie() -> None:
        prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
        if os.getppid() != parent:  # it died before the tie was made
            os._exit(1)

    return tie
