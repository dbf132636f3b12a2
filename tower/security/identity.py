"""Who sends a request: by session, by bearer token, or as a trusted proxy says."""

import ipaddress
from collections.abc import Collection
from typing import Final

from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from tower.security.sessions import Sessions
from tower.security.users import Accounts, Person

PLAIN_COOKIE: Final = "tower"
TLS_COOKIE: Final = "__Host-tower"
"""Only over TLS: browsers refuse the prefix without it."""
_BEARER: Final = "bearer "


class Networks:
    """IP addresses, and networks such as ``10.1.0.0/16``; what is neither is in none."""

    def __init__(self, texts: Collection[str]) -> None:
        self._networks = tuple(ipaddress.ip_network(text) for text in texts)

    def __contains__(self, address: str) -> bool:
        try:
            one = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(one in network for network in self._networks)


class Identity:
    """Finds the person of a request; one for the application."""

    def __init__(
        self,
        sessions: Sessions,
        accounts: Accounts,
        *,
        secure: bool,
        proxies: Collection[str] = (),
        user_header: str = "",
    ) -> None:
        self.sessions = sessions
        self.accounts = accounts
        self.secure = secure
        """Whether browsers come over TLS."""
        self._cookie = TLS_COOKIE if secure else PLAIN_COOKIE
        self._proxies = Networks(proxies)
        self._user_header = user_header

    def person(self, request: HTTPConnection) -> Person | None:
        """The person; a bearer token that is wrong is nobody, whatever else is sent."""
        authorization = request.headers.get("authorization", "")
        if authorization[: len(_BEARER)].lower() == _BEARER:
            return self.accounts.with_token(authorization[len(_BEARER) :].strip())
        if (named := self._of_proxy(request)) is not None:
            return named
        token = request.cookies.get(self._cookie)
        return None if token is None else self.sessions.person(token)

    def _of_proxy(self, request: HTTPConnection) -> Person | None:
        if not self._user_header or peer_of(request) not in self._proxies:
            return None
        name = request.headers.get(self._user_header, "").strip()
        if not name or len(name) > 64:
            return None
        account = self.accounts.named(name)
        return Person(name, "reader" if account is None else account.role)

    def sign_in(self, response: Response, person: Person) -> None:
        response.set_cookie(
            self._cookie,
            self.sessions.session(person),
            max_age=self.sessions.max_age_s,
            httponly=True,
            samesite="strict",
            secure=self.secure,
        )

    def sign_out(self, request: HTTPConnection, response: Response) -> None:
        if token := request.cookies.get(self._cookie):
            self.sessions.end(token)
        response.delete_cookie(self._cookie, httponly=True, samesite="strict", secure=self.secure)


class PeerRecord:
    """ASGI middleware: keeps the address that a connection comes from.

    Behind a proxy the server replaces ``client`` with the browser that the proxy tells of; who may
    name a user is decided by the connection.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope.setdefault("state", {})["peer"] = (scope.get("client") or ("",))[0]
        await self._app(scope, receive, send)


def peer_of(request: HTTPConnection) -> str:
    """The address at the other end of the connection: of the proxy, if there is one."""
    peer = request.scope.get("state", {}).get("peer")
    if peer is not None:
        return str(peer)
    return "" if request.client is None else request.client.host
