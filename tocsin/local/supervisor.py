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
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from runtime.backoff import exponential
from runtime.service import STOP_WITHIN_S
from schemas.errors import BrakeTripped, ConfigurationError
from tocsin.local import early_start
from tocsin.local.stack.folders import open_private_folder
from tocsin.local.stack.process import PRIVATE_UMASK, private_log, tie_to_parent
from tocsin.local.stack.server_stack import status_words

_FINAL = (0, ConfigurationError.exit_status, BrakeTripped.exit_status)
"""Exit statuses after which a restart does not help."""
MAX_LOG_BYTES = 20 * 2**20
"""Size above which a log is moved to ``<name>.log.1``, which replaces the one before it."""
STOP_S = STOP_WITHIN_S + 0.5
"""Maximum time of a stop, seconds; then the services that are left are killed. They end by
themselves just before."""


@dataclass
class Service:
    name: str
    arguments: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    monitor_port: int | None = None
    """Where it serves /metrics and /readyz on loopback; None: unknown."""
    process: subprocess.Popen[bytes] | None = None
    held: bool = False
    """It has loaded, and waits for :meth:`Supervisor.release`."""
    restarts: int = 0
    status: int | None = None
    due: float = 0.0

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def ended(self) -> bool:
        return self.status in _FINAL and self.process is None

    def reap(self) -> None:
        """Wait for the end of its process, if it has one, and keep the status."""
        if self.process is not None:
            self.status = self.process.wait()
            if self.process.stdin is not None:
                self.process.stdin.close()
            self.process = None

    @property
    def how_it_ended(self) -> str:
        """Its exit status, or the signal that killed it."""
        return status_words(self.status or 0)

    def last_words(self) -> str:
        """The last line of its log."""
        with contextlib.suppress(OSError):
            lines = self.log.read_bytes()[-4_000:].decode("utf-8", "replace").strip().splitlines()
            if lines:
                return lines[-1].strip()
        return "its log is empty"


class Supervisor:
    """Starts, watches and stops services. Call :meth:`watch` a few times a second."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.folder = folder
        self.services: list[Service] = []
        self.environment = dict(environment)
        """Of every service, beside this process's own."""
        self._lock = threading.Lock()
        open_private_folder(folder)

    def start(
        self,
        name: str,
        arguments: Sequence[str],
        environment: Mapping[str, str] | None = None,
        monitor_port: int | None = None,
        held: bool = False,
    ) -> Service:
        """Start ``tocsin`` with ``arguments``; its output goes to ``<name>.log``.

        ``monitor_port`` stays the same over restarts. ``held``: it loads, and begins its work when
        it is released.
        """
        own = {} if monitor_port is None else {"TOCSIN_MONITOR_PORT": str(monitor_port)}
        service = Service(
            name,
            arguments,
            {**os.environ, **self.environment, **own, **(environment or {})},
            self.folder / f"{name}.log",
            monitor_port,
            held=held,
        )
        self.services.append(service)
        self._launch(service)
        return service

    def release(self, names: Collection[str]) -> None:
        """Let held services begin; safe from any thread."""
        with self._lock:
            for service in self.services:
                if service.held and service.name in names:
                    service.held = False
                    if service.process is not None and service.process.stdin is not None:
                        with contextlib.suppress(BrokenPipeError):  # it died: watch() restarts it
                            service.process.stdin.write(early_start.RELEASE)
                            service.process.stdin.close()

    def monitor_ports(self) -> dict[str, int]:
        """Name to port of the services that run."""
        return {
            service.name: service.monitor_port
            for service in list(self.services)
            if service.monitor_port is not None and not service.ended
        }

    def _launch(self, service: Service) -> None:
        module = early_start.__name__ if service.held else "tocsin"
        with self._lock, private_log(service.log) as log:
            service.process = subprocess.Popen(
                [sys.executable, "-m", module, *service.arguments],
                bufsize=0,
                env=service.environment,
                stdin=subprocess.PIPE if service.held else subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                umask=PRIVATE_UMASK,
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
                service.reap()
                service.due = now + exponential(service.restarts, first_s=0.5, max_s=30.0)
                ended.append(service)
            elif now >= service.due:
                service.restarts += 1
                self._launch(service)
        self._trim_logs()
        return ended

    def _trim_logs(self) -> None:
        """Cut a log that a running service has filled; it appends, so it goes on at the start."""
        for service in self.services:
            with contextlib.suppress(OSError):
                if service.log.stat().st_size <= MAX_LOG_BYTES:
                    continue
                previous = service.log.with_suffix(".log.1")
                previous.touch(mode=0o600)
                previous.write_bytes(service.log.read_bytes()[-MAX_LOG_BYTES:])
                os.truncate(service.log, 0)

    def terminate(self) -> None:
        """SIGTERM all in the order of the data flow, without waiting for them."""
        for service in self.services:
            if service.running and service.process is not None:
                service.process.send_signal(signal.SIGTERM)

    def stop(
        self, timeout_s: float = STOP_S, waiting: Callable[[list[str]], None] = lambda names: None
    ) -> list[str]:
        """End all services; returns the names of those killed after ``timeout_s``.

        ``waiting`` gets the names of those still running, whenever they change.
        """
        self.terminate()
        deadline, told = time.monotonic() + timeout_s, list[str]()
        while left := [service for service in self.services if service.running]:
            if time.monotonic() > deadline:
                break
            if (names := [service.name for service in left]) != told:
                waiting(told := names)
            time.sleep(0.05)
        for service in left:
            assert service.process is not None
            service.process.kill()
        for service in self.services:
            service.reap()
        return [service.name for service in left]
