"""A stack of our own servers: child processes over one data folder."""

import atexit
import fcntl
import os
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, ClassVar, Generic, Protocol, TypeVar

from tocsin.local.stack import Endpoints, Launched, Progress, StackError
from tocsin.local.stack.account import Account
from tocsin.local.stack.java import Java
from tocsin.local.stack.process import ChildProcess, Command


class Server(Protocol):
    @abstractmethod
    def run_command(self) -> Command: ...

    @abstractmethod
    def is_ready(self) -> bool:
        """Whether it serves requests such as its clients send."""
        ...


S = TypeVar("S", bound=Server)


class ServerStack(ABC, Generic[S]):
    """Starts once, waits until all are ready, stops; one running stack for each data folder."""

    READY_SECONDS: ClassVar[float]
    STOP_SECONDS: ClassVar[float]

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir.absolute()
        self._running: dict[S, ChildProcess] = {}
        self._endpoints: Endpoints | None = None
        self._lock: IO[str] | None = None

    def start(self, progress: Progress, launched: Launched = lambda endpoints: None) -> Endpoints:
        self._launched = launched
        if self._endpoints is None:
            atexit.register(self.stop)
            try:
                self._endpoints = self._start(progress)
            except BaseException:
                self.stop()
                raise
        return self._endpoints

    def failure(self) -> str | None:
        for server, process in self._running.items():
            if (status := process.exit_code) is not None:
                label = getattr(server, "label", "noida-db")
                return f"{label} ended (status {status}): see its log"
        return None

    def stop(self) -> None:
        for process in self._running.values():
            process.ask_to_stop()
        deadline = time.monotonic() + self.STOP_SECONDS
        for process in self._running.values():
            process.wait_or_kill(max(0.0, deadline - time.monotonic()))
        self._running.clear()
        self._endpoints = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None
        atexit.unregister(self.stop)

    @abstractmethod
    def _start(self, progress: Progress) -> Endpoints:
        """Start all servers and return when they are ready; after a failure `stop` cleans up."""

    @abstractmethod
    def _failure(self, server: S, ended: bool) -> str:
        """The error for a server that has ended or takes too long."""

    def _claim(self) -> None:
        """Lock the data folder: two sets of servers would ruin its files.

        The kernel releases the lock however this process ends.
        """
        self._data_dir.mkdir(parents=True, exist_ok=True)
        self._lock = (self._data_dir / "stack.lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise StackError(
                f"{self._data_dir} is in use by another running stack: "
                "stop that one, or choose another data folder."
            ) from error

    def _run(self, server: S) -> None:
        self._running[server] = ChildProcess(server.run_command())

    def _wait(self, server: S) -> None:
        deadline = time.monotonic() + self.READY_SECONDS
        while not server.is_ready():
            ended = self._running[server].exit_code is not None
            if ended or time.monotonic() > deadline:
                raise StackError(self._failure(server, ended))
            time.sleep(0.05)


@dataclass(frozen=True)
class JavaServer(Server):
    """A server on Java; all its files are below one folder, its output in `logs/output.log`."""

    label: ClassVar[str]
    MIN_JAVA: ClassVar[int]
    JAVA_MODULES: ClassVar[frozenset[str]] = frozenset()

    folder: Path
    home: Path
    """The installed distribution, which is only read."""
    java: Java
    account: Account
    heap_mb: int
    port: int

    @property
    def log(self) -> Path:
        return self.folder / "logs" / "output.log"

    @property
    @abstractmethod
    def address(self) -> str: ...

    @abstractmethod
    def prepare(self) -> None:
        """Write the configuration; every start overwrites it."""

    def _own_folders(self, *names: str) -> None:
        for name in ("", "data", "logs", "tmp", *names):
            self.account.own(self.folder / name)

    def _command(self, arguments: Iterable[str], greeting: bytes = b"") -> Command:
        temporary = str(self.folder / "tmp")
        return Command(
            arguments=[str(self.java.executable), f"-Djava.io.tmpdir={temporary}", *arguments],
            environment={
                "PATH": os.defpath,
                "HOME": temporary,
                "LANG": "C.UTF-8",
                "LIBFFI_TMPDIR": temporary,
            },
            folder=self.folder / "logs",
            output=self.log,
            account=self.account,
            greeting=greeting,
        )

    def _heap(self) -> list[str]:
        return [f"-Xms{self.heap_mb}m", f"-Xmx{self.heap_mb}m"]
