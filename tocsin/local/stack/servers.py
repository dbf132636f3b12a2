"""What a stack asks of a server, and what the servers on Java have in common."""

import os
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from tocsin.local.stack.account import Account
from tocsin.local.stack.java import Java
from tocsin.local.stack.process import Command

FIRST_COMPILER_ONLY = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
SECOND_COMPILER_LATER = (  # ten times Java's own thresholds, which compile while servers start
    "-XX:Tier4InvocationThreshold=50000",
    "-XX:Tier4MinInvocationThreshold=6000",
    "-XX:Tier4CompileThreshold=150000",
    "-XX:Tier4BackEdgeThreshold=400000",
)
Component = Literal["kafka", "elasticsearch"]


class Server(ABC):
    """One process; all its files are below one folder, its output in `log`."""

    label: ClassVar[str]

    @property
    @abstractmethod
    def address(self) -> str: ...

    @property
    @abstractmethod
    def log(self) -> Path: ...

    @abstractmethod
    def prepare(self) -> None:
        """Write the configuration; every start overwrites it."""

    @abstractmethod
    def run_command(self) -> Command: ...

    @abstractmethod
    def is_ready(self) -> bool:
        """Whether it serves requests such as its clients send."""

    def after_stop(self, in_time: bool) -> None:  # noqa: B027 - most have nothing to do
        """Called when it was ready and has stopped; not `in_time`: it had to be killed."""


@dataclass(frozen=True)
class JavaServer(Server):
    MIN_JAVA: ClassVar[int]
    JAVA_MODULES: ClassVar[frozenset[str]] = frozenset()

    folder: Path
    home: Path
    """The installed distribution, which is only read."""
    java: Java
    account: Account
    heap_mb: int
    port: int
    short_lived: bool

    @property
    def log(self) -> Path:
        return self.folder / "logs" / "output.log"

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

    def _compiler(self) -> tuple[str, ...]:
        """The second compiler takes half of a start's processor time, and pays after minutes."""
        return FIRST_COMPILER_ONLY if self.short_lived else SECOND_COMPILER_LATER

    def _heap(self) -> list[str]:
        return [f"-Xms{self.heap_mb}m", f"-Xmx{self.heap_mb}m"]
