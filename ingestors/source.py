"""The interface of all sources, pull and push.

One thread calls ``open(position)`` once, ``next_batch()`` repeatedly, and ``close()`` once. Each
batch has the resume position after its last event; the runner saves it once the events are safe.

Rules of a source:

- ``next_batch`` returns within about ``MAX_WAIT_S``, with an empty batch if nothing came, so the
  runner notices signals. The source reconnects by itself with its platform's back-off.
- Backpressure: while ``next_batch`` is not called, the source reads at most a bounded buffer.
- Data that cannot be parsed becomes :class:`Unreadable`, never an exception.
- :class:`SourceError` is only for what a person must fix (a wrong token, a missing file).
- After ``close``, ``next_batch`` returns what was received before and does not wait for more. An
  empty batch or a :class:`SourceError` ends it. Only a source that cannot resume needs this.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol, TypeVar, runtime_checkable

from runtime.logs import get_logger
from schemas.errors import TocsinError
from schemas.post import PostEvent

Cause = Literal[
    "dropped", "stalled", "refused", "limited", "unavailable", "disconnected", "rejected"
]
"""What ended a connection or an attempt to connect (the label of ``INGEST_RECONNECTS``).

- ``dropped``: it broke, or the platform closed it;
- ``stalled``: it was silent for longer than the platform ever is;
- ``refused``: the connection or the handshake failed;
- ``limited``: too many requests (429);
- ``unavailable``: the platform answered with another temporary error;
- ``disconnected``: the platform announced the end inside the stream;
- ``rejected``: the platform answered that it will not serve us. Before the first connection this is
  a wrong setting, and final; later it is mostly theirs, so the source goes on trying.
"""

MAX_WAIT_S = 1.0
"""Maximum wait of ``next_batch``, seconds."""

Position = Mapping[str, Any]
"""Where a source resumes: plain JSON that only this source interprets."""
T = TypeVar("T")
log = get_logger("ingest")


class SourceError(TocsinError):
    """The source cannot continue until a person acts; the message says how."""

    exit_status = 2


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An item from the source that could not be parsed as a post."""

    payload: bytes
    detail: str


@dataclass(frozen=True, slots=True)
class Gap:
    """Posts from ``since`` to ``until`` are lost: the platform does not send them again.

    ``lost``: how many, if it is known. ``detail``: one sentence for a person.
    """

    since: datetime
    until: datetime
    why: Literal["unrepeated", "outage"] = "unrepeated"
    lost: int | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """Events in the order of reading; ``position`` resumes after the last one.

    ``position`` is None if nothing was read yet or the platform cannot resume. ``finished``: the
    source has ended, as a file does. ``obstacle``: why the source delivers nothing now, such as a
    lost connection; the service is not ready meanwhile. ``cause``: what the obstacle comes from;
    None before the first connection. ``gaps``: what was found lost since the last batch.
    """

    events: Sequence[PostEvent] = ()
    position: Position | None = None
    unreadable: Sequence[Unreadable] = field(default=())
    finished: bool = False
    obstacle: str | None = None
    cause: Cause | None = None
    gaps: Sequence[Gap] = ()


class Source(Protocol):
    @property
    def source_id(self) -> str:
        """Key of its checkpoint: stable over restarts, different for different options."""

    def open(self, position: Position | None) -> None:
        """Prepare to read after ``position``; None is the source's own start."""

    def next_batch(self) -> Batch: ...

    def close(self) -> None:
        """Release connections and files but keep received items; safe to call twice."""


@runtime_checkable
class Acknowledged(Protocol):
    """A source that keeps what it has read until Kafka has it."""

    def acknowledged(self, position: Position) -> None:
        """Kafka has all that was handed over up to this position of this run."""


@runtime_checkable
class Live(Protocol):
    """A source of what is published now: while nobody reads it, its posts are late or lost."""

    def heard_until(self) -> datetime | None:
        """What was published before was handed over, or told as a gap; None if nothing was.

        By the platform's clock, and never later than ours.
        """


@runtime_checkable
class Played(Protocol):
    """A source that plays a time of its own, such as a generated day."""

    def played(self) -> tuple[datetime, datetime] | None:
        """The beginning of its time, and how far it was played; None before the first event."""


@dataclass(frozen=True, kw_only=True)
class StreamOptions:
    """Limits of a batch: its size, the wait for its first message, the time after the first."""

    batch_events: int = 500
    batch_within_s: float = 0.2
    wait_s: float = MAX_WAIT_S
    connect_timeout_s: float = 10.0


def collect(
    receive: Callable[[float], T | None], options: StreamOptions, monotonic: Callable[[], float]
) -> Iterator[T]:
    """Yield the messages of one batch, until it is full, its time is over, or nothing came.

    ``receive(wait_s)`` returns None if nothing came. It is called for the next message only after
    the caller has processed the one before.
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


def count_gap(source_id: str, since: datetime, until: datetime) -> Gap:
    """Count, log and return a gap: what was published then, the platform does not send again."""
    from runtime import metrics  # Readers of files need none of them.

    missed_s = (until - since).total_seconds()
    metrics.INGEST_GAPS.labels(source_id).inc()
    metrics.INGEST_GAP_SECONDS.labels(source_id).inc(missed_s)
    log.error("posts are missed", source=source_id, seconds=missed_s)
    return Gap(since, until)


def bad_checkpoint(source_id: str, problem: str) -> SourceError:
    return SourceError(
        f"the checkpoint of {source_id} {problem}; run "
        f"'tocsin checkpoints reset {source_id}' to start from the beginning"
    )
