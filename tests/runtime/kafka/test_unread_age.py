"""The age of the oldest unread record, from Kafka's own answers, for any group."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import pytest
from kafka.errors import ClusterAuthorizationFailedError
from kafka.structs import TopicPartition

from runtime.kafka.unread_age import Retention, Unread, UnreadReader, retention_of

NOW = datetime(2026, 3, 1, tzinfo=UTC)
NOW_MS = int(NOW.timestamp() * 1000)
DAY = 86_400.0


class Stored(NamedTuple):
    offset: int
    timestamp: int


def tp(number: int) -> TopicPartition:
    return TopicPartition("t.posts", number)


class OneTopic:
    """A consumer and an admin client over records in memory; counts what is fetched."""

    def __init__(self, records: Mapping[int, Sequence[Stored]], **settings: str) -> None:
        self.records = records
        self.settings = settings
        self.positions: dict[TopicPartition, int] = {}
        self.paused: set[TopicPartition] = set()
        self.fetched: list[TopicPartition] = []
        self.denied = False

    def assign(self, partitions: list[TopicPartition]) -> None:
        self.positions = dict.fromkeys(partitions, 0)
        self.paused = set()

    def seek(self, partition: TopicPartition, offset: int) -> None:
        self.positions[partition] = offset

    def pause(self, *partitions: TopicPartition) -> None:
        self.paused |= set(partitions)

    def poll(self, timeout_ms: int, max_records: int) -> dict[TopicPartition, list[Stored]]:
        for tp in self.positions.keys() - self.paused:
            found = [r for r in self.records[tp.partition] if r.offset >= self.positions[tp]]
            if found:
                self.fetched.append(tp)
                return {tp: found[:max_records]}
        return {}

    def describe_configs(self, resources: Any, config_filter: str) -> dict[str, Any]:
        if self.denied:
            raise ClusterAuthorizationFailedError
        named = {name.replace("_", "."): {"value": value} for name, value in self.settings.items()}
        return {"topic": {"t.posts": named}}

    def describe_log_dirs(self, topics: Any) -> list[dict[str, Any]]:
        partitions = [{"partition_index": n, "partition_size": 1_000} for n in self.records]
        return [{"log_dirs": [{"topics": [{"name": "t.posts", "partitions": partitions}]}]}] * 2


def read(topic: OneTopic, *groups: dict[int, int]) -> list[Unread]:
    starts = {tp(n): records[0].offset for n, records in topic.records.items()}
    ends = {tp(n): records[-1].offset + 1 for n, records in topic.records.items()}
    positions = [{tp(n): at for n, at in group.items()} for group in groups]
    client: Any = topic
    return UnreadReader("t.posts", clock=lambda: NOW).read(client, client, starts, ends, positions)


def aged(*days: float) -> list[Stored]:
    return [Stored(n, NOW_MS - int(day * DAY * 1000)) for n, day in enumerate(days)]


def test_the_age_is_that_of_the_record_at_the_position() -> None:
    topic = OneTopic({0: aged(6, 4, 1), 1: aged(3, 2)}, retention_ms=str(7 * 86_400_000))
    behind, far_behind, done = read(topic, {0: 1, 1: 2}, {0: 0, 1: 0}, {0: 3, 1: 2})
    assert behind.age_s == {0: 4 * DAY, 1: 0.0}
    assert far_behind.age_s == {0: 6 * DAY, 1: 3 * DAY}
    assert far_behind.retention == Retention(7 * DAY, None)
    assert far_behind.nearness == pytest.approx(6 / 7)
    assert (done.nearness, done.bytes_share) == (0.0, {})


def test_a_position_is_fetched_once_for_all_groups() -> None:
    topic = OneTopic({0: aged(6, 4, 1)})
    read(topic, {0: 1}, {0: 1}, {0: 1})
    assert topic.fetched == [tp(0)]


def test_a_topic_that_is_kept_by_size_is_near_when_unread_bytes_fill_it() -> None:
    topic = OneTopic({0: aged(*[0.1] * 10)}, retention_ms="-1", retention_bytes="2000")
    (unread,) = read(topic, {0: 2})
    assert unread.bytes_share == {0: pytest.approx(0.8 * 1_000 / 2_000)}
    assert unread.nearness == pytest.approx(0.4)


def test_a_record_dated_ahead_is_new_and_settings_that_are_denied_are_unknown() -> None:
    topic = OneTopic({0: aged(-5, 0)}, retention_ms="1000")
    topic.denied = True
    (unread,) = read(topic, {0: 0})
    assert (unread.age_s, unread.retention, unread.nearness) == ({0: 0.0}, None, 0.0)


@pytest.mark.parametrize(
    ("values", "retention"),
    [
        ({"cleanup.policy": "delete", "retention.ms": "60000"}, Retention(60.0)),
        ({"cleanup.policy": "compact", "retention.ms": "60000"}, Retention()),
        ({"cleanup.policy": "compact,delete", "retention.ms": "60000"}, Retention(60.0)),
        ({"retention.ms": "-1", "retention.bytes": "9"}, Retention(None, 9)),
        ({"retention.ms": None, "retention.bytes": "many"}, Retention()),
    ],
)
def test_the_limits_are_those_of_the_topic(
    values: dict[str, str | None], retention: Retention
) -> None:
    assert retention_of(values) == retention
