"""What the sources of a live stream share: options, how a batch fills, and how gaps are counted."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from ingestors.source import MAX_WAIT_S, SourceError
from runtime import metrics
from runtime.logs import get_logger

T = TypeVar("T")
log = get_logger("ingest")


@dataclass(frozen=True, kw_only=True)
class StreamOptions:
    """How long to wait for what, seconds.

    A batch ends with ``batch_events`` messages, or ``batch_within_s`` after the first one;
    ``wait_s`` is how long ``next_batch`` waits for the first.
    """

    batch_events: int = 500
    batch_within_s: float = 0.2
    wait_s: float = MAX_WAIT_S
    connect_timeout_s: float = 10.0


def collect(
    receive: Callable[[float], T | None], options: StreamOptions, monotonic: Callable[[], float]
) -> Iterator[T]:
    """The messages of one batch; it ends when it is full or late, or when nothing came.

    ``receive`` takes the seconds that it may wait, and returns None if nothing came. It is called
    for the next message only after the caller has processed the one before.
    """
    received, wait_s, deadline = 0, options.wait_s, float("inf")
    while received < options.batch_events and wait_s > 0:
        message = receive(wait_s)
        if message is None:
            return
        received += 1
        yield message
        deadline = min(deadline, monotonic() + options.batch_within_s)
        wait_s = deadline - monotonic()


def count_gap(source_id: str, missed_s: float) -> None:
    """Count and log that nobody listened for so long, and that it will not come again."""
    metrics.INGEST_GAPS.labels(source_id).inc()
    metrics.INGEST_GAP_SECONDS.labels(source_id).inc(missed_s)
    log.error("posts are missed", source=source_id, seconds=missed_s)


def no_position(source_id: str, field: str) -> SourceError:
    """The error for a checkpoint that lacks the field that this source resumes from."""
    return SourceError(
        f"the checkpoint of {source_id} has no {field}; run "
        f"'tocsin checkpoints reset {source_id}' to start it afresh"
    )
