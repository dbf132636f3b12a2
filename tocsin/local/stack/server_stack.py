"""A stack of our own servers: child processes over one data folder."""

import atexit
import fcntl
import re
import signal
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, ClassVar

from tocsin.local.stack import Endpoints, Launched, Progress, StackError
from tocsin.local.stack.folders import DATA_ADVICE, folder_errors
from tocsin.local.stack.process import ChildProcess
from tocsin.local.stack.servers import Component, Server

MAX_STARTS = 3
"""With other ports each time, where another program took one of ours."""
MAX_WORDS = 3
"""Lines of a log that an error quotes."""


class ServerStack(ABC):
    """Starts once, waits until all are ready, stops; one running stack for each data folder."""

    READY_SECONDS: ClassVar[float] = 240.0
    STOP_SECONDS: ClassVar[float] = 20.0

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir.absolute()
        self._components: Mapping[Component, Server] = {}
        self._running: dict[Server, ChildProcess] = {}
        self._logs: dict[Server, StartLog] = {}
        self._endpoints: Endpoints | None = None
        self._lock: IO[str] | None = None

    def start(self, progress: Progress, launched: Launched = lambda endpoints: None) -> Endpoints:
        if self._endpoints is None:
            atexit.register(self.stop)
            for attempt in range(1, MAX_STARTS + 1):
                try:
                    self._endpoints = self._start(progress, launched)
                    break
                except AddressTaken as taken:
                    self.stop()
                    if attempt == MAX_STARTS:
                        raise
                    progress(f"{taken.label}: another program took its port; trying other ports")
                    atexit.register(self.stop)
                except BaseException:
                    self.stop()
                    raise
        assert self._endpoints is not None
        return self._endpoints

    def _start(self, progress: Progress, launched: Launched) -> Endpoints:
        with folder_errors(self._data_dir, DATA_ADVICE):
            self._components = self._servers(progress)
            for server in self._components.values():
                progress(f"starting {server.label} on {server.address}")
                server.prepare()
            self._launch()
        addresses = {name: server.address for name, server in self._components.items()}
        launched(endpoints := Endpoints(**addresses))
        for server in self._components.values():
            self._wait(server)
            progress(f"{server.label} is ready")
        return endpoints

    def stop(self) -> None:
        for process in self._running.values():
            process.ask_to_stop()
        deadline = time.monotonic() + self.STOP_SECONDS
        for server, process in self._running.items():
            was_running = process.exit_code is None
            process.wait_or_kill(max(0.0, deadline - time.monotonic()))
            if self._endpoints is not None and was_running:
                server.after_stop(in_time=process.exit_code != -signal.SIGKILL)
        self._running.clear()
        self._endpoints = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None
        atexit.unregister(self.stop)

    def failure(self) -> str | None:
        for server, process in self._running.items():
            if (status := process.exit_code) is not None:
                return f"{server.label} ended ({status_words(status)}): see its log, {server.log}."
        return None

    def kill(self, component: Component) -> None:
        if process := self._running.pop(self._server(component), None):
            process.kill()

    def restart(self, component: Component) -> None:
        server = self._server(component)
        if process := self._running.pop(server, None):
            process.ask_to_stop()
            process.wait_or_kill(self.STOP_SECONDS)
        self._run(server)
        self._wait(server)

    def pid(self, component: Component) -> int:
        server = self._server(component)
        if server not in self._running:
            raise StackError(f"The {component} of this stack is not running: restart it first.")
        return self._running[server].pid

    @abstractmethod
    def _servers(self, progress: Progress) -> Mapping[Component, Server]:
        """Check everything that can fail, claim the data folder, and describe the servers."""

    @abstractmethod
    def _launch(self) -> None:
        """Run all servers without waiting for them; after a failure `stop` cleans up."""

    def _server(self, component: Component) -> Server:
        if self._endpoints is None:
            raise StackError("The servers are not running: start the stack first.")
        return self._components[component]

    def _claim(self) -> None:
        """Lock the data folder: two sets of servers would ruin its files.

        The kernel releases the lock however this process ends.
        """
        self._lock = (self._data_dir / "stack.lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StackError(
                f"{self._data_dir} is in use by another running stack: "
                "stop that one, or choose another data folder."
            ) from error

    def _run(self, server: Server) -> None:
        self._logs[server] = StartLog(server.log.parent)
        with folder_errors(self._data_dir, DATA_ADVICE):
            self._running[server] = ChildProcess(server.run_command())

    def _wait(self, server: Server) -> None:
        deadline = time.monotonic() + self.READY_SECONDS
        while not server.is_ready() or self._running[server].exit_code is not None:
            # Also when something answers: it is another program on our port.
            if self._running[server].exit_code is not None:
                raise ended_early(server, self._logs[server])
            if time.monotonic() > deadline:
                raise StackError(
                    f"{server.label} was not ready after {self.READY_SECONDS:.0f} seconds: "
                    f"see the logs in {server.log.parent}, and try again if the machine was busy."
                )
            time.sleep(0.05)


def status_words(status: int) -> str:
    """An exit status as `subprocess` counts it: a negative one is a signal, told by its name."""
    if status >= 0:
        return f"status {status}"
    with suppress(ValueError):
        return signal.Signals(-status).name
    return f"signal {-status}"


class AddressTaken(StackError):
    """A server could not listen on its port; ``label`` is the server."""

    def __init__(self, text: str, label: str) -> None:
        super().__init__(text)
        self.label = label


class StartLog:
    """What a server has written to the logs of its folder since one start."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._sizes = {path: path.stat().st_size for path in folder.glob("*.log")}

    def lines(self) -> list[str]:
        """The last lines of each log, in the order in which the logs were written to."""
        found: list[str] = []
        with suppress(OSError):
            for path in sorted(self._folder.glob("*.log"), key=lambda path: path.stat().st_mtime):
                before, now = self._sizes.get(path, 0), path.stat().st_size
                with path.open("rb") as file:
                    # A log that is shorter than before was begun anew.
                    file.seek(max(before if before <= now else 0, now - 100_000))
                    text = file.read(100_000).decode("utf-8", "replace")
                found += [line.strip() for line in text.splitlines() if line.strip()]
        return found


def ended_early(server: Server, log: StartLog) -> StackError:
    """The error for a server that ended while it was starting, with its last words."""
    lines = log.lines()
    text = (
        f"{server.label} ended while it was starting ({last_words(lines)}): "
        f"see the logs in {server.log.parent}."
    )
    if any(re.search(_TAKEN, line, re.IGNORECASE) for line in lines):
        return AddressTaken(text, server.label)
    return StackError(text)


_TAKEN = r"address (is )?already in use|address in use|BindException"


def last_words(lines: Sequence[str]) -> str:
    """The last lines that name an error, else the last ones; at most ``MAX_WORDS`` lines."""
    errors = [line for line in lines if "rror" in line or "xception" in line]
    told = [line[:200] for line in (errors or lines)[-MAX_WORDS:]]
    return " | ".join(told) or "its log is empty"
