"""Every way in which a group loses messages in Kafka is counted and logged, once."""

import math
from collections.abc import Iterator
from dataclasses import replace

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from runtime.kafka.group_positions import Standing
from runtime.kafka.losses import Losses
from runtime.kafka.unread_age import Retention, Unread

SERVICE = "test-losses"


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(f"tocsin_{name}", {"service": SERVICE, **labels}) or 0.0


@pytest.fixture
def losses() -> Losses:
    return Losses(SERVICE, "posts")


@pytest.fixture(autouse=True)
def resets() -> Iterator[dict[str, float]]:
    """The count of each cause before the test."""
    yield {
        cause: value("position_resets_total", cause=cause)
        for cause in ("topic_anew", "moved", "forgotten")
    }


def standing(
    at: int | None,
    *,
    start: int = 0,
    end: int = 100,
    members: int = 0,
    unread: Unread | None = None,
) -> Standing:
    position = start if at is None else at
    return Standing(
        lag={0: max(0, end - position)},
        expired={0: max(0, start - position)},
        members=members,
        committed={} if at is None else {0: at},
        starts={0: start},
        ends={0: end},
        unread=unread,
    )


def grown(resets: dict[str, float]) -> dict[str, float]:
    now = {cause: value("position_resets_total", cause=cause) for cause in resets}
    return {cause: count - resets[cause] for cause, count in now.items() if count > resets[cause]}


def test_what_expires_is_counted_at_the_first_look_and_while_it_runs(losses: Losses) -> None:
    before = value("expired_messages_total", partition="0")
    with capture_logs() as told:
        for start in (40, 40, 70):
            losses.look(standing(10, start=start, members=1))
    assert value("expired_messages_total", partition="0") - before == 60
    assert [(line["log_level"], line["messages"]) for line in told] == [
        ("error", 30),
        ("error", 30),
    ]


def test_a_gap_is_counted_as_far_as_it_has_expired_once(losses: Losses) -> None:
    before = value("expired_messages_total", partition="0")
    losses.skipped(0, 10, 40)
    losses.look(standing(50, start=0, members=1))
    assert value("expired_messages_total", partition="0") == before, "the look was before it"
    losses.look(standing(50, start=35, members=1))
    losses.look(standing(50, start=45, members=1))
    assert value("expired_messages_total", partition="0") - before == 25
    losses.look(standing(50, start=60, members=1))
    losses.skipped(0, 50, 60)
    losses.look(standing(60, start=60, members=1))
    assert value("expired_messages_total", partition="0") - before == 35


def test_a_topic_that_is_made_anew_may_lose_its_first_messages_again(losses: Losses) -> None:
    before = value("expired_messages_total", partition="0")
    losses.look(standing(10, start=40, members=1))
    losses.look(replace(standing(0, end=5, members=1), topic_id="new"))
    losses.look(replace(standing(80, end=5, members=1), topic_id="new"))
    losses.look(replace(standing(0, start=3, end=5, members=1), topic_id="new"))
    assert value("expired_messages_total", partition="0") - before == 33


def test_a_topic_made_anew_is_told_by_an_offset_beyond_its_end(
    losses: Losses, resets: dict[str, float]
) -> None:
    with capture_logs() as told:
        for _ in range(3):
            losses.look(standing(500, end=7, members=1))
    assert grown(resets) == {"topic_anew": 1}
    (line,) = told
    assert (line["log_level"], line["position"], line["ends"]) == ("error", 500, 7)


def test_a_topic_made_anew_is_told_by_its_id_whatever_its_offsets(
    losses: Losses, resets: dict[str, float]
) -> None:
    for topic_id in ("", "old", "old", "new", "new", ""):
        losses.look(replace(standing(80, members=1), topic_id=topic_id))
    assert grown(resets) == {"topic_anew": 1}


def test_a_leader_that_begins_lower_than_the_one_before_is_no_new_topic(
    losses: Losses, resets: dict[str, float]
) -> None:
    losses.look(standing(80, start=50, members=1))
    losses.look(standing(80, start=40, members=1))
    assert grown(resets) == {}


@pytest.mark.parametrize("to", [90, 10], ids=["forward", "back"])
def test_a_position_that_moves_without_members_was_set_by_hand(
    losses: Losses, resets: dict[str, float], to: int
) -> None:
    with capture_logs() as told:
        for at in (50, to, to):
            losses.look(standing(at))
    assert grown(resets) == {"moved": 1}
    assert ("skipped" in told[0]["event"]) is (to > 50)


def test_a_member_that_commits_moves_its_own_position(
    losses: Losses, resets: dict[str, float]
) -> None:
    with capture_logs() as told:
        for at, members in ((50, 1), (90, 1), (95, 0), (95, 0), (97, 1)):
            losses.look(standing(at, members=members))
    assert (grown(resets), told) == ({}, [])


def test_a_group_that_kafka_has_forgotten_is_told(losses: Losses, resets: dict[str, float]) -> None:
    with capture_logs() as told:
        losses.look(standing(None, start=30))
        losses.look(standing(None, start=30))
    assert grown(resets) == {"forgotten": 1}
    assert told[0]["deleted_before"] == 30
    Losses(SERVICE, "posts").look(standing(None))
    assert grown(resets) == {"forgotten": 1}, "a new group on a new topic is no news"


def test_unread_messages_near_their_deletion_are_warned_of_once(losses: Losses) -> None:
    def look(age: float, share: float = 0.0) -> None:
        unread = Unread({0: age}, {0: share}, Retention(1_000.0, 10**9))
        losses.look(standing(10, unread=unread))

    with capture_logs() as told:
        for age, share in ((499, 0.1), (501, 0.1), (600, 0.1), (0, 0.0), (0, 0.6)):
            look(age, share)
    assert [line["share_of_retention"] for line in told] == [0.5, 0.6]
    assert value("oldest_unread_age_seconds", partition="0") == 0
    assert value("unread_retention_bytes_ratio", partition="0") == 0.6
    assert value("retention_seconds") == 1_000
    losses.look(standing(10, unread=Unread({0: 9e9}, {}, Retention())))
    assert value("retention_seconds") == math.inf, "what is kept for good is never near its end"


def test_limits_that_may_not_be_read_are_no_limit_for_good_but_a_failed_watch(
    losses: Losses,
) -> None:
    before = value("watch_failures_total", watch="retention")
    losses.look(standing(10, unread=Unread({0: 1.0}, {}, Retention(60.0))))
    losses.look(standing(10, unread=Unread({0: 5e5}, {}, None)))
    assert value("watch_failures_total", watch="retention") - before == 1
    assert value("retention_seconds") == 60, "the last that was known"
