"""Both protocols from one small binary in a Python wheel: a first look, with no Java.

Never for production. A member of a consumer group that dies without leaving keeps its partitions
for ever, and a second Faust worker in a group stops both: run one of each service, and end it in
order. What was acknowledged in the last half second can be lost by a kill, and any topic name that
is produced to is created.
"""

from __future__ import annotations

import atexit
import importlib.util
import os
import time
from pathlib import Path
from typing import IO

from tocsin.local.stack.account import our_account
from tocsin.local.stack.base import Component, Endpoints, Progress, StackError
from tocsin.local.stack.claim import claim
from tocsin.local.stack.ports import kept_ports, listens
from tocsin.local.stack.process import ChildProcess, Command
from tocsin.local.stack.ready import can_produce, has_shards

READY_SECONDS = 20.0
STOP_SECONDS = 10.0


class EmbeddedStack:
    """One process for both; it keeps its data in memory and writes it to disk as it changes."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir.absolute()
        self._process: ChildProcess | None = None
        self._endpoints: Endpoints | None = None
        self._claim: IO[str] | None = None

    @property
    def name(self) -> str:
        return "embedded"

    def start(self, progress: Progress) -> Endpoints:
        if self._endpoints is None:
            self._endpoints = self._start(progress)
        return self._endpoints

    def stop(self) -> None:
        if self._process is not None:
            self._process.ask_to_stop()
            self._process.wait_or_kill(STOP_SECONDS)
            self._process = None
        if self._claim is not None:
            self._claim.close()
            self._claim = None
        self._endpoints = None
        atexit.unregister(self.stop)

    def kill(self, component: Component) -> None:
        raise StackError(
            f"The embedded stack cannot kill {component} alone, because one process is both: "
            "use the engines stack for fault tests."
        )

    def restart(self, component: Component) -> None:
        raise StackError(
            f"The embedded stack cannot restart {component} alone, because one process is both: "
            "use the engines stack for fault tests."
        )

    def _start(self, progress: Progress) -> Endpoints:
        binary = _binary()
        self._claim = claim(self._data_dir)
        atexit.register(self.stop)
        try:
            kafka, elasticsearch = kept_ports(self._data_dir / "embedded.json", 2)
            progress(f"starting noida-db on the ports {kafka} and {elasticsearch}")
            self._process = ChildProcess(self._command(binary, kafka, elasticsearch))
            self._wait(self._process, kafka, elasticsearch)
        except BaseException:
            self.stop()
            raise
        return Endpoints(
            kafka=f"127.0.0.1:{kafka}", elasticsearch=f"http://127.0.0.1:{elasticsearch}"
        )

    def _command(self, binary: Path, kafka: int, elasticsearch: int) -> Command:
        services = ["--only", "kafka,elasticsearch", "--host", "127.0.0.1"]
        ports = ["--kafka-port", str(kafka), "--elasticsearch-port", str(elasticsearch)]
        folder = ["--data-dir", str(self._data_dir / "noida")]
        return Command(
            arguments=[str(binary), "start", *services, *ports, *folder],
            environment={"PATH": os.defpath, "HOME": str(self._data_dir)},
            folder=self._data_dir,
            output=self._data_dir / "embedded.log",
            account=our_account(),
        )

    def _wait(self, process: ChildProcess, kafka: int, elasticsearch: int) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not (
            listens(kafka) and can_produce(f"127.0.0.1:{kafka}") and has_shards(elasticsearch)
        ):
            if process.exit_code is not None or time.monotonic() > deadline:
                raise StackError(
                    "noida-db did not become ready: see its log, "
                    f"{self._data_dir / 'embedded.log'}, or use the engines stack."
                )
            time.sleep(0.05)


def _binary() -> Path:
    spec = importlib.util.find_spec("noida_db")
    if spec is None or spec.origin is None:
        raise StackError(
            "The embedded stack needs the package noida-db: run `pip install noida-db`."
        )
    binary = Path(spec.origin).parent / "noida-db"
    if not binary.is_file():
        raise StackError(
            "The package noida-db has no binary for this system: use the engines stack."
        )
    if not os.access(binary, os.X_OK):
        binary.chmod(0o755)  # wheels do not always keep the bit
    return binary
