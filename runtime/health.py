"""``/metrics``, ``/healthz`` and ``/readyz`` of a service, on one small HTTP server.

- ``/healthz``: 503 when the main loop has not beaten for too long; a supervisor then restarts it.
- ``/readyz``: 503 with the reasons while the service cannot work (no brands, no partitions,
  Elasticsearch away); a restart does not help. 200 with a note where that is as it should be (a
  standby).
- ``/metrics``: those of this service and of every service, not those of others.
"""

import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from runtime import metrics
from schemas.errors import ConfigurationError


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


class _Handler(BaseHTTPRequestHandler):
    health: Health
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/metrics":
            self._answer(
                200, generate_latest(metrics.of_service(self.health.service)), CONTENT_TYPE_LATEST
            )
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


def serve(health: Health, host: str, port: int) -> ThreadingHTTPServer:
    """Serve ``health`` and the metrics in a background thread; ``port`` 0 picks a free port."""
    handler = type("Handler", (_Handler,), {"health": health})
    try:
        server = ThreadingHTTPServer((host, port), handler)
    except OSError as error:
        raise ConfigurationError(
            f"metrics and health cannot be served on {host}:{port} ({error.strerror}); set "
            "TOCSIN_MONITOR_PORT to a free port, or to 0 for any, as each service of one machine "
            "needs its own"
        ) from None
    server.daemon_threads = True
    reachable = "127.0.0.1" if host in ("0.0.0.0", "::", "") else host  # noqa: S104
    health.url = f"http://{reachable}:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, name="monitor", daemon=True).start()
    return server
