"""Where a group stands, put together from Kafka's answers."""

from typing import Any

import pytest
from kafka.structs import TopicPartition

from runtime.kafka.group_positions import Standing, reason_without_partitions, standing_of


def tp(number: int, topic: str = "t.posts") -> TopicPartition:
    return TopicPartition(topic, number)


def member(name: str, *partitions: int, topic: str = "t.posts") -> dict[str, Any]:
    assigned = [{"topic": topic, "partitions": list(partitions)}]
    return {"member_id": name, "member_assignment": {"assigned_partitions": assigned}}


STARTS = {tp(0): 10, tp(1): 0, tp(2): 5}
ENDS = {tp(0): 100, tp(1): 0, tp(2): 50}


def test_lag_is_told_for_every_partition_also_when_nothing_was_committed() -> None:
    standing = standing_of(STARTS, ENDS, {tp(0): 40}, {})
    assert standing.lag == {0: 60, 1: 0, 2: 45}
    assert standing.expired == {0: 0, 1: 0, 2: 5}, "all partitions were claimed at its start"
    assert standing_of(STARTS, ENDS, {}, {}).expired == {0: 0, 1: 0, 2: 0}, "a new group"
    other = {tp(7, "t.mentions"): 3}
    assert standing_of(STARTS, ENDS, other, {}).expired == {0: 0, 1: 0, 2: 0}, "of another topic"
    assert (standing.total, standing.state, standing.members) == (105, "unknown", 0)


def test_what_expired_before_it_was_read_is_not_lag_but_loss() -> None:
    standing = standing_of(STARTS, ENDS, {tp(0): 4, tp(2): 0}, {})
    assert standing.lag == {0: 90, 1: 0, 2: 45}
    assert standing.expired == {0: 6, 1: 0, 2: 5}


def test_an_offset_beyond_the_end_is_of_an_older_topic_and_all_of_the_new_one_waits() -> None:
    standing = standing_of(STARTS, ENDS, {tp(0): 5_000, tp(2): 50}, {})
    assert standing.beyond == {0: 5_000}
    assert standing.lag == {0: 90, 1: 0, 2: 0}, "the consumer begins at the oldest record"


@pytest.mark.parametrize(
    ("state", "members", "shared_out"),
    [
        ("Stable", [member("a", 0, 1), member("b", 2), member("c")], True),
        ("Stable", [member("a", 0, 1), member("c")], False),
        ("PreparingRebalance", [member("a", 0, 1, 2)], False),
        ("Stable", [member("a", 0, 1, 2, topic="t.mentions")], False),
        ("Empty", [], False),
        ("Stable", [{"member_id": "a", "member_assignment": None}], False),
        ("Stable", [{"member_id": "a", "member_assignment": b"of another assignor"}], False),
        (None, None, False),
    ],
)
def test_a_member_without_partitions_is_a_standby_only_if_all_have_an_owner(
    state: str | None, members: list[dict[str, Any]] | None, shared_out: bool
) -> None:
    described = {"group_state": state, "members": members}
    standing = standing_of(STARTS, ENDS, {}, described)
    assert standing.is_shared_out is shared_out
    why = reason_without_partitions(standing, "process", "posts")
    assert (why is None) is shared_out
    if why is not None:
        assert str(state or "unknown") in why and "process" in why and "135 messages wait" in why


def test_nothing_known_is_told_as_waiting() -> None:
    why = reason_without_partitions(None, "process", "posts")
    assert why == "none of posts yet; waiting for the group process"
    assert not Standing().is_shared_out
