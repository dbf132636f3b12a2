"""What counts as stuck: lag, and no commit for too long, unless it holds back on purpose."""

from prometheus_client import REGISTRY

from processors.faust.watchdog import PartitionState, Progress, export


def state(partition: int, end: int | None, committed: int | None) -> PartitionState:
    return PartitionState(partition, end, committed, 0)


def test_a_partition_that_commits_is_not_stuck() -> None:
    progress = Progress(10)
    for second in range(0, 100, 5):
        assert progress.stuck([state(0, 1_000, second)], second, holding=False) == []


def test_a_partition_with_lag_that_commits_nothing_is_stuck() -> None:
    progress = Progress(10)
    states = [state(0, 100, 7)]
    assert progress.stuck(states, 0, holding=False) == []
    assert progress.stuck(states, 10, holding=False) == []
    assert progress.stuck(states, 10.1, holding=False) == [0]
    assert progress.stuck([state(0, 100, 8)], 11, holding=False) == []
    assert progress.stuck([state(0, 100, 8)], 20, holding=False) == []
    assert progress.stuck([state(0, 100, 8)], 22, holding=False) == [0]


def test_a_partition_that_never_committed_is_stuck_too() -> None:
    progress = Progress(10)
    assert progress.stuck([state(0, 100, None)], 0, holding=False) == []
    assert progress.stuck([state(0, 100, None)], 11, holding=False) == [0]


def test_a_partition_without_lag_waits_as_long_as_it_likes() -> None:
    progress = Progress(10)
    for now in (0, 100, 1_000):
        found = progress.stuck(
            [state(0, 7, 7), state(1, 0, None), state(2, None, None)], now, holding=False
        )
        assert found == []
    # Time counts from when there was lag, not from the last commit.
    assert progress.stuck([state(0, 8, 7)], 1_001, holding=False) == []
    assert progress.stuck([state(0, 8, 7)], 1_012, holding=False) == [0]


def test_only_the_partition_that_is_stuck_is_named() -> None:
    progress = Progress(10)
    progress.stuck([state(0, 100, 1), state(1, 100, 1), state(2, 100, 1)], 0, holding=False)
    found = progress.stuck(
        [state(0, 200, 1), state(1, 200, 2), state(2, 200, 1)], 20, holding=False
    )
    assert found == [0, 2]


def test_holding_back_on_purpose_is_not_stuck() -> None:
    progress = Progress(10)
    states = [state(0, 100, 1)]
    for now in (0, 50, 100):
        assert progress.stuck(states, now, holding=True) == []
    assert progress.stuck(states, 110, holding=False) == []
    assert progress.stuck(states, 110.5, holding=False) == [0]


def test_a_partition_that_left_and_came_back_starts_anew() -> None:
    progress = Progress(10)
    progress.stuck([state(0, 100, 1)], 0, holding=False)
    progress.stuck([], 5, holding=False)
    assert progress.stuck([state(0, 100, 1)], 50, holding=False) == []
    assert progress.stuck([state(0, 100, 1)], 61, holding=False) == [0]


def lag(partition: str) -> float | None:
    return REGISTRY.get_sample_value("tocsin_process_lag_messages", {"partition": partition})


def uncommitted(partition: str) -> float | None:
    name = "tocsin_process_uncommitted_messages"
    return REGISTRY.get_sample_value(name, {"partition": partition})


def test_the_offsets_are_exported() -> None:
    export([PartitionState(0, 100, 40, 5), PartitionState(1, None, None, 0)], Progress(60))
    assert (lag("0"), uncommitted("0")) == (60, 5)
    assert (lag("1"), uncommitted("1")) == (None, 0)


def test_partitions_that_went_elsewhere_are_no_longer_exported() -> None:
    export([PartitionState(0, 100, 40, 5), PartitionState(1, 9, None, 0)], Progress(60))
    export([PartitionState(1, 9, 12, 0)], Progress(60))
    assert (lag("0"), lag("1")) == (None, 0)


def test_what_has_expired_is_neither_stuck_nor_lag() -> None:
    progress = Progress(10)
    expired = PartitionState(0, 100, None, 0)
    assert progress.stuck([expired], 0, holding=False) == []
    assert progress.stuck([expired], 11, holding=False) == [0]
    progress.caught_up(0, 100)
    assert progress.stuck([expired], 1_000, holding=False) == []
    export([expired], progress)
    assert REGISTRY.get_sample_value("tocsin_process_lag_messages", {"partition": "0"}) == 0
    # A new message is lag again, and is stuck again when nobody takes it.
    arrived = PartitionState(0, 101, None, 0)
    assert progress.stuck([arrived], 1_001, holding=False) == []
    assert progress.stuck([arrived], 1_012, holding=False) == [0]
    export([arrived], progress)
    assert REGISTRY.get_sample_value("tocsin_process_lag_messages", {"partition": "0"}) == 1
