"""Ports on loopback that are free now and probably at the next start too."""

import json
import random
import socket
from contextlib import suppress
from pathlib import Path

from tocsin.local.stack import StackError

RANGE = range(20000, 32000)
"""Below the ports of outgoing connections on Linux, which change between starts."""


def kept_ports(state: Path, count: int) -> list[int]:
    """The ports in a state file; new ones if one of them is taken or the file is not readable."""
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
    """Free ports, drawn at random: two stacks rarely draw the same."""
    ports: list[int] = []
    for port in random.SystemRandom().sample(RANGE, 500):
        if is_free(port):
            ports.append(port)
        if len(ports) == count:
            return ports
    raise StackError(
        f"There is no free port between {RANGE.start} and {RANGE.stop - 1}: "
        "stop some of the servers on this machine."
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
