"""A server that cannot start: other ports where its own was taken, else its last words."""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.tocsin.local.stack.records import quiet
from tocsin.local.stack import Endpoints, StackError
from tocsin.local.stack.account import our_account
from tocsin.local.stack.ports import free_ports, listens, reserve
from tocsin.local.stack.process import Command
from tocsin.local.stack.server_stack import MAX_STARTS, AddressTaken, ServerStack
from tocsin.local.stack.servers import Component, Server

SERVE = """
import socket, sys, time
if sys.argv[2] == "broken":
    sys.exit("begun\\nKeyError: of a bug\\nended")
listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("127.0.0.1", int(sys.argv[1])))
listener.listen()
open(sys.argv[3], "w").close()
time.sleep(600)
"""


@dataclass(frozen=True)
class Listener(Server):
    """A server that listens and does nothing else."""

    label = "Listener"

    folder: Path
    port: int
    how: str = "well"

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        return self.folder / "logs" / "output.log"

    def prepare(self) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        Path(self._ready).unlink(missing_ok=True)

    def run_command(self) -> Command:
        return Command(
            arguments=[sys.executable, "-c", SERVE, str(self.port), self.how, self._ready],
            environment={"PATH": os.defpath},
            folder=self.folder,
            output=self.log,
            account=our_account(),
        )

    def is_ready(self) -> bool:
        return Path(self._ready).exists()

    @property
    def _ready(self) -> str:
        return str(self.folder / "ready")


class ListenerStack(ServerStack):
    """Two servers; another program takes the port of the second in its first ``thefts`` starts."""

    def __init__(self, folder: Path, thefts: int = 0, how: str = "well") -> None:
        super().__init__(folder)
        self.thefts, self.how, self.drawn = thefts, how, list[int]()
        self.thieves: list[subprocess.Popen[bytes]] = []

    def _servers(self, progress: object) -> Mapping[Component, Server]:
        first, second = free_ports(2)
        self.drawn.append(second)
        kafka = Listener(self._data_dir / "kafka", first)
        return {"kafka": kafka, "elasticsearch": Listener(self._data_dir / "es", second, self.how)}

    def _launch(self) -> None:
        if len(self.drawn) <= self.thefts:
            words = [sys.executable, "-c", SERVE, str(self.drawn[-1]), "well", os.devnull]
            self.thieves.append(subprocess.Popen(words))
            while not listens(self.drawn[-1]):
                assert self.thieves[-1].poll() is None
        for server in self._components.values():
            self._run(server)

    def close(self) -> None:
        self.stop()
        for thief in self.thieves:
            thief.kill()
            thief.wait()


def test_a_port_that_another_program_takes_meanwhile_is_replaced(tmp_path: Path) -> None:
    stack, launched, told = ListenerStack(tmp_path, thefts=2), list[Endpoints](), list[str]()
    try:
        endpoints = stack.start(told.append, launched.append)
        assert len(stack.thieves) == 2, "the fault fired"
        assert len(set(stack.drawn)) == 3
        assert launched[-1] == endpoints and len(launched) == 3
        assert endpoints.elasticsearch == f"127.0.0.1:{stack.drawn[-1]}"
        assert sum("another program took its port" in line for line in told) == 2
    finally:
        stack.close()


def test_it_gives_up_after_some_starts_and_quotes_the_log(tmp_path: Path) -> None:
    stack = ListenerStack(tmp_path, thefts=MAX_STARTS)
    try:
        with pytest.raises(AddressTaken, match=r"Listener ended .*Address already in use"):
            stack.start(quiet)
        assert len(stack.drawn) == MAX_STARTS
    finally:
        stack.close()


def test_another_fault_is_not_tried_again_and_its_last_words_are_quoted(tmp_path: Path) -> None:
    (tmp_path / "es" / "logs").mkdir(parents=True)
    (tmp_path / "es" / "logs" / "output.log").write_text("Address already in use, last year\n")
    stack = ListenerStack(tmp_path, how="broken")
    try:
        with pytest.raises(StackError, match="KeyError: of a bug") as caught:
            stack.start(quiet)
        assert not isinstance(caught.value, AddressTaken)
        assert len(stack.drawn) == 1
    finally:
        stack.close()


def test_two_processes_never_reserve_the_same_port(tmp_path: Path) -> None:
    words = (
        "import pathlib, sys; from tocsin.local.stack.ports import reserve; "
        "print(reserve(20001, pathlib.Path(sys.argv[1])), flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", words, tmp_path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "True\n"
        assert not reserve(20001, tmp_path)
        other.communicate("\n")
    assert reserve(20001, tmp_path), "its end releases the port"
    assert reserve(20001, tmp_path), "it is ours now"
