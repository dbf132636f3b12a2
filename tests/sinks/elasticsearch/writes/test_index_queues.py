"""Queues of blocked indices: when each is tried, when its time is over, and how much may wait."""

import itertools
from types import SimpleNamespace
from typing import Any

import pytest

from sinks.elasticsearch.writes import index_queues
from sinks.elasticsearch.writes.index_queues import BlockedQueues, Parked
from tests.sinks.elasticsearch.events import operation


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def parked(index: str, size: int = 0) -> Parked:
    record: Any = SimpleNamespace()
    return Parked(operation("file:1", index=index, size=size), record, record)


def test_an_index_is_tried_less_and_less_often_until_its_time_is_over() -> None:
    clock = Clock()
    queues = BlockedQueues(300.0, clock)
    queues.park(parked("a"), "blocked")
    tried = []
    while True:
        if queue := next(iter(queues.due()), None):
            tried.append(clock.now)
            if queues.failed(queue, "still blocked"):
                break
        clock.now += 0.5
    waits = [after - before for before, after in itertools.pairwise(tried)]
    assert tried[0] == 1.0
    assert waits == sorted(waits)
    assert max(waits) == 15.0
    assert 300.0 <= tried[-1] <= 315.0


def test_what_comes_after_its_time_is_tried_before_it_is_given_up() -> None:
    clock = Clock()
    queues = BlockedQueues(10.0, clock)
    queues.park(parked("a"), "blocked")
    clock.now = 20.0
    (queue,) = queues.due()
    assert queues.failed(queue, "still blocked")
    queue.parked = []
    assert queues.due() == []
    queues.park(parked("a"))
    assert queues.due() == []
    clock.now = 30.0
    assert queues.due() == [queue]


@pytest.mark.parametrize(
    ("count", "size"),
    [(index_queues.MAX_PARKED, 0), (65, index_queues.MAX_PARKED_BYTES // 64)],
)
def test_the_longest_queue_is_named_when_too_much_waits(count: int, size: int) -> None:
    queues = BlockedQueues(300.0, Clock())
    queues.park(parked("short"), "blocked")
    assert queues.longest_if_full() is None
    one = parked("long", size)
    for _ in range(count):
        queues.park(one, "blocked")
    longest = queues.longest_if_full()
    assert longest is not None
    assert longest.index == "long"
    longest.parked = []
    assert queues.longest_if_full() is None


def test_readiness_names_each_index_with_its_answer() -> None:
    queues = BlockedQueues(300.0, Clock())
    assert queues.told() is None
    queues.park(parked("a"), "a: 403 write block")
    queues.park(parked("b"), "b: 503 red")
    told = queues.told()
    assert told is not None
    assert told.startswith("2 messages wait")
    assert "a: 403 write block; b: 503 red" in told
    for queue in list(queues.by_index.values()):
        queues.cleared(queue)
    assert queues.told() is None
