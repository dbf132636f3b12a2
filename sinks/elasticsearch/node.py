"""A node of the Elasticsearch client whose requests end in time.

The client's own time-out counts from byte to byte, and not at all while a name is resolved. Here a
request, with its connection and its whole answer, has :class:`runtime.limits.deadline.Deadline`.
"""

import socket
import threading
from typing import Any

from elastic_transport import ConnectionTimeout, NodeConfig, TransportError, Urllib3HttpNode
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from runtime.limits.deadline import Deadline

_request = threading.local()
"""``deadline``: that of the request of this thread."""


class _Guarded(HTTPConnection):
    """A connection that the deadline of the present request closes."""

    def __repr__(self) -> str:
        # urllib3 puts it into the sentence of a connection that fails.
        return f"HTTPConnection(host={self.host!r}, port={self.port!r})"

    def _new_conn(self) -> socket.socket:
        deadline: Deadline = _request.deadline
        try:
            sock = deadline.connect(deadline.resolve(self.host, self.port or 0), self.port or 0)
        except TimeoutError as error:
            raise ConnectTimeoutError(self, str(error)) from error
        except OSError as error:
            raise NewConnectionError(self, str(error)) from error
        for option in self.socket_options or ():
            sock.setsockopt(*option)
        return sock

    def request(self, *arguments: Any, **options: Any) -> None:
        if self.sock is not None:  # kept from an earlier request
            _request.deadline.guard(self.sock)
        super().request(*arguments, **options)


class _GuardedTls(_Guarded, HTTPSConnection):
    """The same over TLS."""


class TimedNode(Urllib3HttpNode):
    """Raises ``ConnectionTimeout`` unless the answer is there within the request's time-out."""

    def __init__(self, config: NodeConfig) -> None:
        super().__init__(config)
        self.pool.ConnectionCls = _GuardedTls if config.scheme == "https" else _Guarded

    def perform_request(
        self, method: str, target: str, *arguments: Any, request_timeout: Any = None, **more: Any
    ) -> Any:
        seconds = self.config.request_timeout
        if isinstance(request_timeout, int | float):
            seconds = request_timeout
            more["request_timeout"] = request_timeout
        with Deadline(seconds if seconds is not None else threading.TIMEOUT_MAX) as deadline:
            _request.deadline = deadline
            try:
                answer = super().perform_request(method, target, *arguments, **more)
            except TransportError as error:
                if deadline.passed:
                    raise _late(deadline) from error
                raise
            if deadline.passed:  # the answer may be cut off
                raise _late(deadline)
            return answer


def _late(deadline: Deadline) -> ConnectionTimeout:
    return ConnectionTimeout(f"no complete answer within {deadline.seconds:g} s")
