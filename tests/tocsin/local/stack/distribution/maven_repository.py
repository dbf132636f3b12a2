"""A small Maven repository on this machine, with the faults of the real ones."""

import base64
import hashlib
import threading
import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self

from tocsin.local.stack.distribution.engines_lock import LockedFile

Answer = Callable[[BaseHTTPRequestHandler], None]


def locked(coordinate: str, content: bytes) -> LockedFile:
    return LockedFile(coordinate, len(content), hashlib.sha256(content).hexdigest())


class MavenRepository:
    """Serves `files` by path; `faults` are answers that come first, one a request of that path."""

    def __init__(
        self,
        files: Mapping[str, bytes],
        faults: Mapping[str, list[Answer]] | None = None,
        credentials: tuple[str, str] | None = None,
    ) -> None:
        self.credentials = credentials
        self.requests: list[tuple[str, str | None]] = []
        """Path and `Authorization` of each request."""
        remaining = {path: list(answers) for path, answers in (faults or {}).items()}
        expected = credentials and basic(*credentials)
        requests = self.requests

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                authorization = self.headers.get("Authorization")
                path = self.path.lstrip("/")
                requests.append((path, authorization))
                if expected and authorization != expected:
                    self.send_error(401)
                elif remaining.get(path):
                    remaining[path].pop(0)(self)
                elif path in files:
                    send(self, files[path])
                else:
                    self.send_error(404)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *details: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def name_in_settings(self, home: Path) -> None:
        """Write the `settings.xml` of a user whose home this is, with this mirror of all."""
        (home / ".m2").mkdir()
        (home / ".m2" / "settings.xml").write_text(
            "<settings><mirrors><mirror><id>here</id><mirrorOf>*</mirrorOf>"
            f"<url>{self.url}</url></mirror></mirrors></settings>"
        )


def basic(name: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


def send(handler: BaseHTTPRequestHandler, content: bytes, announced: int | None = None) -> None:
    """Answer with these bytes; with an `announced` length beyond them, the answer is cut off."""
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(content) if announced is None else announced))
    handler.end_headers()
    handler.wfile.write(content)
    handler.wfile.flush()


def cut_off(content: bytes, announced: int) -> Answer:
    return lambda handler: send(handler, content, announced)


def status(number: int) -> Answer:
    return lambda handler: handler.send_error(number)


def redirect(url: str) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(302)
        handler.send_header("Location", url)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


def silent(seconds: float) -> Answer:
    """Say nothing for a while, then close the connection."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        time.sleep(seconds)
        handler.close_connection = True

    return answer
