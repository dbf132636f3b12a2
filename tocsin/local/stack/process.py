"""A server as a child process that never outlives us and never dies before we say so.

The child has its own session, so Ctrl-C in the terminal reaches us alone. On Linux the kernel
kills it when we die, however we die. That promise is bound to the thread that started the child:
the thread that starts it therefore stays with it until its end.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
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
    """One run of one server."""

    def __init__(self, command: Command) -> None:
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None
        self._failure: OSError | subprocess.SubprocessError | None = None
        self._started = threading.Event()
        name = Path(command.arguments[0]).name
        threading.Thread(target=self._accompany, name=f"with-{name}", daemon=True).start()
        self._started.wait()
        if self._failure is not None:
            raise StackError(
                f"{command.arguments[0]} could not be started ({self._failure}): "
                "check that it exists and that the account may execute it."
            ) from self._failure

    @property
    def pid(self) -> int:
        return self._running.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._running.poll()

    def ask_to_stop(self) -> None:
        """Request an orderly end, without waiting for it."""
        self._signal(signal.SIGTERM)

    def wait_or_kill(self, seconds: float) -> None:
        """Give it time to end, then end it."""
        try:
            self._running.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
        self._close_input()

    def kill(self) -> None:
        """End it as a power cut would, and wait until it is gone."""
        self._signal(signal.SIGKILL)
        self._running.wait()
        self._close_input()

    @property
    def _running(self) -> subprocess.Popen[bytes]:
        assert self._process is not None
        return self._process

    def _signal(self, number: signal.Signals) -> None:
        """Signal the whole session: a server may have helpers of its own."""
        if self._running.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self._running.pid, number)

    def _accompany(self) -> None:
        try:
            self._process = self._spawn()
        except (OSError, subprocess.SubprocessError) as error:
            self._failure = error
            return
        finally:
            self._started.set()
        self._process.wait()

    def _spawn(self) -> subprocess.Popen[bytes]:
        command = self._command
        switch = not command.account.is_us
        with command.output.open("ab") as output:
            process = subprocess.Popen(
                list(command.arguments),
                env=dict(command.environment),
                cwd=command.folder,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                user=command.account.uid if switch else None,
                group=command.account.gid if switch else None,
                extra_groups=[] if switch else None,
                preexec_fn=tie_to_parent(os.getpid(), signal.SIGKILL)
                if sys.platform == "linux"
                else None,
            )
        self._greet(process)
        return process

    def _greet(self, process: subprocess.Popen[bytes]) -> None:
        """Say what the server waits for; its input stays open, as its end means stop to some."""
        assert process.stdin is not None
        try:
            process.stdin.write(self._command.greeting)
            process.stdin.flush()
        except BrokenPipeError:
            pass  # it has ended already, and whoever waits for it will see that

    def _close_input(self) -> None:
        assert self._running.stdin is not None
        with suppress(BrokenPipeError):
            self._running.stdin.close()


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
