"""What every stack can do, and how it says that it cannot.

Callers depend on this module alone; which servers answer is `choice.open_stack`'s business.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

Component = Literal["kafka", "elasticsearch"]
Progress = Callable[[str], None]


class StackError(Exception):
    """One sentence for the person at the terminal: what happened, and what to do about it."""


@dataclass(frozen=True)
class Endpoints:
    """Where the servers listen: a Kafka bootstrap list and an Elasticsearch base URL."""

    kafka: str
    elasticsearch: str


class Stack(Protocol):
    """Servers that are started once, used through their endpoints, and stopped."""

    @property
    def name(self) -> str: ...

    def start(self, progress: Progress) -> Endpoints:
        """Return once a record can be produced and the index is yellow or green; idempotent."""
        ...

    def stop(self) -> None:
        """Stop what `start` started, keeping its data; idempotent."""
        ...

    def kill(self, component: Component) -> None:
        """SIGKILL one server, for fault tests; stacks that cannot do it raise StackError."""
        ...

    def restart(self, component: Component) -> None:
        """Bring a killed server back at the same address with the data that it had."""
        ...
