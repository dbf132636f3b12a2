"""A local TCP server for protocols written byte for byte, with one thread per `Connection`.

Every scripted fault is appended to ``fired`` when it happens.
"""

import select
import socket
import struct
import threading
from abc import ABC, abstractmethod
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Self


@dataclass
class TcpServer(ABC):
    """Serves on a free port of 127.0.0.1; use as a context manager."""

    asked: list[Any] = field(default_factory=list)
    """One entry per request."""
    fired: list[str] = field(default_factory=list)
    sent: int = 0

    def __post_init__(self) -> None:
        self.log: list[Any] = []
        """Published items; guarded by ``changed``."""
        self.changed = threading.Condition()
        self.stopping = threading.Event()
        self.blocked = threading.Event()
        """Set while a client reads nothing and the kernel's buffers are full."""
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._socket.getsockname()[1])
        self._begin(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        with self.changed:
            self.changed.notify_all()
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for thread in self._threads:
            thread.join(10)

    @abstractmethod
    def connected(self, connection: socket.socket) -> "Connection":
        """The server's side of a new connection; called in the order of the connections."""

    def note(self, asked: Any) -> None:
        with self.changed:
            self.asked.append(asked)
            self.changed.notify_all()

    def wait_for(self, what: str, count: Any, number: int, timeout_s: float) -> None:
        with self.changed:
            if not self.changed.wait_for(lambda: count() >= number, timeout_s):
                raise TimeoutError(f"{count()} of {number} {what}")

    def _begin(self, target: Any, *arguments: Any) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):  # the server closed the socket
            while True:
                connection, _ = self._socket.accept()
                self._begin(self._serve, connection, self.connected(connection))

    def _serve(self, connection: socket.socket, client: "Connection") -> None:
        with connection, suppress(OSError):  # a client may leave at any time
            client.serve()


class Connection(ABC):
    """One connection, from the server's side; ``packet`` is the maximum bytes per write."""

    def __init__(
        self, server: TcpServer, connection: socket.socket, packet: int | None = None
    ) -> None:
        self._socket = connection
        self._socket.setblocking(False)
        self._tcp = server
        self._packet = packet
        self.gone = False

    @abstractmethod
    def serve(self) -> None:
        """Answers until the client is gone or the server stops."""

    @abstractmethod
    def received(self, data: bytes) -> None:
        """Handles bytes from the client; never empty."""

    @property
    def over(self) -> bool:
        return self.gone or self._tcp.stopping.is_set()

    def fire(self, fault: str) -> None:
        with self._tcp.changed:
            self._tcp.fired.append(fault)
            self._tcp.changed.notify_all()

    def idle(self) -> None:
        while not self.over:
            self.receive(0.01)

    def reset(self) -> None:
        """Closes with a TCP reset; pending bytes may be lost."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.gone = True

    def write(self, data: bytes) -> None:
        """Sends everything, in packets, however slowly the client reads."""
        rest = memoryview(data)
        size = self._packet or len(data)
        while rest and not self._tcp.stopping.is_set():
            _, writable, _ = select.select([], [self._socket], [], 0.25)
            if not writable:
                self._tcp.blocked.set()
                continue
            self._tcp.blocked.clear()
            rest = rest[self._socket.send(rest[:size]) :]

    def receive(self, timeout_s: float) -> None:
        readable, _, _ = select.select([self._socket], [], [], timeout_s)
        if readable and (data := self._socket.recv(65_536)):
            self.received(data)
        elif readable:
            self.gone = True
