"""A Kafka and an Elasticsearch for tocsin to run on: what every stack can do, and how to open one.

`engines` are the real servers as child processes. `embedded` is the real Kafka beside a small
Elasticsearch from a Python wheel, which needs no JDK. `auto` takes the first that this machine can
run, and `external` is a cluster that someone else runs. A stack starts empty and returns its
addresses; nothing here may know a topic or an index.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from schemas.errors import TocsinError

Progress = Callable[[str], None]
LocalStackName = Literal["engines", "embedded"]
StackName = Literal["auto", "engines", "embedded", "external"]


class StackError(TocsinError):
    """One sentence that says what happened and what to do."""


@dataclass(frozen=True)
class Endpoints:
    """Where the servers listen: a Kafka bootstrap list and an Elasticsearch base URL."""

    kafka: str
    elasticsearch: str


Launched = Callable[[Endpoints], None]
"""Gets the addresses of servers that have been launched and are not ready yet."""


class Stack(Protocol):
    """Servers that are started once, used through their endpoints, and stopped."""

    def start(self, progress: Progress, launched: Launched = lambda endpoints: None) -> Endpoints:
        """Return once a record can be produced and the index is yellow or green; idempotent.

        ``launched`` is called in this thread, while the servers still start, and again with other
        addresses where another program took a port meanwhile.
        """
        ...

    def stop(self) -> None:
        """Stop what `start` started and keep its data; idempotent."""
        ...

    def failure(self) -> str | None:
        """A sentence if a server of this stack has ended by itself; cheap, to ask every second."""
        ...


def open_stack(name: StackName, data_dir: Path, *, short_lived: bool = False) -> Stack:
    """Prepare a stack without starting it; it writes below `data_dir` only.

    `external` takes its addresses from the settings; the others choose their own. A `short_lived`
    stack is ready sooner and is slower after some minutes: for a demo and for tests. Each kind is
    imported only when it is wanted.
    """
    if name == "external":
        from tocsin.local.stack.external import ExternalStack

        return ExternalStack()
    if name == "auto":
        from tocsin.local.stack.selection import AutoStack

        return AutoStack(data_dir, short_lived=short_lived)
    if name == "embedded":
        from tocsin.local.stack.embedded import EmbeddedStack

        return EmbeddedStack(data_dir, short_lived=short_lived)
    from tocsin.local.stack.engines import EnginesStack

    return EnginesStack(data_dir, short_lived=short_lived)
