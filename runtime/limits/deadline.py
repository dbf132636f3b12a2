"""A total time for one outgoing call, whatever the other side does.

The time-out of a socket counts from byte to byte: a server that sends one byte a second is never
too slow for it. A :class:`Deadline` closes the call's sockets from a timer instead, in whatever
state they are: connecting, in a TLS handshake, sending or reading. Names are resolved on a thread
that is left behind when it is late, since a look-up cannot be interrupted.
"""

import contextlib
import ipaddress
import os
import socket
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Generic, Self, TypeVar

Result = TypeVar("Result")


class Deadline:
    """The deadline of one call, ``seconds`` after it is entered; used by one thread.

    Check :attr:`passed` when the call is over: a closed socket may read as a short answer.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.passed = False
        self._ends = 0.0
        self._guarded: list[socket.socket] = []
        self._lock = threading.Lock()
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._ends = time.monotonic() + self.seconds
        self._timer.start()
        return self

    def __exit__(self, *details: object) -> None:
        self._timer.cancel()
        with self._lock:
            for duplicate in self._guarded:
                duplicate.close()
            self._guarded.clear()

    def left_s(self) -> float:
        """The seconds left; raises :class:`TimeoutError` if there are none."""
        left = self._ends - time.monotonic()
        if self.passed or left <= 0:
            self.passed = True
            raise TimeoutError(f"no complete answer within {self.seconds:g} s")
        return left

    def guard(self, sock: socket.socket) -> None:
        """Close this connection at the deadline, also when TLS has wrapped it meanwhile."""
        # TLS takes the descriptor over, so the guard holds one of its own.
        duplicate = socket.socket(fileno=os.dup(sock.fileno()))
        with self._lock:
            self._guarded.append(duplicate)
            if self.passed:
                _shut(duplicate)

    def resolve(self, host: str, port: int) -> list[str]:
        """The addresses of ``host``; raises :class:`OSError`, of which a time-out is one."""
        try:
            return resolve(host, port, self.left_s())
        except TimeoutError:
            self.passed = True
            raise

    def connect(self, addresses: Sequence[str], port: int) -> socket.socket:
        """A guarded connection to the first address that takes one; raises :class:`OSError`."""
        error: OSError = OSError("the name has no address")
        for address in addresses:
            try:
                sock = socket.create_connection((address, port), self.left_s())
            except OSError as refused:
                error = refused
                continue
            self.guard(sock)
            return sock
        raise error

    def _end(self) -> None:
        with self._lock:
            self.passed = True
            for duplicate in self._guarded:
                _shut(duplicate)


def _shut(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)


class _LookUp(threading.Thread, Generic[Result]):
    """One look-up; all who ask for the same meanwhile wait for it."""

    def __init__(self, key: tuple[str, int], look_up: Callable[[], Result]) -> None:
        super().__init__(name="look-up", daemon=True)
        self._key = key
        self._look_up = look_up
        self.result: Result | None = None
        self.error: Exception | None = None

    def run(self) -> None:
        try:
            self.result = self._look_up()
        except (OSError, UnicodeError) as error:
            self.error = error
        finally:
            with _look_ups_lock:
                _look_ups.pop(self._key, None)


_look_ups: dict[tuple[str, int], _LookUp[Any]] = {}
"""Those that have not ended: one a name, however often it is asked."""
_look_ups_lock = threading.Lock()


def _looked_up(key: tuple[str, int], function: Callable[[], Result], timeout_s: float) -> Result:
    with _look_ups_lock:
        look_up: _LookUp[Result] | None = _look_ups.get(key)
        if look_up is None:
            look_up = _look_ups[key] = _LookUp(key, function)
            look_up.start()
    look_up.join(timeout_s)
    if look_up.error is not None:
        raise OSError(f"{key[0]} cannot be resolved ({look_up.error})")
    if look_up.result is None:
        raise TimeoutError(f"{key[0]} is not resolved within {timeout_s:.3g} s")
    return look_up.result


def resolve(host: str, port: int, timeout_s: float) -> list[str]:
    """The addresses of ``host``, in their order; raises :class:`OSError`, as a time-out is one."""
    with contextlib.suppress(ValueError):
        ipaddress.ip_address(host.partition("%")[0])
        return _addresses(host, port)
    return _looked_up((host, port), partial(_addresses, host, port), timeout_s)


def own_name(timeout_s: float) -> str:
    """The full name of this machine, or a literal address where no name server tells it in time."""
    with contextlib.suppress(OSError):
        name = _looked_up(("this machine", 0), socket.getfqdn, timeout_s)
        if "." in name:
            return name
    return "[127.0.0.1]"


def _addresses(host: str, port: int) -> list[str]:
    entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in entries))
