"""HTTP connections that another thread can cut.

The time-outs of requests count between two bytes, so a server that sends a byte now and then is
never too late. Whoever watches the total time cuts the connection, and its reader gets an error.
"""

import socket
from contextlib import suppress
from typing import Any
from weakref import WeakSet

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool


class CuttableAdapter(HTTPAdapter):
    """Remembers the connections that it opens."""

    def __init__(self) -> None:
        self._open: WeakSet[HTTPConnection] = WeakSet()
        super().__init__()

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        opened = self._open

        class Plain(HTTPConnection):
            def connect(self) -> None:
                opened.add(self)
                super().connect()

        class Secure(HTTPSConnection):
            def connect(self) -> None:
                opened.add(self)
                super().connect()

        class PlainPool(HTTPConnectionPool):
            ConnectionCls = Plain

        class SecurePool(HTTPSConnectionPool):
            ConnectionCls = Secure

        self.poolmanager.pool_classes_by_scheme = {"http": PlainPool, "https": SecurePool}

    def cut(self) -> None:
        """End all connections; whoever reads one gets an error."""
        for connection in list(self._open):
            open_socket = connection.sock
            if open_socket is not None:
                with suppress(OSError):
                    # Not that of TLS, which would take its state from under the reader.
                    socket.socket.shutdown(open_socket, socket.SHUT_RDWR)
