"""The fence around the application: hosts, origins, sizes, headers, and how much one may ask.

Every response carries the headers, errors too. Unsafe methods are refused unless the browser says
that the page itself sent them (``Sec-Fetch-Site``), or else that its ``Origin`` is this host: the
defence that OWASP's cheat sheet and Go 1.25 use in place of tokens.
"""

import ipaddress
import time
from collections.abc import Callable, Collection, Mapping
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from runtime import tower_metrics

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types tower"
)
HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
}
MAX_BODY: Final = 64 * 2**10
"""Bytes of a request's body."""
MAX_TARGET: Final = 16_000
"""Bytes of a request's path and query."""
BODY_S: Final = 10.0
SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
LOOPBACK_NAMES: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})


class RequestGuard:
    """ASGI middleware, the outermost. ``hosts``: names without a port, beside loopback ones."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        hosts: Collection[str] = (),
        tls: bool = False,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app = app
        self._hosts = frozenset(host.lower() for host in hosts) | LOOPBACK_NAMES
        self._tls = tls
        self._monotonic = monotonic

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        guarded = self._guarded(scope, send)
        refusal = self._refusal(scope, headers)
        if refusal is not None:
            reason, status, text = refusal
            tower_metrics.TOWER_REFUSED.labels(reason).inc()
            await PlainTextResponse(text, status)(scope, receive, guarded)
            return
        if scope["method"] in SAFE:
            await self._app(scope, receive, guarded)
            return
        body = await self._body(receive)
        if body is None:
            tower_metrics.TOWER_REFUSED.labels("size").inc()
            text = f"a request has at most {MAX_BODY // 1024} kB\n"
            await PlainTextResponse(text, 413)(scope, receive, guarded)
            return
        await self._app(scope, _replay(body, receive), guarded)

    def _refusal(self, scope: Scope, headers: Headers) -> tuple[str, int, str] | None:
        host = headers.get("host", "")
        if name_of(host) not in self._hosts:
            text = "this host name is not one of TOCSIN_TOWER_HOSTS\n"
            return "host", 421, text
        if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > MAX_TARGET:
            return "size", 414, "the address is too long\n"
        if scope["method"] not in SAFE and not _same_origin(headers, host):
            return "origin", 403, "this request comes from another site\n"
        return None

    async def _body(self, receive: Receive) -> bytes | None:
        """The whole body; None if it is too large, takes too long, or the client has gone."""
        ends, parts, size = self._monotonic() + BODY_S, [], 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect" or self._monotonic() > ends:
                return None
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > MAX_BODY:
                return None
            if not message.get("more_body"):
                return b"".join(parts)

    def _guarded(self, scope: Scope, send: Send) -> Send:
        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-store")
                if self._tls:
                    headers.setdefault("Strict-Transport-Security", "max-age=31536000")
                tower_metrics.TOWER_REQUESTS.labels(
                    _kind(scope["path"]), f"{message['status'] // 100}xx"
                ).inc()
            await send(message)

        return guarded


def _replay(body: bytes, receive: Receive) -> Receive:
    """The body again, then what the client does."""
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


_KINDS: Final = {
    "api": "api",
    "static": "static",
    "events": "live",
    "sign-in": "sign_in",
    "sign-out": "sign_in",
}


def _kind(path: str) -> str:
    first = path.strip("/").partition("/")[0]
    return _KINDS.get(first, "page")


def name_of(host: str) -> str:
    """The name of a Host header without its port, in lower case."""
    host = host.lower()
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0]


def _same_origin(headers: Headers, host: str) -> bool:
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = headers.get("origin")
    if origin is None:
        # Not a browser: those send one of the two with every unsafe request.
        return True
    return origin.partition("://")[2] == host


def is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
