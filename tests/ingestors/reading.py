"""Reading a source to its end or until something has come, and what its metrics say meanwhile."""

import time
from collections.abc import Callable

from prometheus_client import REGISTRY

from ingestors.source import Batch, Position, Source, Unreadable
from schemas.post import PostEvent


def drain(source: Source, position: Position | None = None) -> list[Batch]:
    """Every batch from ``position`` to the end."""
    source.open(position)
    try:
        return drain_open(source)
    finally:
        source.close()


def drain_open(source: Source) -> list[Batch]:
    """Every batch that an open source still has."""
    batches = [source.next_batch()]
    while not batches[-1].finished:
        batches.append(source.next_batch())
    return batches


def events_of(batches: list[Batch]) -> list[PostEvent]:
    return [event for batch in batches for event in batch.events]


def unreadable_of(batches: list[Batch]) -> list[Unreadable]:
    return [item for batch in batches for item in batch.unreadable]


def until(source: Source, done: Callable[[Batch], bool]) -> Batch:
    """Everything read until ``done`` of all of it; fails after half a minute."""
    events: list[PostEvent] = []
    unreadable: list[Unreadable] = []
    deadline = time.monotonic() + 30
    while True:
        batch = source.next_batch()
        events += batch.events
        unreadable += batch.unreadable
        whole = Batch(events, batch.position, unreadable)
        if done(whole):
            return whole
        assert time.monotonic() < deadline, f"only {len(events)} events came"


def read_events(source: Source, distinct: int) -> Batch:
    """Everything read until so many different posts have come."""
    return until(source, lambda batch: len({event.id for event in batch.events}) >= distinct)


def metric(source: Source, name: str, **labels: str) -> float:
    """A metric of this source; 0 where it was never set."""
    found = REGISTRY.get_sample_value(
        f"tocsin_ingest_{name}", {"source": source.source_id, **labels}
    )
    return found or 0.0


def reconnects(source: Source, cause: str) -> float:
    """How often it connected again for this cause."""
    return metric(source, "reconnects_total", cause=cause)
