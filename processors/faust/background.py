"""Background tasks whose end ends the process: a service without its work must not look alive."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from processors.faust.messages import end_process
from schemas.errors import TocsinError

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
