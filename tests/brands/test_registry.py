"""The brands topic: made to hold what a file says, read back, and refused in a sentence."""

import pytest
from kafka.errors import KafkaTimeoutError

from brands.registry import Burst, current_brands, decoded_brands, publish_brands
from runtime.settings import KafkaSettings
from schemas.errors import ConfigurationError, ServiceUnavailable
from tests.make import brand
from tests.runtime.kafka.fake_kafka import FakeKafka

SETTINGS = KafkaSettings(topic_prefix="t.")


def test_only_what_changed_is_published(kafka: FakeKafka) -> None:
    assert publish_brands(SETTINGS, [brand("a"), brand("b")], keep_others=False) == (2, 0)
    changed = brand("b", query="corvo")
    assert publish_brands(SETTINGS, [brand("a"), changed], keep_others=False) == (1, 0)
    assert [record.key for record in kafka.log["t.brands"]] == [b"a", b"b", b"b"]
    assert decoded_brands(current_brands(SETTINGS)) == {"a": brand("a"), "b": changed}


def test_brands_that_are_not_named_go_unless_they_are_kept(kafka: FakeKafka) -> None:
    publish_brands(SETTINGS, [brand("a"), brand("b")], keep_others=False)
    assert publish_brands(SETTINGS, [brand("c")], keep_others=True) == (1, 0)
    assert current_brands(SETTINGS).keys() == {"a", "b", "c"}
    assert publish_brands(SETTINGS, [brand("c")], keep_others=False) == (0, 2)
    assert current_brands(SETTINGS).keys() == {"c"}


def test_a_kafka_that_takes_nothing_is_a_sentence(kafka: FakeKafka) -> None:
    def away(topic: str) -> None:
        raise KafkaTimeoutError("no leader")

    kafka.on_send = away
    with pytest.raises(ServiceUnavailable, match=r"not acknowledge the brands \(.*; try again"):
        publish_brands(SETTINGS, [brand("a")], keep_others=False)


def test_an_unreadable_brand_is_named(kafka: FakeKafka) -> None:
    kafka.send("t.brands", key=b"a", value=b"{")
    with pytest.raises(ConfigurationError, match="brand a cannot be read .* run 'tocsin brands"):
        decoded_brands(current_brands(SETTINGS))


def test_a_burst_of_changes_is_over_once_after_its_last_record() -> None:
    burst = Burst(settled_s=1.0, max_s=10.0)
    polls = [(0.0, False), (1.0, True), (1.5, True), (2.4, False), (2.5, False), (9.0, False)]
    assert [now for now, changed in polls if burst.is_over(changed, now)] == [2.5]


def test_changes_that_never_pause_are_published_all_the_same() -> None:
    burst = Burst(settled_s=1.0, max_s=10.0)
    over = [tenth / 2 for tenth in range(61) if burst.is_over(True, tenth / 2)]
    assert over == [10.0, 20.5]
