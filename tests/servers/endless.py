"""A server that keeps its client waiting for ever: by silence, by drops, or by a flood."""

import itertools
import socket
from collections.abc import Iterator
from dataclasses import dataclass

from tests.servers.tcp import Connection, TcpServer

HTTP_FAULTS: dict[str, tuple[bytes, bytes]] = {
    "silence": (b"", b""),
    "a status line in drops": (b"HTTP/1.1 ", b"2"),
    "a header in drops": (b"HTTP/1.1 200 OK\r\nX-A: ", b"a"),
    "headers without end": (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
    "continue without end": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "a body in drops": (b"HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n", b" "),
    "chunks in drops": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    "an error in drops": (b"HTTP/1.1 500 No\r\nContent-Length: 999999\r\n\r\n", b"e"),
}
"""Name of a fault to its first bytes and to those that come again and again."""
SMTP_FAULTS: dict[str, tuple[bytes, bytes]] = {
    "silence": (b"", b""),
    "a greeting in drops": (b"220 desk", b"."),
    "an answer in drops": (b"220 desk.test\r\n", b"2"),
    "an answer without end": (b"220 desk.test\r\n", b"250-AND MORE\r\n" * 500),
}
TLS_FAULTS: dict[str, tuple[bytes, bytes]] = {
    "silence": (b"", b""),
    # The head of a TLS record with a handshake of 16 kB, whose bytes come one by one.
    "half a handshake": (b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc\x03\x03", b"\x00"),
}


@dataclass
class Endless(TcpServer):
    """Answers whatever it hears (or a new connection, if it ``greets``) with ``fault``."""

    fault: str = ""
    first: bytes = b""
    again: bytes = b""
    greets: bool = False
    pause_s: float = 0.02

    def connected(self, connection: socket.socket) -> Connection:
        return _Endless(self, connection)


class _Endless(Connection):
    def __init__(self, server: Endless, connection: socket.socket) -> None:
        super().__init__(server, connection)
        self._server = server
        self._heard = server.greets

    def received(self, data: bytes) -> None:
        self._heard = True

    def serve(self) -> None:
        while not self._heard and not self.over:
            self.receive(0.01)
        parts: Iterator[bytes] = itertools.repeat(self._server.again)
        for part in itertools.chain([self._server.first], parts):
            if self.over:
                return
            if part:
                self.write(part)
            self.fire(self._server.fault)
            self.receive(self._server.pause_s)
