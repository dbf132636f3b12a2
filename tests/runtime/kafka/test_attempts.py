"""Which message is handled alone and which is given up: only one that outlived three processes."""

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka.structs import OffsetAndMetadata, TopicPartition

from runtime.kafka.attempts import (
    MAX_GONE,
    MAX_TRIES,
    Attempt,
    Attempts,
    GroupAttempts,
    attempt_of,
)
from runtime.settings import KafkaSettings


class Memory:
    """A store that outlives the processes of a test."""

    def __init__(self) -> None:
        self.written: dict[int, str] = {}

    def read(self, partition: int) -> Attempt | None:
        return attempt_of(self.written.get(partition))

    def write(self, partition: int, attempt: Attempt) -> None:
        self.written[partition] = attempt.written()


def one_process(
    store: Memory, committed: dict[int, int], bad: set[tuple[int, int]], end: int, batch: int
) -> set[tuple[int, int]] | None:
    """One process from the commits on; None: it died at a bad message, else what it gave up."""
    attempts, gone = Attempts(store, careful=50), set[tuple[int, int]]()
    partitions = list(committed)
    while any(committed[partition] < end for partition in partitions):
        pieces = [
            (partition, offset, attempts.is_alone(partition, offset))
            for partition in partitions
            for offset in range(committed[partition], min(end, committed[partition] + batch))
        ]
        together = [piece[:2] for piece in pieces if not piece[2]]
        if bad.intersection(together):
            return None
        for partition, offset, alone in pieces:
            if not alone:
                continue
            if not attempts.begin(partition, offset):
                gone.add((partition, offset))
                continue
            if (partition, offset) in bad:
                return None
            attempts.finish(partition, offset)
        for partition in partitions:
            committed[partition] = min(end, committed[partition] + batch)
    return gone


@given(
    st.sets(st.tuples(st.integers(0, 1), st.integers(0, 29)), max_size=4),
    st.integers(1, 30),
)
def test_exactly_the_messages_that_hang_are_given_up_in_a_bounded_number_of_processes(
    bad: set[tuple[int, int]], batch: int
) -> None:
    store, committed = Memory(), {0: 0, 1: 0}
    for _ in range((len(bad) + 1) * (MAX_TRIES + 3)):
        gone = one_process(store, committed, bad, 30, batch)
        if gone is not None:
            assert committed == {0: 30, 1: 30}
            assert gone <= bad
            return
    raise AssertionError("the messages that hang still hold their partitions")


def test_a_process_that_starts_anew_goes_on_in_batches() -> None:
    store = Memory()
    for start in (0, 10, 20):
        attempts = Attempts(store)
        assert not any(attempts.is_alone(0, offset) for offset in range(start, start + 10))


def test_a_second_start_without_a_commit_is_careful_for_a_while() -> None:
    store = Memory()
    Attempts(store).is_alone(0, 7)
    again = Attempts(store, careful=3)
    assert [again.is_alone(0, offset) for offset in range(7, 12)] == [True] * 3 + [False] * 2
    assert not again.is_alone(1, 7), "the other partition was not held"


def test_a_partition_that_comes_back_is_started_again() -> None:
    attempts = Attempts(Memory())
    assert not attempts.is_alone(0, 5)
    assert not attempts.is_alone(0, 6)
    assert attempts.is_alone(0, 5), "it was read before and is not committed"


def test_a_message_that_was_finished_is_not_suspected_by_later_crashes() -> None:
    store = Memory()
    Attempts(store).is_alone(0, 0)
    for _ in range(10):
        attempts = Attempts(store)
        assert attempts.is_alone(0, 0)
        assert attempts.begin(0, 0)
        attempts.finish(0, 0)


def test_what_was_given_up_stays_given_up_until_it_is_committed() -> None:
    store = Memory()
    Attempts(store).is_alone(0, 0)
    for _ in range(MAX_TRIES):
        attempts = Attempts(store)
        assert attempts.is_alone(0, 0) and attempts.begin(0, 0)
    for _ in range(3):
        attempts = Attempts(store)
        assert attempts.is_alone(0, 0) and not attempts.begin(0, 0)
        assert attempts.is_alone(0, 1) and attempts.begin(0, 1)
        attempts.finish(0, 1)


@pytest.mark.parametrize(
    "written", [None, "", "1 2", "a b c d", "1 2 3 x", "٢ 1 1 1", "1 2 3 4 " * 50, "9" * 5_000]
)
def test_metadata_of_others_is_none(written: str | None) -> None:
    assert attempt_of(written) is None


@given(st.lists(st.integers(0, 2**62), max_size=MAX_GONE))
def test_an_attempt_is_read_as_it_was_written_and_fits_what_kafka_keeps(gone: list[int]) -> None:
    attempt = Attempt(2**62, 7, -1, 3, tuple(gone))
    assert attempt_of(attempt.written()) == attempt
    assert len(attempt.written()) < 4_096


class Broker:
    """The commits of groups, and who asked for them."""

    def __init__(self) -> None:
        self.commits: dict[tuple[str, TopicPartition], OffsetAndMetadata] = {}

    def connect(self, settings: Any, name: str, group: str) -> Any:
        assigned: set[TopicPartition] = set()
        return SimpleNamespace(
            assignment=lambda: assigned,
            assign=assigned.update,
            committed=lambda where, metadata, timeout_ms: self.commits.get((group, where)),
            commit=lambda offsets, timeout_ms: self.commits.update(
                {(group, where): commit for where, commit in offsets.items()}
            ),
            close=assigned.clear,
        )


def test_attempts_outlive_the_process_in_the_commits_of_a_group_of_their_own() -> None:
    broker, settings = Broker(), KafkaSettings(topic_prefix="t.")
    first = GroupAttempts(settings, "process", "posts", broker.connect)
    assert first.read(3) is None
    first.write(3, Attempt(17, 2, 19, 1, (18,)))
    first.close()
    second = GroupAttempts(settings, "process", "posts", broker.connect)
    assert second.read(3) == Attempt(17, 2, 19, 1, (18,))
    assert second.read(4) is None
    ((group, where),) = broker.commits
    assert (group, where) == ("process-attempts", TopicPartition("t.posts", 3))
