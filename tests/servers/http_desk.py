"""An HTTP server that records what is posted and answers as told: a desk's webhook, or Slack's.

``answers`` are used up one a request, in order; then everything is taken with 200. An answer of
status 0 closes the connection without a word.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self


@dataclass(frozen=True)
class Received:
    """One request that arrived whole."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Answer:
    """What is answered to one request."""

    status: int = 200
    body: bytes = b"ok"
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class HttpDesk:
    """Serves on 127.0.0.1, any port, on threads of its own; use as a context manager."""

    answers: list[Answer] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)
    taken: list[Received] = field(default_factory=list)
    """Those that were answered with 2xx."""
    decide: Callable[[Received], Answer] | None = None
    """Decides each answer, where given, instead of ``answers``."""

    def __enter__(self) -> Self:
        self._lock = threading.Lock()
        handler = type("Handler", (_Handler,), {"desk": self})
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *details: object) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def take(self, request: Received) -> Answer:
        with self._lock:
            self.received.append(request)
            if self.decide is not None:
                answer = self.decide(request)
            else:
                answer = self.answers.pop(0) if self.answers else Answer()
            if 200 <= answer.status < 300:
                self.taken.append(request)
            return answer


class _Handler(BaseHTTPRequestHandler):
    desk: HttpDesk
    protocol_version = "HTTP/1.1"

    def _any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        request = Received(self.command, self.path, dict(self.headers.items()), body)
        answer = self.desk.take(request)
        if answer.status == 0:
            self.close_connection = True
            return
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def do_POST(self) -> None:
        self._any()

    def do_PUT(self) -> None:
        self._any()

    def do_GET(self) -> None:
        self._any()

    def do_HEAD(self) -> None:
        self._any()

    def log_message(self, format: str, *args: object) -> None:
        """Nobody reads it."""
