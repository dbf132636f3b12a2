"""What every stack can do, how it says that it cannot, and the way from its name to it.

Callers depend on this module alone; which servers answer is the business of `open_stack`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from schemas.errors import TocsinError

Progress = Callable[[str], None]
StackName = Literal["embedded", "engines", "external"]


class StackError(TocsinError):
    """One sentence for the person at the terminal: what happened, and what to do about it."""

    exit_status = 1


@dataclass(frozen=True)
class Endpoints:
    """Where the servers listen: a Kafka bootstrap list and an Elasticsearch base URL."""

    kafka: str
    elasticsearch: str


class Stack(Protocol):
    """Servers that are started once, used through their endpoints, and stopped."""

    def start(self, progress: Progress) -> Endpoints:
        """Return once a record can be produced and the index is yellow or green; idempotent."""
        ...

    def stop(self) -> None:
        """Stop what `start` started, keeping its data; idempotent."""
        ...


def open_stack(name: StackName, data_dir: Path, *, endpoints: Endpoints | None = None) -> Stack:
    """Prepare a stack without starting anything; `data_dir` is where it keeps all that it writes.

    `endpoints` are the addresses for `external`; the others choose their own. Each kind is imported
    only when it is asked for.
    """
    if name == "external":
        from tocsin.local.stack.external import ExternalStack

        if endpoints is None:
            raise StackError(
                "The external stack has no addresses: "
                "give the Kafka bootstrap servers and the Elasticsearch URL."
            )
        return ExternalStack(endpoints)
    if name == "embedded":
        from tocsin.local.stack.embedded import EmbeddedStack

        return EmbeddedStack(data_dir)
    from tocsin.local.stack.engines import EnginesStack

    return EnginesStack(data_dir)
