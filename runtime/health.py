"""``/metrics``, ``/healthz`` and ``/readyz`` of a service, on one small HTTP server.

- ``/healthz``: 503 when the main loop has not beaten for too long; a supervisor then restarts it.
- ``/readyz``: 503 with the reasons while the service cannot work (no brands, no partitions,
  Elasticsearch away); a restart does not help. 200 with a note where that is as it should be (a
  standby).
- ``/metrics``: those of this service and of every service, not those of others.

It answers whoever reaches it, so no client holds it: connections, bytes and seconds are bounded.
"""

import contextlib
import io
import socket
import socketserver
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from runtime import metrics
from runtime.logs import get_logger
from runtime.metric_registry import of_service
from schemas.errors import ConfigurationError

MAX_CONNECTIONS = 32
"""Served at a time."""
MAX_REQUEST_S = 5.0
"""For a request and its answer, and for the pause before the next one."""
MAX_REQUEST_BYTES = 16_384
"""The request line and the headers."""
log = get_logger("monitor")


class Health:
    """The state of a service; every method is safe from any thread."""

    def __init__(
        self,
        service: str,
        stalled_after_s: float = 120.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.service = service
        self.stalled_after_s = stalled_after_s
        self._monotonic = monotonic
        self._last_beat = monotonic()
        self._obstacles: dict[str, str] = {"start": "still starting"}
        self._notes: dict[str, str] = {}
        self.url: str | None = None
        """Where metrics and health are served, without a path; None if they are not."""
        metrics.READY.labels(service).set(0)

    def beat(self) -> None:
        self._last_beat = self._monotonic()

    def hinder(self, what: str, why: str) -> None:
        """Report that ``what`` keeps the service from its work."""
        self._obstacles = {**self._obstacles, what: why}
        metrics.READY.labels(self.service).set(0)

    def clear(self, what: str) -> None:
        self._obstacles = {key: why for key, why in self._obstacles.items() if key != what}
        metrics.READY.labels(self.service).set(0 if self._obstacles else 1)

    def note(self, what: str, text: str | None) -> None:
        """Tell more about a service that is ready; None takes the note away."""
        notes = {key: value for key, value in self._notes.items() if key != what}
        self._notes = notes if text is None else {**notes, what: text}

    def alive(self) -> tuple[bool, str]:
        silent = self._monotonic() - self._last_beat
        if silent > self.stalled_after_s:
            return False, f"the main loop has not moved for {silent:.0f} s"
        return True, "alive"

    def ready(self) -> tuple[bool, str]:
        reasons = [f"{what}: {why}" for what, why in self._obstacles.items()]
        notes = ["ready", *(f"{what}: {text}" for what, text in self._notes.items())]
        return not reasons, "; ".join(reasons or notes)


class _Refused(ConnectionError):
    """The client sends more than a request may have."""


class _Head:
    """What a client sends, at most ``MAX_REQUEST_BYTES`` of each request."""

    def __init__(self, file: io.BufferedIOBase) -> None:
        self._file = file
        self.left = MAX_REQUEST_BYTES

    def readline(self, size: int = -1) -> bytes:
        line = self._file.readline(self.left + 1 if size < 0 else min(size, self.left + 1))
        self.left -= len(line)
        if self.left < 0:
            raise _Refused
        return line

    def close(self) -> None:
        self._file.close()


class _Handler(BaseHTTPRequestHandler):
    health: Health
    server: "MonitorServer"
    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        super().setup()
        self._file = self.rfile
        self._head = _Head(self._file)
        self.rfile = self._head  # type: ignore[assignment]

    def handle_one_request(self) -> None:
        # The time between two requests counts for itself, else a scrape could end an idle one.
        self.server.began(self.connection)
        if not self._file.peek(1):  # type: ignore[attr-defined]
            self.close_connection = True
            return
        self.server.began(self.connection)
        self._head.left = MAX_REQUEST_BYTES
        super().handle_one_request()

    def do_GET(self) -> None:
        self.server.answers(self.connection)
        path = self.path.partition("?")[0]
        if path == "/metrics":
            self._answer(200, generate_latest(of_service(self.health.service)), CONTENT_TYPE_LATEST)
        elif path in ("/healthz", "/readyz"):
            good, text = self.health.alive() if path == "/healthz" else self.health.ready()
            self._answer(200 if good else 503, f"{text}\n".encode(), "text/plain; charset=utf-8")
        else:
            self._answer(404, b"see /metrics, /healthz, /readyz\n", "text/plain; charset=utf-8")

    def _answer(self, status: int, body: bytes, content_type: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Do not log scrapes."""


@dataclass
class _Open:
    """A connection: since when its request runs (monotonic), and whether it is being answered."""

    since: float
    answered: bool = False


class MonitorServer(ThreadingHTTPServer):
    """Serves at most ``MAX_CONNECTIONS`` at a time, each request for at most ``MAX_REQUEST_S``.

    When all are taken, the oldest connection without a whole request makes place: half requests,
    however many, stop no scrape.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, where: tuple[str, int], handler: type[_Handler], request_s: float) -> None:
        self._request_s = request_s
        self._open: dict[socket.socket, _Open] = {}
        self._lock = threading.Lock()
        super().__init__(where, handler)

    def server_bind(self) -> None:
        # HTTPServer asks the name server for the host's name, which may take minutes.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]
        self.socket.settimeout(1.0)  # a client that is gone again does not hold the next ones

    def began(self, connection: socket.socket) -> None:
        """A request begins, or is waited for."""
        self._mark(connection, answered=False)

    def answers(self, connection: socket.socket) -> None:
        """The request is there as a whole."""
        self._mark(connection, answered=True)

    def _mark(self, connection: socket.socket, *, answered: bool) -> None:
        with self._lock:
            if (state := self._open.get(connection)) is not None:
                since = state.since if answered else time.monotonic()
                self._open[connection] = _Open(since, answered)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            waiting = [each for each, state in self._open.items() if not state.answered]
            full = len(self._open) >= MAX_CONNECTIONS
            if full and waiting:
                oldest = min(waiting, key=lambda each: self._open[each].since)
                self._close(oldest)
            if not full or waiting:
                self._open[request] = _Open(time.monotonic())
        if full and not waiting:
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def service_actions(self) -> None:
        """Called twice a second: closes what takes too long, in whatever state it is."""
        late = time.monotonic() - self._request_s
        with self._lock:
            for connection in [each for each, state in self._open.items() if state.since < late]:
                self._close(connection)

    def _close(self, connection: socket.socket) -> None:
        """Under the lock: the thread of the connection notices, and closes it."""
        self._open.pop(connection, None)
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._open.pop(request, None)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that leaves or sends too much is no event; a fault of ours is one line."""
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            log.error("the monitor could not answer", error=repr(error))


def serve(health: Health, host: str, port: int, request_s: float = MAX_REQUEST_S) -> MonitorServer:
    """Serve ``health`` and the metrics in a background thread; ``port`` 0 picks a free port."""
    handler = type("Handler", (_Handler,), {"health": health, "timeout": request_s})
    try:
        server = MonitorServer((host, port), handler, request_s)
    except OSError as error:
        raise ConfigurationError(
            f"metrics and health cannot be served on {host}:{port} ({error.strerror}); set "
            "TOCSIN_MONITOR_PORT to a free port, or to 0 for any, as each service of one machine "
            "needs its own"
        ) from None
    reachable = "127.0.0.1" if host in ("0.0.0.0", "::", "") else host  # noqa: S104
    health.url = f"http://{reachable}:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, name="monitor", daemon=True).start()
    return server
