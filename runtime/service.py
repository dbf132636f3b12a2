"""The frame of a service process: logs, metrics, health and stop signals."""

import contextlib
import importlib.metadata
import signal
import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from types import FrameType

from runtime import health, logs, metrics
from runtime.settings import LogSettings, MonitorSettings, load

VERSION = importlib.metadata.version("tocsin")


def start_monitor(service: str) -> tuple[health.Health, ThreadingHTTPServer]:
    """Configure logs, then serve metrics and health."""
    log, monitor = load(LogSettings), load(MonitorSettings)
    logs.configure(log.style, log.level)
    metrics.BUILD.info({"version": VERSION, "service": service})
    state = health.Health(service, monitor.stalled_after_s)
    return state, health.serve(state, monitor.host, monitor.port)


def stop_on_signals() -> threading.Event:
    """An event that SIGTERM, SIGINT and SIGHUP set; a second signal ends the process at once.

    A second SIGHUP does not: a closed terminal sends two, one through its shell. An ignored SIGHUP
    (``nohup``) stays ignored.
    """
    stop = threading.Event()

    def on_signal(number: int, frame: FrameType | None) -> None:
        if stop.is_set() and number != signal.SIGHUP:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        stop.set()

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, on_signal)
    return stop


@contextlib.contextmanager
def service(name: str) -> Iterator[tuple[health.Health, threading.Event]]:
    """Yield the health and the stop event of a service with a plain loop."""
    state, server = start_monitor(name)
    try:
        yield state, stop_on_signals()
    finally:
        server.shutdown()
        server.server_close()
