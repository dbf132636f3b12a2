"""From the name of a stack to the stack. Imports each kind only when it is asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from tocsin.local.stack.base import Endpoints, Stack, StackError

StackName = Literal["embedded", "engines", "external"]


def open_stack(
    name: StackName,
    data_dir: Path,
    *,
    endpoints: Endpoints | None = None,
    kafka_heap_mb: int = 384,
    elasticsearch_heap_mb: int = 512,
) -> Stack:
    """Prepare a stack without starting anything; `data_dir` is where it keeps all that it writes.

    `endpoints` is required by `external` and refused by the others, because a stack that starts
    its own servers chooses their ports. The heaps only concern `engines`.
    """
    if name == "external":
        from tocsin.local.stack.external import ExternalStack

        if endpoints is None:
            raise StackError(
                "The external stack has no addresses: "
                "give the Kafka bootstrap servers and the Elasticsearch URL."
            )
        return ExternalStack(endpoints)
    if endpoints is not None:
        raise StackError(
            f"The {name} stack chooses its own addresses: "
            "leave them out, or use the external stack to reach running servers."
        )
    if name == "embedded":
        from tocsin.local.stack.embedded import EmbeddedStack

        return EmbeddedStack(data_dir)
    if name == "engines":
        from tocsin.local.stack.engines import EnginesStack

        return EnginesStack(
            data_dir, kafka_heap_mb=kafka_heap_mb, elasticsearch_heap_mb=elasticsearch_heap_mb
        )
    raise StackError(f"There is no stack {name!r}: choose embedded, engines or external.")
