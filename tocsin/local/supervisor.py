"""Runs the services as child processes of one terminal, and restarts those that die.

The pause before a restart grows. A child that ends because a person has to act (a wrong setting,
a tripped brake) is not restarted. On Linux the kernel sends the children a SIGTERM when the thread
that started them ends: start them from the main thread.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from runtime.backoff import exponential
from schemas.errors import BrakeTripped, ConfigurationError
from tocsin.local.stack.process import tie_to_parent

_FINAL = (0, ConfigurationError.exit_status, BrakeTripped.exit_status)
"""Exit statuses after which a restart does not help."""


@dataclass
class Service:
    name: str
    arguments: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    restarts: int = 0
    status: int | None = None
    due: float = 0.0

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def ended(self) -> bool:
        return self.status in _FINAL

    def last_words(self) -> str:
        with contextlib.suppress(OSError):
            lines = self.log.read_bytes()[-4_000:].decode("utf-8", "replace").strip().splitlines()
            if lines:
                return lines[-1].strip()
        return f"its log is empty; see {self.log}"


class Supervisor:
    """Starts, watches and stops services. Call :meth:`watch` a few times a second."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.folder = folder
        self.services: list[Service] = []
        self._environment = dict(environment)
        folder.mkdir(parents=True, exist_ok=True)

    def start(
        self, name: str, arguments: Sequence[str], environment: Mapping[str, str] | None = None
    ) -> Service:
        """Start ``tocsin`` with ``arguments``; its output goes to ``<name>.log``."""
        service = Service(
            name,
            arguments,
            {**os.environ, **self._environment, **(environment or {})},
            self.folder / f"{name}.log",
        )
        self.services.append(service)
        self._launch(service)
        return service

    def _launch(self, service: Service) -> None:
        with service.log.open("ab") as log:
            service.process = subprocess.Popen(
                [sys.executable, "-m", "tocsin", *service.arguments],
                env=service.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Ctrl-C in the terminal reaches only us: we stop the children in order.
                start_new_session=True,
                # SIGTERM: a service drains even when its supervisor was killed.
                preexec_fn=tie_to_parent(os.getpid(), signal.SIGTERM)
                if sys.platform == "linux"
                else None,
            )

    def watch(self) -> list[Service]:
        """Restart dead services when due; returns those that ended since the last call."""
        ended = []
        now = time.monotonic()
        for service in self.services:
            if service.ended or service.running:
                continue
            if service.process is not None:
                service.status = service.process.returncode
                service.process = None
                service.due = now + exponential(service.restarts, first_s=0.5, max_s=30.0)
                ended.append(service)
            elif now >= service.due:
                service.restarts += 1
                self._launch(service)
        return ended

    def stop(self, timeout_s: float = 45.0) -> list[str]:
        """SIGTERM all in the order of the data flow; returns the names of those killed."""
        killed = []
        for service in self.services:
            if service.process is not None:
                service.process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + timeout_s
        for service in self.services:
            if service.process is None:
                continue
            try:
                service.process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                service.process.kill()
                service.process.wait()
                killed.append(service.name)
            service.status = service.process.returncode
            service.process = None
        return killed
