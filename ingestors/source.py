"""The one interface that every source has, whether it is asked (pull) or told (push).

A source is driven from one thread: ``open(position)`` once, ``next_batch()`` again and again,
``close()`` once. It hands out what it read together with the position *behind* it, so that
whoever delivers the events can save that position once they are safe, and not before.

Rules that a source keeps:

- ``next_batch`` returns within about ``MAX_WAIT_S`` seconds even when nothing came (an empty
  batch), so that the runner can notice a signal. It reconnects by itself, with the back-off that
  its platform documents, and without sleeping longer than that in one call.
- While ``next_batch`` is not called, the source reads no further than a bounded buffer: that is
  the backpressure.
- What cannot be understood is handed over as :class:`Unreadable`; it never raises for bad data.
- It raises :class:`SourceError` only for what a person has to mend (a wrong token, a missing
  file).
- After ``close`` it is asked again, until it says with an empty batch or a :class:`SourceError`
  that nothing is left. It may then hand out what it had received before and must not wait for
  more. A platform's source that cannot resume does so; one that can need not.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from runtime import metrics
from runtime.logs import get_logger
from schemas.errors import TocsinError
from schemas.post import PostEvent

MAX_WAIT_S = 1.0
"""How long ``next_batch`` may wait for something to come, seconds."""

Position = Mapping[str, Any]
"""Where a source resumes: plain JSON, meaningful to that source alone."""
T = TypeVar("T")
log = get_logger("ingest")


class SourceError(TocsinError):
    """A source cannot go on until a person acts; the message says how."""

    exit_status = 2


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Something that the source delivered and that is no post to us."""

    payload: bytes
    detail: str


@dataclass(frozen=True, slots=True)
class Batch:
    """What was read in one go, in order; ``position`` resumes behind its last event.

    ``position`` is None while the source has none to offer (nothing read yet, or a platform that
    cannot resume). ``finished`` says that nothing will ever come again (a file's end).
    """

    events: Sequence[PostEvent] = ()
    position: Position | None = None
    unreadable: Sequence[Unreadable] = field(default=())
    finished: bool = False


class Source(Protocol):
    """What the runner asks of a source."""

    @property
    def source_id(self) -> str:
        """Key of its checkpoint: stable over restarts, different for different wishes."""

    def open(self, position: Position | None) -> None:
        """Make ready to read behind ``position``, or from the source's own start if None."""

    def next_batch(self) -> Batch:
        """What came next; possibly nothing."""

    def close(self) -> None:
        """Let go of connections and files, not of what was received; safe to call twice."""


# --- what the sources of a live stream share ---------------------------------------------------


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
