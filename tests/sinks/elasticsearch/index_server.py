"""As much of Elasticsearch's index API as set-up speaks to: templates, indices, mappings.

A mapping is put as the real one does it: fields are added at any depth, ``_meta`` is replaced, and
a field that is there keeps all its parameters or the whole request is refused with 400. A new
index takes the mapping of the template whose pattern fits.
"""

import copy
import json
import threading
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

JSON = "application/vnd.elasticsearch+json;compatible-with=9"


@dataclass
class IndexServer:
    """Serves on 127.0.0.1, any port, on threads of its own; use as a context manager."""

    templates: dict[str, dict[str, Any]] = field(default_factory=dict)
    indices: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Index to its mapping."""
    writes: list[str] = field(default_factory=list)
    """Paths of the requests that changed something."""

    def __enter__(self) -> Self:
        handler = type("Handler", (_Handler,), {"es": self})
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

    def create(self, index: str) -> None:
        for template in self.templates.values():
            if any(fnmatchcase(index, pattern) for pattern in template["index_patterns"]):
                self.indices[index] = copy.deepcopy(template["template"]["mappings"])
                return
        self.indices[index] = {}

    def answer(self, method: str, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if method == "PUT":
            self.writes.append(path)
        match method, path.split("/"):
            case "PUT", ["_index_template", name]:
                self.templates[name] = body
            case "GET", ["_index_template", name]:
                if name not in self.templates:
                    return 404, _error("resource_not_found_exception", name)
                found = {"name": name, "index_template": self.templates[name]}
                return 200, {"index_templates": [found]}
            case "HEAD", [index]:
                return (200 if index in self.indices else 404), {}
            case "PUT", [index]:
                self.create(index)
            case "GET", [pattern, "_mapping"]:
                named = [name for name in self.indices if fnmatchcase(name, pattern)]
                if not named and "*" not in pattern:
                    return 404, _error("index_not_found_exception", pattern)
                return 200, {name: {"mappings": self.indices[name]} for name in named}
            case "PUT", [index, "_mapping"]:
                mapping = copy.deepcopy(self.indices[index])
                try:
                    _merge(mapping, body)
                except ValueError as error:
                    return 400, _error("illegal_argument_exception", str(error))
                self.indices[index] = mapping
            case _:
                raise AssertionError(f"the server does not know {method} {path}")
        return 200, {"acknowledged": True}


def _merge(mapping: dict[str, Any], added: dict[str, Any]) -> None:
    mapping |= {name: value for name, value in added.items() if name != "properties"}
    _merge_fields(mapping.setdefault("properties", {}), added["properties"], "")


def _merge_fields(present: dict[str, Any], added: dict[str, Any], path: str) -> None:
    for name, new in added.items():
        old = present.setdefault(name, new)
        for key in (old.keys() | new.keys()) - {"properties"}:
            if old.get(key) != new.get(key):
                raise ValueError(f"mapper [{path}{name}]: [{key}] cannot be changed")
        if ("properties" in old) != ("properties" in new):
            raise ValueError(f"mapper [{path}{name}] cannot be changed to or from an object")
        if "properties" in old:
            _merge_fields(old["properties"], new["properties"], f"{path}{name}.")


def _error(kind: str, reason: str) -> dict[str, Any]:
    return {"error": {"type": kind, "reason": reason}}


class _Handler(BaseHTTPRequestHandler):
    es: IndexServer
    protocol_version = "HTTP/1.1"

    def _any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = self.path.partition("?")[0].strip("/").replace("%2A", "*")
        status, answer = self.es.answer(self.command, path, json.loads(body or b"{}"))
        data = b"" if self.command == "HEAD" else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("X-Elastic-Product", "Elasticsearch")
        self.send_header("Content-Type", JSON)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self) -> None:
        self._any()

    def do_HEAD(self) -> None:
        self._any()

    def do_PUT(self) -> None:
        self._any()

    def log_message(self, format: str, *args: object) -> None:
        """Nobody reads it."""
