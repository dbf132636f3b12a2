"""Topics that others made: what is wrong with them, in words; more room than ours never is."""

import pytest

from runtime.kafka import client
from runtime.kafka.client import unreadable_compression
from schemas.topic_registry import topics
from tocsin.checkup.kafka_checks import GROUPS, topic_complaints

OURS = topics()["posts"].configs()


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({}, []),
        ({"retention.ms": "-1", "max.message.bytes": "99999999"}, []),
        ({"max.message.bytes": "1048588"}, ["max.message.bytes"]),
        ({"retention.ms": "3600000"}, ["0.0 days"]),
        ({"cleanup.policy": "compact"}, ["cleanup.policy compact"]),
        ({"compression.type": "producer"}, []),
        ({"compression.type": "gzip"}, []),
        ({"compression.type": "snappy"}, []),
        ({"compression.type": "lz4"}, []),
        ({"max.message.bytes": None}, []),
        ({"retention.ms": "1", "max.message.bytes": "1"}, ["max.message", "retention"]),
    ],
)
def test_complaints(changed: dict[str, str | None], says: list[str]) -> None:
    complaints = list(topic_complaints({**OURS, **changed}, OURS))
    assert len(complaints) == len(says)
    for complaint, words in zip(complaints, says, strict=True):
        assert words in complaint


def test_a_compression_without_its_package_is_a_complaint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "find_spec", lambda module: None if module == "cramjam" else module)
    (complaint,) = topic_complaints({**OURS, "compression.type": "snappy"}, OURS)
    assert "snappy" in complaint and "cramjam" in complaint


def test_a_topic_that_tells_nothing_is_no_complaint() -> None:
    for topic in topics().values():
        assert not list(topic_complaints({}, topic.configs()))
        assert not list(topic_complaints({**topic.configs()}, topic.configs()))


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
