"""A client of a Kafka that is away ends with a sentence; it leaves no descriptor and no thread."""

import gc
import socket
from collections.abc import Iterator

import psutil
import pytest

from runtime.kafka import client as kafka
from runtime.settings import KafkaSettings
from schemas.errors import ServiceUnavailable


@pytest.fixture
def no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.parametrize("listens", [False, True], ids=["refused", "silent"])
def test_a_kafka_that_is_away_leaves_nothing_behind(no_collector: None, listens: bool) -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        if listens:
            server.listen()
        port = server.getsockname()[1]
        settings = KafkaSettings(bootstrap_servers=f"127.0.0.1:{port}")
        us = psutil.Process()
        before = us.num_fds(), us.num_threads()
        for _ in range(2):
            with (
                pytest.raises(ServiceUnavailable, match="does not answer"),
                kafka.admin(settings, bootstrap_s=1.0) as client,
            ):
                client.list_topics()
        # Threads of earlier tests may end meanwhile.
        assert us.num_fds() <= before[0]
        assert us.num_threads() <= before[1]
