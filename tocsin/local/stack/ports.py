"""Ports on loopback that are free now and likely to be free at the next start too."""

from __future__ import annotations

import json
import random
import socket
from contextlib import suppress
from pathlib import Path

from tocsin.local.stack.base import StackError

RANGE = range(20000, 32000)
"""Below the ports that Linux gives to outgoing connections: those come and go between starts."""


def kept_ports(state: Path, count: int) -> list[int]:
    """The ports noted in a state file, or new ones where somebody else has taken one of them."""
    # A state file that cannot be read costs only its ports: new ones do as well.
    with suppress(FileNotFoundError, ValueError, TypeError, KeyError):
        noted = [int(port) for port in json.loads(state.read_text())["ports"]]
        if len(noted) == count and all(is_free(port) for port in noted):
            return noted
    ports = free_ports(count)
    scratch = state.with_suffix(".new")
    scratch.write_text(json.dumps({"ports": ports}))
    scratch.replace(state)
    return ports


def free_ports(count: int) -> list[int]:
    """Ports nobody listens on; drawn at random, so that two stacks rarely want the same."""
    ports: list[int] = []
    for port in random.SystemRandom().sample(RANGE, 500):
        if is_free(port):
            ports.append(port)
        if len(ports) == count:
            return ports
    raise StackError(
        f"No free port between {RANGE.start} and {RANGE.stop - 1} was found: "
        "end some of the servers on this machine."
    )


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
