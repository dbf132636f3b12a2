"""A source that returns given batches, and a runner of it on a broker."""

import itertools
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType

from ingestors.coverage_teller import Put, nowhere
from ingestors.runner import Runner
from ingestors.source import Batch, Position, Source
from runtime.health import Health
from runtime.settings import IngestSettings
from schemas.checkpoint import Checkpoint
from schemas.codec import DEAD_LETTER, POST_EVENT
from schemas.dead_letter import DeadLetter
from schemas.post import PostEvent
from tests import make
from tests.ingestors.brokers import Broker

NOW = datetime(2026, 5, 1, tzinfo=UTC)


def event(number: int, text: str = "hello") -> PostEvent:
    return make.upsert(make.post(text, id=f"test:{number}"), number)


@dataclass
class ListSource:
    """Returns ``batches``, then stops the runner; once closed, it returns ``received``.

    ``before`` is what to do before each read that follows so many batches.
    """

    batches: Sequence[Batch]
    received: Iterator[Batch] = field(default_factory=lambda: iter(()))
    on_close: Callable[[], None] = lambda: None
    before: dict[int, Callable[[], None]] = field(default_factory=dict)
    source_id: str = "list"
    opened_at: Position | None = None
    closed: bool = False
    reads: int = 0
    stop: threading.Event = field(default_factory=threading.Event)

    def open(self, position: Position | None) -> None:
        self.opened_at = position

    def next_batch(self) -> Batch:
        self.before.get(self.reads, lambda: None)()
        if self.closed:
            return next(self.received, Batch())
        if self.reads < len(self.batches):
            self.reads += 1
            return self.batches[self.reads - 1]
        self.stop.set()
        return Batch()

    def close(self) -> None:
        self.closed = True
        self.on_close()


def numbered(batches: int, size: int) -> list[Batch]:
    return [
        Batch([event(n * size + i) for i in range(size)], {"at": (n + 1) * size})
        for n in range(batches)
    ]


def large_event(number: int, size: int) -> PostEvent:
    rest = len(POST_EVENT.encode(event(number, ""))) + len(event(number).id)
    return event(number, "x" * (size - rest))


def seconds() -> Callable[[], float]:
    """A clock that every reading moves by a second."""
    ticks = itertools.count()
    return lambda: float(next(ticks))


def checkpoint(broker: Broker, source_id: str = "list") -> Checkpoint:
    saved = broker.checkpoint(source_id)
    assert saved is not None
    return saved


def delivered(broker: Broker) -> list[str]:
    return [POST_EVENT.decode(value).id for value in broker.values("posts")]


def only_letter(broker: Broker) -> DeadLetter:
    (value,) = broker.values("dead-letters")
    return DEAD_LETTER.decode(value)


def runner(
    source: Source,
    broker: Broker,
    monotonic: Callable[[], float] = time.monotonic,
    limits: Mapping[str, int] = MappingProxyType({}),
    clock: Callable[[], datetime] = lambda: NOW,
    tell_coverage: Put = nowhere,
    **settings: float,
) -> Runner:
    return Runner(
        source,
        broker.producer,
        topic_prefix=broker.prefix,
        settings=IngestSettings(checkpoint_interval_s=0.001, **settings),
        health=Health("ingest"),
        clock=clock,
        monotonic=monotonic,
        limits=limits,
        tell_coverage=tell_coverage,
    )


def run(broker: Broker, *batches: Batch) -> int:
    """Run a source of the batches to its end."""
    source = ListSource([*batches, Batch(finished=True)])
    return runner(source, broker).run(threading.Event(), None)
