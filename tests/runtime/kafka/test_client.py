"""A client of a Kafka that is away ends with a sentence; it leaves no descriptor and no thread."""

import json
import socket
import subprocess
import sys

import pytest

from runtime.kafka import client as kafka
from runtime.settings import KafkaSettings, load
from schemas.errors import ServiceUnavailable

LEFT_BEHIND = """
import gc, json, sys
import psutil
from runtime.kafka import client as kafka
from runtime.settings import KafkaSettings
from schemas.errors import ServiceUnavailable

gc.disable()
settings, us, counts = KafkaSettings(bootstrap_servers=sys.argv[1]), psutil.Process(), []
for _ in range(4):
    try:
        with kafka.admin(settings, bootstrap_s=1.0) as client:
            client.list_topics()
    except ServiceUnavailable as error:
        assert "does not answer" in str(error)
        counts.append((us.num_fds(), us.num_threads()))
print(json.dumps(counts))
"""
"""Runs in a process of its own: nothing else opens files or ends threads there."""


def test_what_was_told_once_is_not_told_again_as_something_else() -> None:
    settings = load(KafkaSettings, bootstrap_servers="127.0.0.1:9")
    with (
        pytest.raises(ServiceUnavailable) as raised,
        kafka.kafka_errors(settings),
        kafka.kafka_errors(settings),
    ):
        raise OSError("refused")
    assert str(raised.value).count("does not answer") == 1
    assert "does not understand" not in str(raised.value)


@pytest.mark.parametrize("listens", [False, True], ids=["refused", "silent"])
def test_a_kafka_that_is_away_leaves_nothing_behind(listens: bool) -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        if listens:
            server.listen()
        address = f"127.0.0.1:{server.getsockname()[1]}"
        ran = subprocess.run(
            [sys.executable, "-c", LEFT_BEHIND, address], capture_output=True, text=True, check=True
        )
    (fds, threads), *_, (fds_at_last, threads_at_last) = json.loads(ran.stdout)
    # One may be about to be closed; each client that leaves something leaves three or more.
    assert fds_at_last - fds < 3
    assert threads_at_last - threads < 2
