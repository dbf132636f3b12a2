"""Topics and groups as ``tocsin doctor`` tells them, in words."""

import pytest

from runtime.kafka.group_positions import Standing
from runtime.kafka.topic_configs import Difference, Harm, is_readable, unreadable_compression
from runtime.kafka.unread_age import Retention, Unread
from schemas.topic_registry import topics
from tocsin.checkup.kafka_checks import GROUPS, fullest_disk, losses, topic_complaints


def test_what_loses_messages_fails_and_what_is_less_safe_is_noted() -> None:
    found = {
        "t.posts": [
            Difference("retention.ms", "1", Harm.LOSS, "keeps messages 0.0 days"),
            Difference("min.insync.replicas", "2", Harm.NOTE, "acknowledges with 1 of 3"),
        ],
        "t.brands": [Difference("cleanup.policy", "compact", Harm.RUIN, "deletes state")],
        "t.alerts": [],
    }
    faults, notes = topic_complaints(found)
    assert faults == ["t.posts keeps messages 0.0 days", "t.brands deletes state"]
    assert notes == ["t.posts acknowledges with 1 of 3"]


def test_a_compression_without_its_package_cannot_be_read() -> None:
    assert is_readable("snappy", lambda module: object())
    assert not is_readable("snappy", lambda module: None)
    assert is_readable("gzip", lambda module: None)


def test_a_stopped_group_whose_messages_are_near_their_end_is_told() -> None:
    unread = Unread({0: 4 * 86_400.0}, {}, Retention(7 * 86_400.0))
    (told,) = losses("process", "posts", Standing({0: 9}, {0: 0}, unread=unread))
    assert "96.0 hours old, at 57% of what posts keeps" in told
    fresh = Unread({0: 86_400.0}, {}, Retention(7 * 86_400.0))
    assert not list(losses("process", "posts", Standing({0: 9}, {0: 0}, unread=fresh)))


def test_what_a_stopped_group_has_lost_is_told() -> None:
    standing = Standing({0: 9}, {0: 500, 1: 7}, committed={2: 90}, ends={2: 3})
    expired, anew = losses("detector", "activity", standing)
    assert expired == "Kafka deleted 507 messages of activity before detector read them"
    assert "made anew" in anew


@pytest.mark.parametrize(
    ("error", "names"),
    [
        ("Libraries for snappy compression codec not found", ["snappy", "python-snappy"]),
        ("UnsupportedCodecError: Libraries for LZ4 codec", ["lz4", "cramjam"]),
        ("Unrecognized compression type: 9", ["unknown codec", "compression.type"]),
    ],
)
def test_compression_that_cannot_be_read_names_the_package(error: str, names: list[str]) -> None:
    sentence = unreadable_compression(ValueError(error))
    assert "compressed with" in sentence and "\n" not in sentence
    for name in names:
        assert name in sentence


def test_every_group_reads_a_topic_that_exists() -> None:
    assert set(GROUPS.values()) <= topics().keys()


def test_the_fullest_disk_of_all_brokers_is_told() -> None:
    def folder(total: int, usable: int, error: int = 0) -> dict[str, int]:
        return {"error_code": error, "total_bytes": total, "usable_bytes": usable}

    brokers = [{"log_dirs": [folder(100, 40), folder(-1, -1)]}, {"log_dirs": [folder(10, 1, 56)]}]
    assert fullest_disk(brokers) == (pytest.approx(0.9), 1)
    assert fullest_disk([{"log_dirs": [folder(-1, -1)]}]) == (None, 0), "an older broker"
