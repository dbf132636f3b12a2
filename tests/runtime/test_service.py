"""Every service with Kafka or Elasticsearch away: few lines, all of one form, and an end in time.

The services are real processes. ``SILENT`` servers accept connections and never answer; nothing
listens on ``CLOSED`` ports.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.servers.tcp import Connection, TcpServer

SERVICES = {
    "process": ["process"],
    "detector": ["detector"],
    "sink-elasticsearch": ["sink", "elasticsearch"],
    "sink-alerts": ["sink", "alerts"],
    "ingest": ["ingest", "generate", "--posts", "1000"],
}
ENDS_WITHIN_S = 25.0
"""Generous, for a busy machine: later it has not ended by itself."""
MAX_LINES = 40
"""A minute of the services' own lines, and one a minute of each trouble of their libraries."""


class _Silent(Connection):
    def serve(self) -> None:
        self.idle()

    def received(self, data: bytes) -> None:
        self.fire("heard")


class Silent(TcpServer):
    """Accepts, reads, and never answers."""

    def connected(self, connection: socket.socket) -> Connection:
        return _Silent(self, connection)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"


def free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        return int(listener.getsockname()[1])


@dataclass
class Running:
    process: subprocess.Popen[bytes]
    log: Path
    port: int

    def get(self, path: str) -> tuple[int, str]:
        """The answer of the monitor, as soon as it is there."""
        deadline = time.monotonic() + 90
        while True:
            assert self.process.poll() is None, self.lines()
            try:
                with closing(HTTPConnection("127.0.0.1", self.port, timeout=5)) as connection:
                    connection.request("GET", path)
                    answer = connection.getresponse()
                    return answer.status, answer.read().decode()
            except OSError:
                assert time.monotonic() < deadline, self.lines()
                time.sleep(0.1)

    def lines(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.log.read_text("utf-8").splitlines()]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[object]:
    running: list[Running] = []

    def run(service: str, kafka: str, elasticsearch: str, **more: str) -> Running:
        port, log = free_port(), tmp_path / "log"
        environment = {
            **{name: value for name, value in os.environ.items() if "TOCSIN" not in name},
            "TOCSIN_KAFKA_BOOTSTRAP_SERVERS": kafka,
            "TOCSIN_ELASTICSEARCH_URL": elasticsearch,
            "TOCSIN_MONITOR_PORT": str(port),
            "TOCSIN_LOG_STYLE": "json",
            **more,
        }
        with log.open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", "tocsin", *SERVICES[service]],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
            )
        running.append(Running(process, log, port))
        return running[-1]

    yield run
    for each in running:
        each.process.kill()
        each.process.wait()


@pytest.mark.parametrize("service", list(SERVICES))
def test_a_stop_ends_it_though_kafka_and_elasticsearch_never_answer(
    start: object, service: str
) -> None:
    assert callable(start)
    with Silent() as kafka, Silent() as elasticsearch:
        running = start(service, kafka.address, f"http://{elasticsearch.address}")
        status, why = running.get("/readyz")
        assert (status, "waiting for " in why or "starting" in why) == (503, True), why
        assert running.get("/healthz")[0] == 200
        first = elasticsearch if service == "sink-elasticsearch" else kafka
        first.wait_for("connections", lambda: len(first.fired), 1, 60)
        running.process.send_signal(signal.SIGTERM)
        running.process.wait(ENDS_WITHIN_S)
    lines = running.lines()
    assert len(lines) <= MAX_LINES
    assert not [line for line in lines if "exception" in line]
    started = str(lines[0]["event"])
    assert started.startswith("reading ")
    assert f"metrics on http://127.0.0.1:{running.port}/metrics" in started


@pytest.mark.parametrize("service", list(SERVICES))
def test_without_kafka_it_says_one_sentence_and_ends_with_3(start: object, service: str) -> None:
    assert callable(start)
    nowhere = f"127.0.0.1:{free_port()}"
    running = start(service, nowhere, f"http://{nowhere}")
    assert running.process.wait(90) == 3
    lines = running.lines()
    assert len(lines) <= MAX_LINES
    assert not [line for line in lines if "exception" in line]
    assert lines[0]["level"] == "info" and str(lines[0]["event"]).startswith("reading ")
    last = str(lines[-1]["event"])
    assert nowhere in last and "does not answer" in last and "Traceback" not in last
    assert lines[-1]["level"] == "error"


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("TOCSIN_LOG_LEVEL", "verbose", "TOCSIN_LOG_LEVEL is wrong"),
        ("TOCSIN_KAFKA_PORT", "9092", "TOCSIN_KAFKA_PORT is not a setting"),
        ("TOCSIN_PROCESS_BATCH_SIZE", "many", "TOCSIN_PROCESS_BATCH_SIZE is wrong"),
    ],
)
def test_a_wrong_setting_is_told_before_kafka_is_asked(
    start: object, name: str, value: str, says: str
) -> None:
    assert callable(start)
    with Silent() as kafka:
        running = start("process", kafka.address, "http://127.0.0.1:1", **{name: value})
        assert running.process.wait(60) == 2
        assert not kafka.fired
    assert says in running.log.read_text("utf-8")


def test_a_port_that_is_taken_is_told_with_what_to_set(start: object) -> None:
    assert callable(start)
    with Silent() as taken:
        port = {"TOCSIN_MONITOR_PORT": str(taken.port)}
        running = start("process", "127.0.0.1:1", "http://127.0.0.1:1", **port)
        assert running.process.wait(60) == 2
    (line,) = running.lines()
    assert "TOCSIN_MONITOR_PORT" in str(line["event"]) and str(taken.port) in str(line["event"])
