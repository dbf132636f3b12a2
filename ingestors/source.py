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

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from schemas.errors import TocsinError
from schemas.post import PostEvent

MAX_WAIT_S = 1.0
"""How long ``next_batch`` may wait for something to come, seconds."""

Position = Mapping[str, Any]
"""Where a source resumes: plain JSON, meaningful to that source alone."""


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
