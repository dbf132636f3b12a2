"""The frame of a service process: settings, logs, metrics, health, and a stop that ends in time.

In this order, so that a wrong setting is told at once, and ``/readyz`` answers while the service
waits for Kafka.
"""

import contextlib
import importlib.metadata
import json
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from http.server import ThreadingHTTPServer
from pathlib import Path
from types import FrameType

from runtime import health, logs, metrics
from runtime.settings import Group, LogSettings, MonitorSettings, load

VERSION = importlib.metadata.version("tocsin")
STOP_WITHIN_S = 6.0
"""After a signal, whatever Kafka, Elasticsearch or a webhook do."""
log = logs.get_logger("service")


def start_monitor(
    service: str, needs: Sequence[type[Group]] = ()
) -> tuple[health.Health, ThreadingHTTPServer]:
    """Validate the settings of ``needs``, configure logs, then serve metrics and health."""
    configure_logs()
    monitor = load(MonitorSettings)
    for group in needs:
        load(group)
    metrics.BUILD.info({"version": VERSION, "service": service})
    state = health.Health(service, monitor.stalled_after_s)
    server = health.serve(state, monitor.host, monitor.port)
    if monitor.state_dir is not None:
        _write_state(monitor.state_dir, state)
    return state, server


def configure_logs() -> None:
    """Logs first, so that every later line has the form that was asked for."""
    settings = load(LogSettings, check_names=False)
    logs.configure(settings.style, settings.level)
    logs.adopt_libraries()


def _write_state(folder: Path, state: health.Health) -> None:
    path = folder / f"{state.service}-{os.getpid()}.json"
    written = {"service": state.service, "pid": os.getpid(), "url": state.url}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(written), "utf-8")
    except OSError as error:
        log.warning("the service's address cannot be written", path=str(path), why=error.strerror)


def announce(state: health.Health, *, reading: str, writing: str) -> None:
    """The one line that says what a service does. Addresses hold no credentials."""
    serving = f"metrics on {state.url}/metrics" if state.url else "without metrics"
    log.info(f"reading {reading}, writing to {writing}, {serving}", version=VERSION)


def end_within(seconds: float, status: int) -> None:
    """End the process with ``status`` unless it ends by itself before.

    What is under way stays unacknowledged, so it is read again; nothing is flushed.
    """

    def end() -> None:
        if threading.Event().wait(seconds):
            return
        log.warning(
            "ended before all had stopped; what was not acknowledged is read again",
            waited_s=seconds,
        )
        sys.stderr.flush()
        os._exit(status)

    threading.Thread(target=end, name="stop-deadline", daemon=True).start()


def stop_on_signals(within_s: float | None = None, status: int = 0) -> threading.Event:
    """An event that SIGTERM, SIGINT and SIGHUP set; a second signal ends the process at once.

    A second SIGHUP does not: a closed terminal sends two, one through its shell. An ignored SIGHUP
    (``nohup``) stays ignored. With ``within_s`` the process ends after
    so many seconds at the latest, then with ``status``.
    """
    stop = threading.Event()

    def on_signal(number: int, frame: FrameType | None) -> None:
        if stop.is_set() and number != signal.SIGHUP:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        if within_s is not None and not stop.is_set():
            end_within(within_s, status)
        stop.set()

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, on_signal)
    return stop


@contextlib.contextmanager
def service(
    name: str,
    needs: Sequence[type[Group]] = (),
    within_s: float = STOP_WITHIN_S,
    late_status: int = 0,
) -> Iterator[tuple[health.Health, threading.Event]]:
    """Yield the health and the stop event of a service with a plain loop.

    ``needs``: the groups of settings to validate first. ``within_s``: the longest stop, and
    ``late_status`` the exit status after it.
    """
    state, server = start_monitor(name, needs)
    try:
        yield state, stop_on_signals(within_s, late_status)
    finally:
        server.shutdown()
        server.server_close()
