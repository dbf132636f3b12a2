"""What counts as stuck: lag, and no commit for too long, unless it holds back on purpose."""

from collections.abc import Callable
from threading import Event

import pytest
from prometheus_client import REGISTRY

from processors.faust.watchdog import MAX_MISSES, Gauges, PartitionState, Progress, export, watch
from runtime import metrics
from runtime.health import Health
from runtime.kafka.group_positions import Standing
from runtime.kafka.membership import Membership

Offsets = tuple[int, int | None, int | None]
"""Partition, end and committed offset."""
Look = tuple[float, list[Offsets], list[int]]
"""The second of a look, what it sees, and the partitions that are stuck."""


def looks(*looks: Look, progress: Progress | None = None, holding: bool = False) -> None:
    """Each look finds what it should; stuck is what has not moved for more than 10 seconds."""
    progress = progress or Progress(10)
    for now, offsets, stuck in looks:
        states = [PartitionState(*offset, 0) for offset in offsets]
        assert progress.stuck(states, now, holding) == stuck, now


LAG = [(0, 100, 7)]


@pytest.mark.parametrize(
    "course",
    [
        pytest.param([(n, [(0, 1_000, n)], []) for n in range(0, 100, 5)], id="it commits"),
        pytest.param(
            [(0, LAG, []), (10, LAG, []), (10.1, LAG, [0]),
             (11, [(0, 100, 8)], []), (20, [(0, 100, 8)], []), (22, [(0, 100, 8)], [0])],
            id="lag and no commit",
        ),
        pytest.param([(0, [(0, 100, None)], []), (11, [(0, 100, None)], [0])], id="no commit"),
        # Time counts from when there was lag, not from the last commit.
        pytest.param(
            [*((now, [(0, 7, 7), (1, 0, None), (2, None, None)], []) for now in (0, 100, 1_000)),
             (1_001, [(0, 8, 7)], []), (1_012, [(0, 8, 7)], [0])],
            id="no lag",
        ),
        pytest.param(
            [(0, [(0, 100, 1), (1, 100, 1), (2, 100, 1)], []),
             (20, [(0, 200, 1), (1, 200, 2), (2, 200, 1)], [0, 2])],
            id="some of several",
        ),
        pytest.param([(0, LAG, []), (5, [], []), (50, LAG, []), (61, LAG, [0])], id="came back"),
    ],
)  # fmt: skip
def test_a_partition_with_lag_that_commits_nothing_is_stuck(course: list[Look]) -> None:
    looks(*course)


def test_holding_back_on_purpose_is_not_stuck() -> None:
    progress = Progress(10)
    looks(*((now, LAG, []) for now in (0, 50, 100)), progress=progress, holding=True)
    looks((110, LAG, []), (110.5, LAG, [0]), progress=progress)


def exported(name: str, partition: int) -> float | None:
    labels = {"partition": str(partition)}
    return REGISTRY.get_sample_value(f"tocsin_process_{name}_messages", labels)


def exporter() -> Callable[[list[PartitionState], Progress], Health]:
    health = Health("process")
    gauges = Gauges(metrics.PROCESS_LAG, metrics.PROCESS_UNCOMMITTED)
    membership = Membership(
        health, "process", "posts", lambda number, lag: gauges.lag.labels(str(number)).set(lag)
    )
    health.clear("start")

    def run(states: list[PartitionState], progress: Progress) -> Health:
        export(states, progress, gauges, membership)
        return health

    return run


def test_the_offsets_are_exported_while_a_partition_is_ours() -> None:
    run = exporter()
    health = run([PartitionState(0, 100, 40, 5), PartitionState(1, None, None, 0)], Progress(60))
    assert health.ready() == (True, "ready")
    assert (exported("lag", 0), exported("uncommitted", 0)) == (60, 5)
    assert exported("uncommitted", 1) == 0
    run([PartitionState(1, 9, 12, 0)], Progress(60))
    assert exported("lag", 0) == 60, "the lag of a lost partition stays until Kafka tells it"
    assert exported("uncommitted", 0) is None
    assert exported("lag", 1) == 0
    assert not run([], Progress(60)).ready()[0]


def test_what_has_expired_is_neither_stuck_nor_lag() -> None:
    run = exporter()
    progress, expired, arrived = Progress(10), (0, 100, None), (0, 101, None)
    looks((0, [expired], []), (11, [expired], [0]), progress=progress)
    progress.caught_up(0, 100)
    looks((1_000, [expired], []), progress=progress)
    run([PartitionState(*expired, 0)], progress)
    assert exported("lag", 0) == 0
    # A new message is lag again, and is stuck again when no process takes it.
    looks((1_001, [arrived], []), (1_012, [arrived], [0]), progress=progress)
    run([PartitionState(*arrived, 0)], progress)
    assert exported("lag", 0) == 1


def test_a_process_without_partitions_is_stuck_while_messages_wait() -> None:
    """The group does not settle: nothing is held, so no partition of ours looks stuck."""
    clock = [0.0]
    gauges = Gauges(metrics.PROCESS_LAG, metrics.PROCESS_UNCOMMITTED)
    membership = Membership(
        Health("process"), "process", "posts", lambda *lag: None, monotonic=lambda: clock[0]
    )
    told, ended = [], Event()

    def on_stuck(partitions: list[int]) -> list[int]:
        told.append((clock[0], partitions))
        ended.set()
        return []

    def states() -> list[PartitionState]:
        if ended.is_set():
            Event().wait()  # a watchdog never ends; this one sleeps on
        clock[0] += 1.0
        membership.stands(Standing({0: 9}, {}, 2, {}, "PreparingRebalance"))
        return []

    watch(states, lambda: False, on_stuck, 30.0, gauges, membership, every_s=0.001)
    assert ended.wait(60)
    assert told[0] == (32.0, [])


def test_a_watchdog_that_can_no_longer_look_counts_and_ends_the_process() -> None:
    gauges = Gauges(metrics.PROCESS_LAG, metrics.PROCESS_UNCOMMITTED)
    membership = Membership(Health("process"), "process", "posts", lambda *lag: None)
    labels = {"service": "process", "watch": "partitions"}
    before = REGISTRY.get_sample_value("tocsin_watch_failures_total", labels) or 0.0
    looks, told, ended = iter(range(1_000)), list[str](), Event()

    def states() -> list[PartitionState]:
        # One success in between: the misses are counted anew.
        if next(looks) == MAX_MISSES - 1:
            return []
        raise AttributeError("the consumer is another one")

    def on_blind(why: str) -> None:
        told.append(why)
        ended.set()
        Event().wait()  # as a process that ends does not come back

    watch(
        states,
        lambda: False,
        lambda partitions: partitions,
        30.0,
        gauges,
        membership,
        every_s=0.001,
        on_blind=on_blind,
    )
    assert ended.wait(60)
    assert told == ["AttributeError('the consumer is another one')"]
    failures = REGISTRY.get_sample_value("tocsin_watch_failures_total", labels) or 0.0
    assert failures - before == 2 * MAX_MISSES - 1
