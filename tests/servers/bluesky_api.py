"""The two calls of Bluesky's public API by which posts are reconciled, with scripted faults.

After the lexicons ``app.bsky.feed.getPosts`` (at most 25 URIs; what is gone is left out) and
``com.atproto.sync.getRepoStatus`` (``active``, ``status``; RepoNotFound).
"""

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.servers.http import Answer, HttpServer, Received

STATES = ("takendown", "suspended", "deleted", "deactivated", "desynchronized", "throttled")


@dataclass
class BlueskyApi(HttpServer):
    posts: set[str] = field(default_factory=set)
    """URIs of the posts that are there."""
    accounts: dict[str, str] = field(default_factory=dict)
    """State of each account; ``active`` or one of STATES. Others are not found."""
    faults: list[Answer] = field(default_factory=list)
    """Answered first."""
    calls: list[str] = field(default_factory=list)
    fired: int = 0

    def answer(self, request: Received) -> Answer:
        with self.lock:
            parts = urlsplit(request.path)
            self.calls.append(parts.path.removeprefix("/xrpc/"))
            if self.faults:
                self.fired += 1
                return self.faults.pop(0)
            pairs = parse_qsl(parts.query)
            if self.calls[-1] == "app.bsky.feed.getPosts":
                return self._get_posts([value for name, value in pairs if name == "uris"])
            if self.calls[-1] == "com.atproto.sync.getRepoStatus":
                return self._repo_status(dict(pairs).get("did", ""))
            return _json(404, {"error": "MethodNotImplemented"})

    def _get_posts(self, uris: list[str]) -> Answer:
        if not 1 <= len(uris) <= 25:
            return _json(400, {"error": "InvalidRequest", "message": "uris"})
        there = [{"uri": uri, "cid": "c", "record": {}} for uri in uris if uri in self.posts]
        return _json(200, {"posts": there})

    def _repo_status(self, did: str) -> Answer:
        state = self.accounts.get(did)
        if state is None:
            return _json(400, {"error": "RepoNotFound", "message": f"no {did}"})
        assert state in ("active", *STATES)
        inactive = {} if state == "active" else {"status": state}
        return _json(200, {"did": did, "active": state == "active", **inactive})


def _json(status: int, body: Any) -> Answer:
    return Answer(status, json.dumps(body).encode(), {"Content-Type": "application/json"})
