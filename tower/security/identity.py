"""Who sends a request: by session, by bearer token, or as a trusted proxy says."""

import ipaddress
from collections.abc import Collection
from typing import Any, Final

from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from tower.security.sessions import Sessions
from tower.security.users import Accounts, Person

PLAIN_COOKIE: Final = "tower"
TLS_COOKIE: Final = "__Host-tower"
"""Only over TLS: browsers refuse the prefix without it."""
_BEARER: Final = "bearer "
_PEER: Final = "tocsin.peer"
"""Key of a request's scope: the address at the other end of the connection."""


def with_peer(app: Any) -> Any:
    """An ASGI application that keeps the address of the connection.

    What a proxy forwards takes its place otherwise.
    """

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope.get("client"):
            scope[_PEER] = scope["client"][0]
        await app(scope, receive, send)

    return wrapped


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
        self._proxies = tuple(ipaddress.ip_network(proxy) for proxy in proxies)
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
        if not self._user_header or not self._is_proxy(request):
            return None
        name = request.headers.get(self._user_header, "").strip()
        if not name or len(name) > 64:
            return None
        account = self.accounts.named(name)
        return Person(name, "reader" if account is None else account.role)

    def _is_proxy(self, request: HTTPConnection) -> bool:
        """Whether the connection is a trusted proxy's, whomever it forwards."""
        client = request.client.host if request.client else ""
        try:
            peer = ipaddress.ip_address(request.scope.get(_PEER, client))
        except ValueError:
            return False
        return any(peer in network for network in self._proxies)

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
