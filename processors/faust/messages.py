"""A message in and out of a Faust service, the dead letter of one, and the end of a process.

A background task that ends, ends the process: a service without its work must not look alive.
"""

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, NoReturn

from runtime import metrics
from runtime.kafka.dead_letters import TOPIC as DEAD_LETTERS
from runtime.kafka.dead_letters import dead_letter_of, letter_key
from runtime.kafka.protocols import Record
from runtime.logs import get_logger
from schemas.dead_letter import Reason
from schemas.errors import TocsinError

log = get_logger("faust")


@dataclass(slots=True)
class Incoming:
    """A :class:`runtime.kafka.protocols.Record` that outlives Faust's event."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: object = ()


class Outgoing(NamedTuple):
    """A message to produce; ``topic`` is without the prefix."""

    topic: str
    key: bytes | None
    value: bytes | None
    """None is a tombstone, on a compacted topic."""


def given_up(service: str, message: Record, reason: Reason, detail: str, at: datetime) -> Outgoing:
    """The dead letter of a message; counts it in the metrics."""
    metrics.DEAD_LETTERS.labels(service, reason).inc()
    letter = dead_letter_of(message, service=service, reason=reason, detail=detail, at=at)
    return Outgoing(DEAD_LETTERS, letter_key(message.key), letter)


def end_process(error: BaseException) -> NoReturn:
    """Log why and exit at once: nothing is flushed, nothing is acknowledged."""
    fault = None if isinstance(error, TocsinError) else error
    log.error("ending without acknowledging", why=str(error), exc_info=fault)
    sys.stderr.flush()
    os._exit(error.exit_status if isinstance(error, TocsinError) else 70)


End = Callable[[BaseException], Any]


def guarded(
    work: Coroutine[Any, Any, None], name: str, end: End = end_process
) -> asyncio.Task[None]:
    """Run ``work`` as a task; ``end`` gets why it ended, unless it was cancelled or is done.

    Whatever it raises counts, also what is no ``Exception`` (a panic of a library in Rust).
    """
    task = asyncio.create_task(work, name=name)
    task.add_done_callback(lambda done: _ended(done, end))
    return task


def forever(
    work: Coroutine[Any, Any, None], name: str, end: End = end_process
) -> asyncio.Task[None]:
    """As :func:`guarded`, for work that never returns: its return is a fault, too."""
    task = guarded(work, name, end)
    task.add_done_callback(lambda done: _returned(done, end))
    return task


def _ended(task: asyncio.Task[None], end: End) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        end(error)


def _returned(task: asyncio.Task[None], end: End) -> None:
    if not task.cancelled() and task.exception() is None:
        end(TocsinError(f"the task {task.get_name()} ended, which it never should"))
