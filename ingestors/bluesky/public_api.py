"""Bluesky's public API over HTTPS: which posts are still there, and the state of an account.

``app.bsky.feed.getPosts`` takes up to 25 URIs and leaves out posts that are gone.
``com.atproto.sync.getRepoStatus`` of a relay gives ``active`` and, if it is not, ``status``. Every
call has a deadline for all of it, and the calls of one client keep a distance.
"""

import http.client
import socket
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from urllib.parse import urlencode, urlsplit

from ingestors.bluesky.posts import ERASED_STATUSES
from ingestors.coerce import as_mapping, as_mappings, as_string, parse
from ingestors.source import SourceError
from schemas.errors import ServiceUnavailable

MAX_URIS = 25
"""URIs of one call (lexicon ``app.bsky.feed.getPosts``)."""
MAX_ANSWER_BYTES = 2 * 2**20
MAX_ATTEMPTS = 5
MAX_WAIT_S = 60.0
_LOCAL = ("127.0.0.1", "::1", "localhost")
Sleep = Callable[[float], None]


class PublicApi:
    """``url``: the AppView for posts; ``relay``: for accounts."""

    def __init__(
        self,
        url: str,
        relay: str,
        *,
        deadline_s: float = 20.0,
        per_second: float = 5.0,
        sleep: Sleep = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        for address in (url, relay):
            parts = urlsplit(address)
            local = parts.scheme == "http" and parts.hostname in _LOCAL
            if not parts.hostname or not (parts.scheme == "https" or local):
                raise SourceError(f"{address} is not an https:// URL; correct it")
        self._url, self._relay = url.rstrip("/"), relay.rstrip("/")
        self._deadline_s = deadline_s
        self._pause_s = 1 / per_second
        self._sleep = sleep
        self._monotonic = monotonic
        self._next_at = float("-inf")

    def present(self, uris: Sequence[str]) -> set[str]:
        """Those of at most 25 posts that are there."""
        assert len(uris) <= MAX_URIS
        pairs = [("uris", uri) for uri in uris]
        _, answer = self._call(f"{self._url}/xrpc/app.bsky.feed.getPosts?{urlencode(pairs)}")
        posts = answer.get("posts")
        if not isinstance(posts, list):
            raise ServiceUnavailable(f"{self._url} gave an answer without posts; try again later")
        found = (as_string(post.get("uri")) for post in as_mappings(posts))
        return {uri for uri in found if uri is not None}.intersection(uris)

    def account_state(self, did: str) -> str:
        """``active``, ``unknown`` (no such account), ``erased``, or a state that can end."""
        query = urlencode({"did": did})
        path = f"{self._relay}/xrpc/com.atproto.sync.getRepoStatus?{query}"
        status, answer = self._call(path, accepted=(400, 404))
        if status != 200:
            return "unknown" if answer.get("error") == "RepoNotFound" else "unsure"
        if answer.get("active") is True:
            return "active"
        state = as_string(answer.get("status")) or "unsure"
        return "erased" if state in ERASED_STATUSES else state

    def _call(self, address: str, accepted: Sequence[int] = ()) -> tuple[int, dict[str, object]]:
        """The status and the object that it answers, after as many attempts as it takes."""
        wait_s, problem = 1.0, ""
        for _ in range(MAX_ATTEMPTS):
            self._keep_distance()
            try:
                status, retry_after, body = self._get(address)
            except (OSError, http.client.HTTPException, ValueError, AttributeError) as error:
                problem, retry_after = f"{type(error).__name__}: {error}", None
            else:
                if status == 200 or status in accepted:
                    answer = _object(body)
                    if answer is not None:
                        return status, answer
                problem = f"it answered {status}"
            self._sleep(min(MAX_WAIT_S, retry_after or wait_s))
            wait_s *= 2
        host = urlsplit(address).netloc
        raise ServiceUnavailable(f"{host} does not answer ({problem[:200]}); try again later")

    def _keep_distance(self) -> None:
        wait = self._next_at - self._monotonic()
        if wait > 0:
            self._sleep(wait)
        self._next_at = self._monotonic() + self._pause_s

    def _get(self, address: str) -> tuple[int, float | None, bytes]:
        """The status, the seconds after which to try again if it names them, and the body."""
        parts = urlsplit(address)
        kind = (
            http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        )
        connection = kind(parts.hostname or "", parts.port, timeout=self._deadline_s)
        call = _Call(connection)
        timer = threading.Timer(self._deadline_s, call.cut)
        timer.daemon = True
        timer.start()
        try:
            connection.connect()
            call.socket = connection.sock
            target = f"{parts.path}?{parts.query}"
            connection.request("GET", target, headers={"User-Agent": "tocsin"})
            response = connection.getresponse()
            body = response.read(MAX_ANSWER_BYTES + 1)
            if call.is_late:
                raise TimeoutError(f"not whole within {self._deadline_s:.0f} s")
            after = response.getheader("Retry-After", "")
            return response.status, float(after[:6]) if after.isdigit() else None, body
        finally:
            timer.cancel()
            connection.close()


class _Call:
    """A call that a timer can end, however slowly its bytes come."""

    def __init__(self, connection: http.client.HTTPConnection) -> None:
        self.socket: socket.socket | None = None
        """Kept apart: the connection forgets its socket before the answer is read."""
        self.is_late = False
        self._connection = connection

    def cut(self) -> None:
        self.is_late = True
        opened = self.socket or self._connection.sock
        if opened is not None:
            with suppress(OSError):
                socket.socket.shutdown(opened, socket.SHUT_RDWR)


def _object(body: bytes) -> dict[str, object] | None:
    try:
        return dict(as_mapping(parse(body)))
    except (ValueError, RecursionError):
        return None
