"""A registry that follows the topic: a brand that is taken away goes, and without any it holds."""

import time
from collections.abc import Callable, Iterator

import pytest

from brands.registry import BrandRegistry, publish_brands
from runtime import logs
from runtime.settings import KafkaSettings
from tests.make import brand
from tests.runtime.kafka.fake_kafka import FakeKafka

SETTINGS = KafkaSettings(topic_prefix="t.")


@pytest.fixture
def registry(kafka: FakeKafka) -> Iterator[BrandRegistry]:
    publish_brands(SETTINGS, [brand("a"), brand("b")], keep_others=False)
    registry, trouble = BrandRegistry(SETTINGS, settled_s=0), list[Exception]()
    registry.start(on_failure=trouble.append)
    yield registry
    registry.stop()
    assert trouble == []


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "the registry does not follow"
        time.sleep(0.01)


def test_a_brand_that_is_taken_away_goes(registry: BrandRegistry) -> None:
    until(lambda: registry.brands().keys() == {"a", "b"})
    publish_brands(SETTINGS, [brand("b")], keep_others=False)
    until(lambda: registry.brands().keys() == {"b"})
    assert registry.filled.is_set()


def test_without_any_brand_it_holds(registry: BrandRegistry) -> None:
    until(registry.filled.is_set)
    publish_brands(SETTINGS, [], keep_others=False)
    until(lambda: not registry.filled.is_set())
    publish_brands(SETTINGS, [brand("c")], keep_others=False)
    until(registry.filled.is_set)


def test_an_unreadable_brand_is_logged_in_one_short_line(
    kafka: FakeKafka, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure("json", "info")
    kafka.send("t.brands", key=b"k" * 2**20, value=b"[" * 2**20)
    publish_brands(SETTINGS, [brand("a")], keep_others=True)
    registry = BrandRegistry(SETTINGS)
    registry.start(on_failure=lambda error: None)
    until(registry.filled.is_set)
    registry.stop()
    told = capsys.readouterr()
    assert "a brand is unreadable" in told.out + told.err
    assert len(told.out + told.err) < 5_000
