"""Topics that others made: what is wrong with them, in words; more room than ours never is."""

import pytest

from runtime.kafka.client import judge_topics
from runtime.kafka.topic_configs import Harm, command, configs, differences, min_insync
from schemas.errors import ConfigurationError
from schemas.topic_registry import topics

POSTS, BRANDS = topics()["posts"], topics()["brands"]


@pytest.mark.parametrize(
    ("changed", "wrong"),
    [
        ({}, {}),
        ({"retention.ms": "-1", "max.message.bytes": "99999999"}, {}),
        ({"min.insync.replicas": "3"}, {}),
        ({"compression.type": "snappy", "retention.bytes": "-1"}, {}),
        ({"max.message.bytes": None, "retention.ms": "soon"}, {}),
        ({"max.message.bytes": "1048588"}, {"max.message.bytes": Harm.LOSS}),
        ({"retention.ms": "3600000"}, {"retention.ms": Harm.LOSS}),
        ({"retention.bytes": "1000000"}, {"retention.bytes": Harm.NOTE}),
        ({"cleanup.policy": "compact"}, {"cleanup.policy": Harm.LOSS}),
        ({"min.insync.replicas": "1"}, {"min.insync.replicas": Harm.NOTE}),
        ({"min.insync.replicas": "4"}, {"min.insync.replicas": Harm.LOSS}),
        ({"message.timestamp.type": "LogAppendTime"}, {"message.timestamp.type": Harm.NOTE}),
        (
            {"retention.ms": "1", "max.message.bytes": "1"},
            {"retention.ms": Harm.LOSS, "max.message.bytes": Harm.LOSS},
        ),
    ],
)
def test_differences(changed: dict[str, str | None], wrong: dict[str, Harm]) -> None:
    present = {**configs(POSTS, 3), **changed}
    found = list(differences(present, POSTS, 3))
    assert {each.setting: each.harm for each in found} == wrong
    for each in found:
        assert each.setting in each.text
        assert each.wanted in each.text


@pytest.mark.parametrize("policy", ["delete", "compact,delete"])
def test_state_that_kafka_may_delete_is_ruin_and_a_service_refuses_it(policy: str) -> None:
    (found,) = differences({"cleanup.policy": policy, "retention.ms": "1"}, BRANDS, 1)
    assert found.harm is Harm.RUIN
    with pytest.raises(ConfigurationError, match=r"t\.brands has cleanup.policy .*--repair"):
        judge_topics({"t.brands": [found]})


def test_a_service_starts_on_a_topic_that_can_lose_messages() -> None:
    judge_topics({"t.posts": list(differences({"retention.ms": "1"}, POSTS, 1))})


def test_a_topic_that_tells_nothing_is_no_difference() -> None:
    for topic in topics().values():
        assert not list(differences({}, topic, 3))
        assert not list(differences(configs(topic, 1), topic, 1))


@pytest.mark.parametrize(("replication", "copies"), [(1, 1), (2, 1), (3, 2), (5, 4)])
def test_all_copies_but_one_have_to_be_in_sync(replication: int, copies: int) -> None:
    assert min_insync(replication) == copies
    assert configs(POSTS, replication)["min.insync.replicas"] == str(copies)


def test_the_remedy_is_a_command() -> None:
    line = command("t.posts", {"retention.ms": "60", "max.message.bytes": "9"}, "kafka:9092")
    assert line == (
        "kafka-configs.sh --bootstrap-server kafka:9092 --alter --entity-type topics "
        "--entity-name t.posts --add-config retention.ms=60,max.message.bytes=9"
    )
