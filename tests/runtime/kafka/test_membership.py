"""A consumer without partitions is not ready unless it is a standby, and its lag stays known."""

import time
from collections.abc import Mapping
from types import SimpleNamespace

import pytest
from prometheus_client import REGISTRY

from runtime.health import Health
from runtime.kafka.group_positions import Standing
from runtime.kafka.membership import MAX_FAILURES, Membership, StandingWatch
from schemas.errors import ServiceUnavailable

OURS, THEIRS = "us", "them"


@pytest.fixture
def clock() -> SimpleNamespace:
    return SimpleNamespace(now=0.0)


@pytest.fixture
def health() -> Health:
    health = Health("test-membership")
    health.clear("start")
    return health


@pytest.fixture
def lag() -> dict[int, int]:
    return {}


@pytest.fixture
def member(health: Health, lag: dict[int, int], clock: SimpleNamespace) -> Membership:
    return Membership(health, "group", "mentions", lag.__setitem__, monotonic=lambda: clock.now)


def standing(state: str = "Stable", *, lag: int = 7, owned: int = 2) -> Standing:
    owners = dict.fromkeys(range(owned), THEIRS)
    return Standing({0: lag, 1: 0}, {0: 0, 1: 0}, 2, owners, state, starts={0: 0, 1: 0})


def test_it_is_ready_once_it_holds_a_partition(member: Membership, health: Health) -> None:
    assert health.ready() == (
        False,
        "partitions: none of mentions yet; waiting for the group group",
    )
    member.holds({}, [0])
    assert health.ready() == (True, "ready"), "also before the end offset is known"
    member.holds({})
    assert not health.ready()[0]


def test_a_group_that_never_settles_is_told_with_its_backlog(
    member: Membership, health: Health, clock: SimpleNamespace, lag: dict[int, int]
) -> None:
    """A killed member that the broker never expires: the consumer reads nothing, for ever."""
    member.stands(standing("PreparingRebalance", owned=0))
    assert health.ready() == (
        False,
        "partitions: none of mentions, while 7 messages wait: the group group is "
        "PreparingRebalance with 2 members",
    )
    assert lag == {0: 7, 1: 0}
    clock.now = 90.0
    member.stands(standing("PreparingRebalance", owned=0))
    assert member.idle_s == 90.0
    member.stands(standing("PreparingRebalance", owned=0, lag=0))
    assert member.idle_s == 0.0, "nothing waits, so nothing is stuck"


def test_a_standby_is_ready_and_says_so(member: Membership, health: Health) -> None:
    member.stands(standing())
    assert health.ready() == (
        True,
        "ready; partitions: standby, the other members hold all of mentions",
    )
    assert member.idle_s == 0.0
    member.holds({0: 3})
    assert health.ready() == (True, "ready")


def test_the_lag_of_its_own_partitions_is_the_consumers_and_of_others_kafkas(
    member: Membership, lag: dict[int, int]
) -> None:
    member.holds({1: 5})
    member.stands(standing())
    assert lag == {0: 7, 1: 5}
    member.holds({})
    member.stands(standing())
    assert lag == {0: 7, 1: 0}


def expired() -> float:
    labels = {"service": "test-membership", "partition": "0"}
    return REGISTRY.get_sample_value("tocsin_expired_messages_total", labels) or 0.0


def of_offsets(committed: int, start: int, owner: str | None = None) -> Standing:
    owners = {} if owner is None else {0: owner}
    return Standing({0: 1}, {0: max(0, start - committed)}, owners=owners, starts={0: start})


def test_what_expires_unread_is_counted_once(member: Membership) -> None:
    before = expired()
    for committed, start in ((0, 0), (0, 40), (0, 40), (0, 65), (90, 65), (90, 100)):
        member.stands(of_offsets(committed, start))
    assert expired() - before == 75


def test_what_expires_of_a_partition_is_told_by_its_owner_who_knows_what_it_has_read(
    member: Membership,
) -> None:
    before = expired()
    member.stands(of_offsets(0, 40, THEIRS))
    assert expired() - before == 0
    member.holds({0: 1}, [0], {0: 25})
    member.stands(of_offsets(0, 40, OURS))
    assert expired() - before == 15, "25 messages are in its memory"


def test_a_gap_is_looked_at_soon_and_counted_though_the_commit_has_passed_it(
    member: Membership, health: Health
) -> None:
    before = expired()
    watch = StandingWatch(Script(of_offsets(0, 0), of_offsets(60, 40)), {"group": member}, health)
    watch.start()
    member.skipped(0, 10, 40)
    deadline = time.monotonic() + 60
    while expired() == before and time.monotonic() < deadline:
        time.sleep(0.01)
    watch.stop()
    assert expired() - before == 30


class Script:
    """Answers of Kafka in turn."""

    def __init__(self, *answers: Standing | Exception) -> None:
        self._answers = iter(answers)
        self.claimed: list[Standing] = []

    def read(self) -> Mapping[str, Standing]:
        answer = next(self._answers)
        if isinstance(answer, Exception):
            raise answer
        return {"group": answer}

    def claim(self, standings: Mapping[str, Standing]) -> None:
        self.claimed += standings.values()

    def close(self) -> None:
        return None


def test_the_first_look_gives_the_group_its_positions(member: Membership, health: Health) -> None:
    """Without a position, what expires before the first commit is no loss that can be counted."""
    first = standing("Empty", owned=0)
    script = Script(first, standing())
    watch = StandingWatch(script, {"group": member}, health, every_s=1e6)
    watch.start()
    watch.stop()
    watch.once()
    assert script.claimed == [first]


def test_kafka_that_is_away_is_a_reason(member: Membership, health: Health) -> None:
    away = ServiceUnavailable("Kafka at nowhere does not answer")
    script = Script(standing(), away, standing(), away, KeyError("of a bug"), standing())
    watch = StandingWatch(script, {"group": member}, health)
    seen = []
    for _ in range(6):
        watch.once()
        seen.append("Kafka at nowhere" in health.ready()[1])
    assert seen == [False, True, False, True, True, False]


def test_a_watch_that_can_no_longer_look_is_counted_and_told(
    member: Membership, health: Health
) -> None:
    def failures() -> float:
        labels = {"service": "test-membership", "watch": "group"}
        return REGISTRY.get_sample_value("tocsin_watch_failures_total", labels) or 0.0

    before = failures()
    member.holds({0: 1})
    answers = [KeyError("of another broker")] * MAX_FAILURES
    watch = StandingWatch(Script(*answers, standing()), {"group": member}, health)
    for _ in answers:
        assert health.ready() == (True, "ready")
        watch.once()
    assert failures() - before == MAX_FAILURES
    good, why = health.ready()
    assert good and "its standing cannot be read" in why
    watch.once()
    assert health.ready() == (True, "ready")
