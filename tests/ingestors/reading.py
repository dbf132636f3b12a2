"""Helpers that read a source and its metrics, and a clock that moves only by sleeping."""

import threading
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta

from prometheus_client import REGISTRY

from ingestors.source import MAX_WAIT_S, Batch, Position, Source, Unreadable
from schemas.post import PostEvent


class FakeTime:
    def __init__(self) -> None:
        self.start = datetime(2026, 3, 2, 12, tzinfo=UTC)
        self.passed = 0.0

    def timer(self) -> float:
        return self.passed

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        self.passed += seconds

    def clock(self) -> datetime:
        return self.start + timedelta(seconds=self.passed)


def drain(source: Source, position: Position | None = None) -> list[Batch]:
    with closing(source):
        source.open(position)
        return drain_open(source)


def drain_open(source: Source) -> list[Batch]:
    batches = [source.next_batch()]
    while not batches[-1].finished:
        batches.append(source.next_batch())
    return batches


def drain_paced(source: Source, time: FakeTime) -> dict[str, float]:
    """When each event came; no batch may take longer than a source may wait."""
    came: dict[str, float] = {}
    finished = False
    with closing(source):
        source.open(None)
        while not finished:
            before = time.passed
            batch = source.next_batch()
            assert time.passed - before <= MAX_WAIT_S
            came |= {event.id: time.passed for event in batch.events}
            finished = batch.finished
    return came


def events_of(batches: list[Batch]) -> list[PostEvent]:
    return [event for batch in batches for event in batch.events]


def unreadable_of(batches: list[Batch]) -> list[Unreadable]:
    return [item for batch in batches for item in batch.unreadable]


def until(source: Source, done: Callable[[Batch], bool]) -> Batch:
    """Read until ``done`` of everything read; fails after half a minute."""
    batches: list[Batch] = []
    deadline = time.monotonic() + 30
    while True:
        batches.append(source.next_batch())
        last = batches[-1]
        read, odd = events_of(batches), unreadable_of(batches)
        gaps = [gap for batch in batches for gap in batch.gaps]
        whole = Batch(read, last.position, odd, obstacle=last.obstacle, gaps=gaps)
        if done(whole):
            return whole
        assert time.monotonic() < deadline, f"only {len(whole.events)} events came"


def read_events(source: Source, distinct: int) -> Batch:
    """Read until so many different posts came."""
    return until(source, lambda batch: len({event.id for event in batch.events}) >= distinct)


def largest_batch(source: Source, events: int) -> int:
    """Read so many events; the most that came at once."""
    sizes: list[int] = []
    while sum(sizes) < events:
        sizes.append(len(source.next_batch().events))
    return max(sizes)


def metric(source: Source, name: str, **labels: str) -> float:
    """A metric of this source; 0 if it was never set."""
    labels["source"] = source.source_id
    return REGISTRY.get_sample_value(f"tocsin_ingest_{name}", labels) or 0.0


def gaps_of(source: Source) -> tuple[float, float]:
    """How many gaps there were, and of how many seconds."""
    return metric(source, "gaps_total"), metric(source, "gap_seconds_total")


def reconnects(source: Source, cause: str) -> float:
    return metric(source, "reconnects_total", cause=cause)


def join_threads(name: str) -> None:
    for thread in threading.enumerate():
        if thread.name == name:
            thread.join(20)
            assert not thread.is_alive(), "the thread outlives its source"
