"""The frame of a service process: settings, logs, metrics, health, and a stop that ends in time.

In this order, so that a wrong setting is told at once, and ``/readyz`` answers while the service
waits for Kafka.
"""

import contextlib
import signal
import threading
from collections.abc import Iterator, Sequence
from functools import cache
from types import FrameType

from runtime import health, logs, metrics
from runtime.limits.process_end import end_after, end_never
from runtime.settings import Group, LogSettings, MonitorSettings, load


@cache
def version() -> str:
    """The installed version: reading it takes some hundredths of a second."""
    from importlib.metadata import version as of

    return of("tocsin")


STOP_WITHIN_S = 7.5
"""After a signal, whatever Kafka, Elasticsearch or a webhook do."""
log = logs.get_logger("service")


def start_monitor(
    service: str, needs: Sequence[type[Group]] = ()
) -> tuple[health.Health, health.MonitorServer]:
    """Validate the settings of ``needs``, configure logs, then serve metrics and health."""
    # Logs first, so that every later line has the form that was asked for.
    settings = load(LogSettings, check_names=False)
    logs.configure(settings.style, settings.level)
    monitor = load(MonitorSettings)
    for group in needs:
        load(group)
    logs.adopt_libraries()
    metrics.BUILD.info({"version": version(), "service": service})
    state = health.Health(service, monitor.stalled_after_s)
    return state, health.serve(state, monitor.host, monitor.port)


def announce(state: health.Health, *, reading: str, writing: str) -> None:
    """The one line that says what a service does. Addresses hold no credentials."""
    serving = f"metrics on {state.url}/metrics" if state.url else "without metrics"
    log.info(f"reading {reading}, writing to {writing}, {serving}", version=version())


_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


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
        stop.set()

    taken = [each for each in _SIGNALS if signal.getsignal(each) is not signal.SIG_IGN]
    if within_s is None:
        end_never(_SIGNALS)
    else:
        end_after(taken, within_s, status)
    for number in {signal.SIGTERM, signal.SIGINT, *taken}:
        signal.signal(number, on_signal)
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
