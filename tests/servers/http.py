"""Local HTTP servers: a base whose `answer` runs on a thread per request, and a recorder."""

import json
import socket
import struct
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl, unquote, urlsplit


@dataclass(frozen=True)
class Received:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @cached_property
    def parts(self) -> list[str]:
        return [unquote(part) for part in urlsplit(self.path).path.strip("/").split("/")]

    @cached_property
    def parameters(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.path).query))

    @cached_property
    def json(self) -> Any:
        """The body as JSON; an empty body is an empty object."""
        return json.loads(self.body or b"{}")


@dataclass(frozen=True)
class Answer:
    status: int = 200
    body: bytes = b"ok"
    headers: dict[str, str] = field(default_factory=dict)


HANG_UP = Answer(0)
"""Closes the connection without an answer."""
RESET = Answer(-1)
"""Closes the connection with a TCP reset."""


class HttpServer(ABC):
    """Serves on a free port of 127.0.0.1; use as a context manager."""

    def __enter__(self) -> Self:
        self.lock = threading.Lock()
        self.closing = threading.Event()
        """Set when the server closes; an answer that stalls waits for it."""
        methods = {f"do_{method}": _Handler.answer_any for method in ("GET", "HEAD", "POST", "PUT")}
        handler = type("Handler", (_Handler,), {"decide": staticmethod(self.answer), **methods})
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *details: object) -> None:
        self.closing.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    @abstractmethod
    def answer(self, request: Received) -> Answer: ...


@dataclass
class FakeHttp(HttpServer):
    """Records requests, as a webhook, Slack or an Alertmanager."""

    answers: list[Answer] = field(default_factory=list)
    """One per request, in order; 200 once they are used up."""
    received: list[Received] = field(default_factory=list)
    taken: list[Received] = field(default_factory=list)
    """Requests that were answered with 2xx."""
    decide: Callable[[Received], Answer] | None = None
    """Replaces ``answers`` if given."""

    def answer(self, request: Received) -> Answer:
        with self.lock:
            self.received.append(request)
            if self.decide is not None:
                answer = self.decide(request)
            else:
                answer = self.answers.pop(0) if self.answers else Answer()
            if 200 <= answer.status < 300:
                self.taken.append(request)
            return answer


class _Handler(BaseHTTPRequestHandler):
    decide: Callable[[Received], Answer]
    protocol_version = "HTTP/1.1"

    def answer_any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        request = Received(self.command, self.path, dict(self.headers.items()), body)
        answer = self.decide(request)
        if answer.status <= 0:
            self._leave(answer)
            return
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def _leave(self, answer: Answer) -> None:
        self.close_connection = True
        if answer is RESET:
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.connection.close()

    def log_message(self, format: str, *args: object) -> None:
        """Keeps the test output clean."""
