"""Ports on loopback that are free now and probably at the next start too.

Between the draw of a port and the start of its server lie seconds. Meanwhile the port is reserved
by the lock of a file, so that two stacks of one user never take the same. Another program can still
take it: then the stack starts again with other ports.
"""

import fcntl
import json
import os
import random
import socket
import tempfile
from contextlib import suppress
from pathlib import Path

from tocsin.local.stack import StackError

RANGE = range(20000, 32000)
"""Below the ports of outgoing connections on Linux, which change between starts."""


_reserved: dict[int, int] = {}
"""Ports of this process, each with the descriptor of its locked file.

The kernel releases a lock at the end of the process.
"""


def kept_ports(state: Path, count: int) -> list[int]:
    """The ports in a state file; new ones if one of them is taken or the file is not readable."""
    with suppress(FileNotFoundError, ValueError, TypeError, KeyError):
        noted = [int(port) for port in json.loads(state.read_text())["ports"]]
        if len(noted) == count and all(is_free(port) and reserve(port) for port in noted):
            return noted
    ports = free_ports(count)
    scratch = state.with_suffix(".new")
    scratch.write_text(json.dumps({"ports": ports}))
    scratch.replace(state)
    return ports


def free_ports(count: int) -> list[int]:
    """Free ports, drawn at random and reserved for this process."""
    ports: list[int] = []
    for port in random.SystemRandom().sample(RANGE, 500):
        if port not in _reserved and is_free(port) and reserve(port):
            ports.append(port)
        if len(ports) == count:
            return ports
    raise StackError(
        f"There is no free port between {RANGE.start} and {RANGE.stop - 1}: "
        "stop some of the servers on this machine."
    )


def reserve(port: int, folder: Path | None = None) -> bool:
    """Reserve a port among the processes of this user; False if another one has it.

    Where the folder of the locks cannot be used, nothing is reserved.
    """
    if port in _reserved:
        return True
    folder = folder or Path(tempfile.gettempdir()) / f"tocsin-ports-{os.geteuid()}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        if folder.is_symlink() or folder.stat().st_uid != os.geteuid():
            return True
        lock = os.open(folder / str(port), os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError:
        return True
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        return False
    _reserved[port] = lock
    return True


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False
