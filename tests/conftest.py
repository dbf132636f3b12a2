"""What all tests share: how hard Hypothesis tries, logs, and the running servers."""

import os
import time
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from runtime import logs
from tests.runtime.kafka.fake_kafka import FakeKafka
from tests.stack_fixtures import engines, stack_dir

__all__ = ["engines", "stack_dir"]

# No deadlines: a busy machine is no bug. In CI the same examples every time, and fewer.
settings.register_profile(
    "local", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.register_profile(
    "ci", settings.get_profile("local"), derandomize=True, database=None, max_examples=40
)
settings.load_profile("ci" if os.environ.get("CI") else "local")


@pytest.fixture(autouse=True)
def zone() -> Iterator[None]:
    """The time zone of the next test is the machine's, whatever this one put into TZ."""
    yield
    time.tzset()


@pytest.fixture
def kafka(monkeypatch: pytest.MonkeyPatch) -> FakeKafka:
    """What :mod:`runtime.kafka.client` connects to."""
    fake = FakeKafka()
    monkeypatch.setattr("runtime.kafka.client.KafkaConsumer", lambda **_: fake.consumer())
    monkeypatch.setattr("runtime.kafka.client.KafkaProducer", lambda **_: fake)
    return fake


@pytest.fixture(autouse=True)
def _logs_of_a_service() -> None:
    """Configure logs as every service does first, to the standard error of this very test.

    Without it, structlog draws each traceback with all its locals, which takes minutes where a
    property test makes an annotator fail.
    """
    logs.configure("json", "warning")
